"""Row 21: somebody between the host and a server, with a certificate of their own. Nothing is said to them."""

from pathlib import Path

import pytest

from longwire.policy.grants import Grant
from longwire.policy.model import GrantEntry, PolicyFile
from longwire.protocol.errors import ErrorCode
from tests.threats.bench import Host, ScriptedNames
from tests.upstreams import bodies, faults
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.tls import Authority

SECRET = "lw-canary-intercepted-c41d"
POLICY = """\
version = 1

[[grant]]
name = "api"
pages = ["https://chat.example.com"]
destinations = ["https://api.test:{port}/"]
methods = ["GET"]
network = "loopback"
inject = {{ Authorization = "Bearer {{secret:key}}" }}
{more}

[secret.key]
file = "{key}"
"""


async def answer(request: Request) -> None:
    await bodies.respond(request.connection, b"ok")


@pytest.mark.parametrize(
    ("fault", "reached"),
    [
        ("none", True),
        ("expired", False),
        ("another name", False),
        ("another authority", False),
        ("the system's", False),
    ],
)
async def test_a_request_goes_out_only_to_a_server_that_is_who_it_should_be(
    tmp_path: Path, fault: str, *, reached: bool
) -> None:
    authority = Authority()
    trusted = Authority() if fault == "another authority" else authority
    context = authority.server_context(
        "evil.test" if fault == "another name" else "api.test", expired=fault == "expired"
    )
    key = tmp_path / "key"
    key.write_text(SECRET)
    key.chmod(0o600)
    more = "" if fault == "the system's" else f'ca_file = "{trusted.write_ca(tmp_path)}"'
    async with Server(answer, context=context) as server:
        policy = POLICY.format(port=server.port, key=key, more=more)
        host = Host(tmp_path, policy, ScriptedNames({"api.test": ["127.0.0.1"]}))
        got = await host.ask(f"https://api.test:{server.port}/")
        await host.aclose()
    if reached:
        assert (got.code, server.requests[0].header("authorization")) == (None, f"Bearer {SECRET}")
    else:
        assert got.code is ErrorCode.UPSTREAM_TLS
        assert server.requests == []


async def test_an_answer_in_plain_text_is_none_where_tls_is_due(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET)
    (tmp_path / "key").chmod(0o600)
    async with faults.no_http(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as port:
        policy = POLICY.format(port=port, key=tmp_path / "key", more="")
        host = Host(tmp_path, policy, ScriptedNames({"api.test": ["127.0.0.1"]}))
        assert (await host.ask(f"https://api.test:{port}/")).code is ErrorCode.UPSTREAM_TLS
        # Nor is plain http granted by it.
        assert (await host.ask(f"http://api.test:{port}/")).code is ErrorCode.POLICY_DENIED
        await host.aclose()


def test_there_is_no_switch_for_it() -> None:
    for fields in (PolicyFile.model_fields, GrantEntry.model_fields, Grant.__dataclass_fields__):
        assert not [name for name in fields if any(word in name for word in ("verify", "insecure", "trust", "check"))]
