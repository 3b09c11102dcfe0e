"""A generation as its page sees it: a host in one process, a real upstream client, vendors on this machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

import anyio
import orjson
import pybase64

from longwire.engine.exchange import Kind
from longwire.engine.generation import Generation
from longwire.policy import Locations
from longwire.policy.budgets import BudgetFiles, Budgets
from longwire.policy.template_files import TemplateFiles
from longwire.protocol.messages import GENERATION_URL
from longwire.upstream.client import UpstreamClient
from tests.patience import PATIENCE_S
from tests.unit.engine.harness import PAGE, TERMINALS, Bench, page_facts, running_engine
from tests.unit.policy.samples import owned_lstat
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.vendors import anthropic, ollama, openai
from tests.upstreams.vendors.wire import Answer, Wire

# Made up for the tests; long enough that the guard knows parts of it.
KEY = "sk-test-Zk3vQ8mW1xR7bN5cT9yL2pJ6"

WIRES = {
    "openai": openai.RESPONSES,
    "openai-chat": openai.CHAT,
    "anthropic": anthropic.MESSAGES,
    "ollama": ollama.CHAT,
}

Reply: TypeAlias = Callable[[Request], Awaitable[None]]


@dataclass
class Vendor:
    """Answers one request after another by `replies`; the last one stays."""

    replies: list[Reply]
    requests: list[Request] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)

    async def __call__(self, request: Request) -> None:
        body = await request.body()
        self.requests.append(request)
        self.sent.append(orjson.loads(body) if body else None)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        await reply(request)


def streaming(wire: Wire, *, pieces: int | None = None, then: bytes = b"") -> Reply:
    """The wire's stream, whole or the first `pieces` of it; a cut one ends as if it were whole, behind `then`."""

    async def reply(request: Request) -> None:
        connection = request.connection
        await connection.send(bodies.head(200, [("Content-Type", wire.media_type), ("Transfer-Encoding", "chunked")]))
        for piece in wire.pieces[:pieces]:
            await connection.send(bodies.chunk(piece.data))
        await connection.send((bodies.chunk(then) if then else b"") + b"0\r\n\r\n")

    return reply


def answering(answer: Answer) -> Reply:
    """A whole response."""

    async def reply(request: Request) -> None:
        await bodies.respond(request.connection, answer.body, status=answer.status, headers=list(answer.headers))

    return reply


def refusing(status: int, error: dict[str, Any], headers: dict[str, str] | None = None) -> Reply:
    """`{"error": …}` with that status."""
    body = orjson.dumps({"error": error})
    fields = (("Content-Type", "application/json"), *(headers or {}).items())
    return answering(Answer(status, body, fields))


LATER = refusing(429, {"message": "slow down", "code": "rate_limit_exceeded"}, {"Retry-After": "0"})


def event(value: dict[str, Any]) -> bytes:
    """One of a provider's events."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def chat_text(text: str) -> bytes:
    """A piece of an answer of chat completions."""
    return event({"choices": [{"index": 0, "delta": {"content": text}}]})


def chat_end(usage: tuple[int, int] | None = (9, 5)) -> bytes:
    """The end of one."""
    counted = usage and event({"choices": [], "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1]}})
    stop = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return stop + (counted or b"") + b"data: [DONE]\n\n"


def chat(*pieces: bytes) -> Reply:
    """A stream of chat completions, of exactly these bytes."""

    async def reply(request: Request) -> None:
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await request.connection.send(bodies.head(200, fields))
        for piece in pieces:
            await request.connection.send(bodies.chunk(piece))
        await request.connection.send(b"0\r\n\r\n")

    return reply


def write_template(folder: Path, text: str) -> None:
    """`pr`, beside the policy file of that folder."""
    (folder / "templates").mkdir(mode=0o700, parents=True)
    (folder / "templates" / "pr.txt").write_text(text)


@dataclass
class Asker:
    """The page's side."""

    bench: Bench
    budgets: Budgets
    upstream: UpstreamClient

    def ask(self, stream_id: int, *, page: dict[str, Any] | None = None, **request: Any) -> None:
        """STREAM_START of a generation; without messages it asks why."""
        asked = {"provider": "vendor", "messages": [{"role": "user", "content": "Why?"}]} | request
        self.send(stream_id, orjson.dumps({k: v for k, v in asked.items() if v is not None}), page=page)

    def send(self, stream_id: int, content: bytes, /, *, page: dict[str, Any] | None = None, **changes: Any) -> None:
        """The same with any body."""
        start: dict[str, Any] = {
            "kind": "generation",
            "page": page or page_facts(),
            "method": "POST",
            "url": GENERATION_URL,
            "headers": [["content-type", "application/json"]],
            "body": {"kind": "inline", "data": pybase64.b64encode(content).decode()},
        }
        self.bench.start(stream_id, **(start | changes))

    async def body(self, stream_id: int) -> tuple[bytes, dict[str, Any]]:
        """All of the stream's bytes, acknowledged as they come, and its terminal message."""
        taken = 0
        data = b""
        while True:
            messages = self.bench.channel.of_stream(stream_id)
            chunks = [m["data"] for m in messages if m["type"] == "STREAM_CHUNK"]
            data = b"".join(chunks)
            if len(data) > taken:
                taken = len(data)
                self.bench.channel.send(type="STREAM_ACK", id=stream_id, consumed=taken)
            terminal = next((m for m in messages if m["type"] in TERMINALS), None)
            if terminal is not None:
                return data, terminal
            count = len(messages)

            def more(_: Any, count: int = count) -> bool:
                return len(self.bench.channel.of_stream(stream_id)) > count

            await self.bench.channel.wait_for(more)

    def so_far(self, stream_id: int) -> bytes:
        """What of its body was sent."""
        messages = self.bench.channel.of_stream(stream_id)
        return b"".join(message["data"] for message in messages if message["type"] == "STREAM_CHUNK")

    async def upload(self, stream_id: int, body: bytes) -> None:
        """The body of a stream that was started without one, as its window allows; until the stream ends."""
        sent = 0
        while sent < len(body):

            def room(_: Any, sent: int = sent) -> int:
                messages = self.bench.channel.of_stream(stream_id)
                if any(message["type"] in TERMINALS for message in messages):
                    return -1
                acks = [m["consumed"] + m["window"] for m in messages if m["type"] == "STREAM_BODY_ACK"]
                return max(acks, default=0) - sent

            size = min(await self.bench.channel.wait_for(room), len(body) - sent, 64 * 1024)
            if size < 0:
                return
            data = pybase64.b64encode(body[sent : sent + size]).decode()
            self.bench.channel.send(type="STREAM_BODY", id=stream_id, offset=sent, data=data)
            sent += size
        self.bench.channel.send(type="STREAM_BODY_END", id=stream_id, bytes=sent)

    async def events(self, stream_id: int) -> list[dict[str, Any]]:
        """The events of a stream that ends in order."""
        data, terminal = await self.body(stream_id)
        assert terminal["type"] == "STREAM_END", terminal
        return read_events(data)


