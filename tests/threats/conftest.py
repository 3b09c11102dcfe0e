"""A host with one granted server that injects a secret, for the rows that need no more."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.threats.bench import Host, ScriptedNames
from tests.upstreams.connection import Request
from tests.upstreams.server import Server

# With characters that encoders differ about.
SECRET = 'lw/canary+granted="51f0c2&"'
POLICY = """\
version = 1

[[grant]]
name = "api"
pages = ["https://chat.example.com", "https://other.example.com"]
destinations = ["http://api.test:{port}/"]
methods = ["GET", "POST", "HEAD"]
network = "loopback"
{inject}
{more}

[secret.key]
file = "{key}"
"""


@dataclass
class Granted:
    """The host, its server, and the secret that goes there."""

    host: Host
    server: Server
    secret: str

    @property
    def url(self) -> str:
        return f"http://api.test:{self.server.port}/"


MakeGranted = Callable[..., Awaitable[Granted]]
BEARER = 'inject.Authorization = "Bearer {secret:key}"'


@pytest.fixture
async def granted(tmp_path: Path) -> AsyncIterator[MakeGranted]:
    """Makes one: `await granted(handler, more="…", inject="…")`, both being lines of the grant."""
    made: list[Granted] = []

    async def make(handler: Callable[[Request], Awaitable[None]], more: str = "", inject: str = BEARER) -> Granted:
        (tmp_path / "key").write_text(SECRET)
        (tmp_path / "key").chmod(0o600)
        server = Server(handler)
        await server.start()
        policy = POLICY.format(port=server.port, key=tmp_path / "key", more=more, inject=inject)
        made.append(Granted(Host(tmp_path, policy, ScriptedNames({"api.test": ["127.0.0.1"]})), server, SECRET))
        return made[-1]

    yield make
    for one in made:
        await one.host.aclose()
        await one.server.stop()
