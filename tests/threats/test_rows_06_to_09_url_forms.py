"""Rows 6 to 9: every way to write an address that is not meant, as request, as redirect target and as DNS answer.

A server stands inside, on every loopback address. The policy grants the inside by name and by number, with
`network = "public"`: whoever gets past the URL still has the address before them. Nobody may reach the server.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import ada_url
import pytest

from longwire.protocol.errors import ErrorCode
from tests.printed import say
from tests.threats.bench import Host, ScriptedNames
from tests.upstreams import bodies, redirects
from tests.upstreams.connection import Request
from tests.upstreams.server import Server

# Spellings of this machine, of private networks, of metadata services, and of what is none of them.
HOSTS = (
    *("127.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "127.000.000.001", "2130706433", "0x7f000001", "0x7f.1"),
    *("0x7F.0x0.0x0.0x1", "0177.0.0.1", "017700000001", "0177.1", "127.255.255.254", "0", "0.0.0.0", "00", "0x0"),
    *("[::1]", "[0:0:0:0:0:0:0:1]", "[0::1]", "[::0001]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[::FFFF:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]"),
    *("[2002:7f00:1::]", "[2002:7f00:1::1]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[fe80::1]", "[fe80::1%25lo]"),
    *("[::1%25lo]", "[::1%lo]", "[::ffff:0:127.0.0.1]", "[fec0::1]", "[ff02::1]", "[100::1]"),
    *("localhost", "LOCALHOST", "localhost.", "x.localhost", "localhost%00", "localhost%2e", "%31%32%37.1"),
    *("①②⑦.⓪.⓪.①", "127。0。0。1", "\uff11\uff12\uff17.0.0.1", "127.0.0.1%2f", "127%2e0%2e0%2e1", "127.0.0.1%09"),
    *("10.0.0.1", "10.1", "167772161", "192.168.1.1", "172.16.0.1", "100.64.0.1", "198.18.0.1", "[fd00::1]"),
    *("169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[fd00:ec2::254]"),
    *("[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
    *("255.255.255.255", "224.0.0.1", "240.0.0.1", "inside.test", "INSIDE.test", "inside.test.", "mixed.test"),
)  # fmt: skip
# Ways to put a host into a URL that parsers disagree about, or that hide it.
WRAPPINGS = (
    "http://{host}:{port}/",
    "http://public.test@{host}:{port}/",
    "http://{host}:{port}\\@public.test/",
)
# For one host each: the same ideas, and paths that lead out of a prefix (row 9).
ODD = (
    "http:{host}:{port}/", "http:/{host}:{port}/", "http:///{host}:{port}/", "HTTP://{host}:{port}/",
    "ht\ttp://{host}:{port}/", " http://{host}:{port}/", "http://{host}:{port}", "http://{host}:{port}#@public.test/",
    "http://{host}:{port}?@public.test/", "http://public.test:80@{host}:{port}/", "http://:@{host}:{port}/",
    "http://public.test#@{host}:{port}/", "http://public.test?@{host}:{port}/", "http://public.test\\.{host}:{port}/",
    "http://public.test%2f@{host}:{port}/", "http://public.test%00.{host}:{port}/", "http://{host}:0{port}/",
    "http://{host}:{port}/\r\nHost: public.test", "http://{host}\n:{port}/", "http://{host}:{port}:80/",
    "//{host}:{port}/", "\\\\{host}:{port}/", "/\\{host}:{port}/", "http://[{host}]:{port}/", "http://{host}%20:{port}/",
    "ftp://{host}:{port}/", "ws://{host}:{port}/", "file://{host}:{port}/", "gopher://{host}:{port}/",
    "blob:http://{host}:{port}/", "javascript://{host}:{port}/%0a1", "data://{host}:{port}/", "view-source:http://{host}/",
    "http://scoped.test:{port}/v1/../admin", "http://scoped.test:{port}/v1/%2e%2e/admin",
    "http://scoped.test:{port}/v1/..%2fadmin", "http://scoped.test:{port}/v1/..%5cadmin",
    "http://scoped.test:{port}/v1\\..\\admin", "http://scoped.test:{port}/v1/..;/admin",
    "http://scoped.test:{port}/v1/%252e%252e/admin", "http://scoped.test:{port}/v1/%c0%ae%c0%ae/admin",
    "http://scoped.test:{port}/v1/%EF%BC%8E%EF%BC%8E%EF%BC%8Fadmin", "http://scoped.test:{port}/v1/%E2%80%A5/admin",
    "http://scoped.test:{port}/v1evil", "http://scoped.test:{port}/V1/x", "http://scoped.test:{port}//v1/x",
    "http://scoped.test:{port}/v1", "http://scoped.test:{port}/;/v1/x",
    "http://scoped.test:{port}/v1/x%2F..%2F..%2Fadmin", "http://scoped.test:{port}/v1/%2F..%2Fadmin",
    "http://scoped.test:{port}/v1/x%5C..%5C..%5Cadmin", "http://scoped.test:{port}/v1/%2Fadmin",
    "http://scoped.test:{port}/v1/..%20/admin", "http://scoped.test:{port}/v1/.../admin",
    "http://scoped.test:{port}/v1/..%3Fx", "http://scoped.test:{port}/v1/.%E2%80%8B./admin",
    "http://scoped.test:{port}/v1/%u002e%u002e/admin", "http://scoped.test:{port}/v1/..%E2%88%95admin",
    "http://scoped.test:{port}/v1/a%00.json", "http://scoped.test:{port}/v1%2Fx",
)  # fmt: skip

POLICY = """\
version = 1

