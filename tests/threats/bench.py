"""A page's request through the real policy, authorizer and HTTP client, towards servers on loopback, names made up."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longwire.engine.authorization import Authorizer
from longwire.policy import Locations, PolicyStore
from longwire.policy.files import PolicyFiles
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.messages import StreamStart
from longwire.upstream import UpstreamClient
from tests.unit.upstream.asking import read_all

PAGE = "https://chat.example.com"


class ScriptedNames:
    """A `Resolver`: names of the table, and whatever else as the C library reads a numeric address."""

    def __init__(self, table: dict[str, Sequence[str]] | None = None) -> None:
        self.table: dict[str, Sequence[str]] = table or {}
        self.asked: list[str] = []

    async def lookup(self, host: str, isolation: str) -> Sequence[str]:
        self.asked.append(host)
        if host in self.table:
            return self.table[host]
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [str(info[4][0]) for info in infos]


@dataclass
class Answer:
    """What the page got: an error, or a response. `shown` is every text of it."""

    code: ErrorCode | None = None
    message: str = ""
    status: int = 0
    url: str = ""
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def shown(self) -> str:
        """All that a page can read of it."""
        return "\n".join([self.message, self.url, self.reason, str(self.headers), self.body.decode("latin-1")])


class Host:
    """The host without its channel: policy file, authorizer, client."""

    def __init__(self, folder: Path, policy: str, names: ScriptedNames) -> None:
        file = folder / "policy.toml"
        file.write_text(policy)
        places = Locations(administrator=folder / "none.toml", user=file)
        assert PolicyStore(places).current().problems == ()
        self._policy = LivePolicy(PolicyFiles(places), settle_s=0)
        self.authorizer = Authorizer(self._policy)
        self.client = UpstreamClient(resolver=names)

    def forget(self) -> None:
        """As for a user of whom nothing was counted and nothing suspended yet."""
        self.authorizer = Authorizer(self._policy)

    async def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        redirect: str = "follow",
        page: str = PAGE,
        private: bool = False,
        read: bool = True,
    ) -> Answer:
        """Do what an exchange does with a STREAM_START; without `read` give up once the head is there."""
        message: dict[str, Any] = {
            "type": "STREAM_START",
            "id": 1,
            "page": {"origin": page, "tab": 1, "frame": 0, "document": "d", "private": private},
            "method": method,
            "url": url,
            "headers": [list(pair) for pair in headers],
            "body": {"kind": "none"} if body is None else {"kind": "inline", "data": ""},
            "redirect": redirect,
            "timeouts": {"header_ms": 5000},
        }
        start = StreamStart.model_validate(message, strict=False)
        try:
            async with self.authorizer.begin(start, lambda _: None) as authorization:
                response = await self.client.open(authorization.request(body))
                try:
                    answer = authorization.answer(
                        response.headers,
                        response.reason,
                        response.url if response.redirected else "",
                        status=response.status,
                    )
                    data = await read_all(response) if read else b""
                    answer.inspect(data, len(data))
                    return Answer(None, "", response.status, response.url, response.reason, answer.headers, data)
                finally:
                    await response.aclose()
        except StreamError as error:
            return Answer(error.code, error.text)

    async def aclose(self) -> None:
        """Close the client; nothing of it may be busy."""
        busy = self.client.busy_connections
        await self.client.aclose()
        assert busy == 0