def read_events(data: bytes) -> list[dict[str, Any]]:
    """Events of a text/event-stream that has comments and data only."""
    return [orjson.loads(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: ")]


def of_type(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Those of one type."""
    return [each for each in events if each["type"] == kind]


def text_of(events: list[dict[str, Any]]) -> str:
    """What the page shows."""
    return "".join(each["text"] for each in of_type(events, "content"))


def one_provider(url: str, *, page: str = PAGE, more: str = "") -> str:
    """A policy that lets `page` ask `vendor` at `url`, without a key; `more` are further lines of the provider."""
    return f"""\
version = 1
[[grant]]
name = "answers"
pages = ["{page}"]
generate = ["vendor"]
[[provider]]
name = "vendor"
kind = "openai-chat"
base_url = "{url}"
models = ["test-1"]
network = "loopback"
{more}
"""


def policy(server: str, base_url: str, key_file: Path, kind: str, provider: str) -> str:
    """A policy that lets the page ask `vendor`, of which `provider` are more lines, and `other` at the same server."""
    return f"""\
version = 1

[[grant]]
name = "answers"
pages = ["{PAGE}"]
generate = ["vendor", "other"]

[[provider]]
name = "vendor"
kind = "{kind}"
base_url = "{base_url}"
models = ["test-1", "test-*"]
network = "loopback"
{"" if "secret =" in provider else 'secret = "key"'}
{provider}

[[provider]]
name = "other"
kind = "openai-chat"
base_url = "{server.removesuffix("/v1")}/other"
models = ["other-1"]
network = "loopback"

[secret.key]
file = "{key_file}"
"""


def administrators_policy(base_url: str) -> str:
    """That of the administrator, who leaves the user's file in force."""
    return f"""\
version = 1
user_grants = true

[[grant]]
name = "central"
pages = ["{PAGE}"]
generate = ["central"]

[[provider]]
name = "central"
kind = "openai-chat"
base_url = "{base_url}"
models = ["central-1"]
network = "loopback"
"""


@asynccontextmanager
async def generating(
    folder: Path,
    *replies: Reply,
    kind: str = "openai-chat",
    provider: str = "",
    base_url: str | None = None,
    clock_ms: Callable[[], int] | None = None,
    central: bool = False,
) -> AsyncIterator[tuple[Asker, Vendor]]:
    """A page that may ask `vendor`, which answers by `replies`. `base_url`: where `vendor` is instead; `central`: the
    administrator's file lets it ask `central`, too, at the same server.
    """
    vendor = Vendor(list(replies))
    key_file = folder / "key"
    key_file.write_text(KEY + "\n")
    key_file.chmod(0o600)
    async with Server(vendor) as server:
        base = server.url("" if kind in ("anthropic", "ollama") else "/v1")
        users = policy(base, base_url or base, key_file, kind, provider)
        administrators = administrators_policy(server.url("/central")) if central else None
        async with running_engine(folder, policy=users, administrator=administrators) as bench:
            upstream = UpstreamClient()
            budgets = Budgets(BudgetFiles(folder / "budgets"), clock_ms)
            kinds = cast("dict[str, Kind]", bench.engine.kinds)
            places = Locations(administrator=folder / "etc" / "policy.toml", user=bench.policy_file)
            templates = TemplateFiles(places, owned_lstat())
            kinds["generation"] = Generation(upstream, bench.authorizer, budgets, templates=templates)
            try:
                with anyio.fail_after(PATIENCE_S):
                    yield Asker(bench, budgets, upstream), vendor
            finally:
                await upstream.aclose()
    await asyncio.sleep(0)