[[grant]]
name = "front"
pages = ["https://chat.example.com"]
destinations = ["http://front.test:{front}/"]
methods = ["GET"]
network = "loopback"

[[grant]]
name = "scoped"
pages = ["https://chat.example.com"]
destinations = ["http://scoped.test:{inside}/v1/"]
methods = ["GET"]
network = "loopback"

[[grant]]
name = "everything, as long as it is public"
pages = ["https://chat.example.com"]
destinations = [{destinations}]
methods = ["GET"]
network = "public"
"""


@dataclass
class Inside:
    """The server that nobody may reach, and the one that redirects."""

    host: Host
    names: ScriptedNames
    servers: list[Server]
    front: Server

    @property
    def port(self) -> int:
        return self.servers[0].port

    @property
    def reached(self) -> int:
        return sum(len(server.connections) for server in self.servers)

    def forms(self) -> Iterator[str]:
        """Every URL form, once."""
        yield from (wrapping.format(host=host, port=self.port) for host in HOSTS for wrapping in WRAPPINGS)
        yield from (odd.format(host="127.0.0.1", port=self.port) for odd in ODD)


async def answer(request: Request) -> None:
    """Whatever asks gets an answer."""
    await bodies.respond(request.connection, b"inside")


async def front_door(request: Request) -> None:
    """Redirects where it is told to, and answers what it is redirected to itself."""
    await (redirects.redirect if "to" in request.query else answer)(request)


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    names = ScriptedNames({"front.test": ["127.0.0.1"], "scoped.test": ["127.0.0.1"], "public.test": ["127.0.0.1"]})
    names.table |= {"inside.test": ["127.0.0.1"], "mixed.test": ["1.1.1.1", "127.0.0.1"]}
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(Server(answer))]
        for address in ("::1", "127.255.255.254"):
            try:
                servers.append(await stack.enter_async_context(Server(answer, host=address, port=servers[0].port)))
            except OSError:  # a machine without that address cannot be reached by it either
                continue
        front = await stack.enter_async_context(Server(front_door))
        hrefs = {canonical(f"http://{host}:{servers[0].port}/") for host in HOSTS}
        granted = sorted({href for href in hrefs if href is not None} | {f"http://*.bound.test:{servers[0].port}/"})
        policy = POLICY.format(
            front=front.port, inside=servers[0].port, destinations=", ".join(f'"{href}"' for href in granted)
        )
        host = Host(tmp_path, policy, names)
        yield Inside(host, names, servers, front)
        await host.aclose()


def canonical(text: str) -> str | None:
    """What a browser makes of it, where a policy could name that: not what ends in a dot."""
    try:
        url = ada_url.URL(text)
    except (ValueError, UnicodeEncodeError):
        return None
    return None if url.hostname.endswith(".") or url.protocol != "http:" else url.href


def as_browser_writes(text: str) -> str:
    try:
        return str(ada_url.URL(text).href)
    except (ValueError, UnicodeEncodeError):
        return text


async def test_no_form_of_a_url_reaches_what_is_not_meant(inside: Inside) -> None:
    forms = list(dict.fromkeys(inside.forms()))
    tried = 0
    for number, form in enumerate(forms):
        # As it stands, as only a compromised renderer would send it; and as the worker makes it canonical.
        for url in (form, as_browser_writes(form)):
            got = await inside.host.ask(url)
            assert got.code is not None, url
            tried += 1
        if form.isascii() and form.isprintable():
            got = await inside.host.ask(f"http://front.test:{inside.front.port}{redirects.to(form)}")
            # What has no host resolves against the server that redirects, and may stay there.
            assert got.code is not None or got.url.startswith(f"http://front.test:{inside.front.port}/"), form
            tried += 1
        if number < len(HOSTS) * len(WRAPPINGS) and number % len(WRAPPINGS) == 0:
            host = HOSTS[number // len(WRAPPINGS)]
            name = f"n{number}.bound.test"
            inside.names.table[name] = [host.strip("[]").replace("%25", "%")]
            got = await inside.host.ask(f"http://{name}:{inside.port}/")
            assert got.code in (ErrorCode.POLICY_DENIED, ErrorCode.UPSTREAM_DNS), host
            tried += 1
    say(f"URL forms: {len(forms)} ({tried} tries: request, redirect, DNS answer), reached: {inside.reached}")
    assert inside.reached == 0
    assert len(forms) >= 200


async def test_the_inside_can_be_reached_by_whom_it_is_granted(inside: Inside) -> None:
    """The other half of a count of zero: the server answers, and the count counts."""
    paths = ("x", "projects/group%2Fproject", "a|b", "report%2Epdf")
    for path in paths:
        got = await inside.host.ask(f"http://scoped.test:{inside.port}/v1/{path}")
        assert (got.code, got.body) == (None, b"inside"), path
    assert [request.target for request in inside.servers[0].requests] == [f"/v1/{path}" for path in paths], (
        "as the browser wrote it"
    )


async def test_a_name_that_turns_from_public_to_inside_is_refused_when_it_turns(inside: Inside) -> None:
    """Row 7: the name is asked for once per connection, and every answer is judged."""
    url = f"http://turns.bound.test:{inside.port}/"
    for answers in (["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["127.0.0.1", "1.1.1.1"], ["::1"], ["::ffff:127.0.0.1"]):
        inside.names.table["turns.bound.test"] = answers
        inside.names.asked.clear()
        got = await inside.host.ask(url)
        assert got.code is ErrorCode.POLICY_DENIED
        assert inside.names.asked == ["turns.bound.test"]
        assert quote("127.0.0.1") not in got.message
    assert inside.reached == 0
