"""Row 10: a hostile server redirects to collect secrets. Every status to everywhere, over real sockets.

Each case says where the request may end. Whatever came in at any server is then searched for everything that this
server had no right to, and whatever the page could read is searched for every secret.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from longwire.policy.needles import secret_forms
from longwire.protocol.errors import ErrorCode
from tests.printed import say
from tests.threats.bench import Answer, Host, ScriptedNames
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.tls import Authority

STATUSES = (301, 302, 303, 307, 308)
SECRETS = {name: f"lw-canary-{name}-7f3c91d2e4" for name in ("api", "other", "secure")}
# What the page gives for its first server. Names that say what they are are taken off across origins.
PAGE_CREDENTIALS = {
    "Authorization": "Bearer page-token-5a1b",
    "X-Api-Key": "page-x-api-key-5a1b",
    "Api-Key": "page-api-key-5a1b",
    "X-Auth-Token": "page-auth-token-5a1b",
    "X-Goog-Api-Key": "page-goog-key-5a1b",
}
# Which secret each server may see: the one that its own grant injects.
MAY_SEE = {"api.test": "api", "other.test": "other", "secure.test": "secure"}

POLICY = """\
version = 1

[[grant]]
name = "api"
pages = ["https://chat.example.com"]
destinations = ["http://api.test:{plain}/v1/"]
methods = ["GET", "POST"]
network = "loopback"
inject = {{ Authorization = "Bearer {{secret:api}}" }}

[[grant]]
name = "files"
pages = ["https://chat.example.com"]
destinations = ["http://files.test:{plain}/"]
methods = ["GET", "POST"]
network = "loopback"

[[grant]]
name = "other"
pages = ["https://chat.example.com"]
destinations = ["http://other.test:{second}/"]
methods = ["GET", "POST"]
network = "loopback"
inject = {{ Authorization = "{{secret:other}}", X-Second = "{{secret:other}}" }}

[[grant]]
name = "secure"
pages = ["https://chat.example.com"]
destinations = ["https://secure.test:{tls}/"]
methods = ["GET", "POST"]
network = "loopback"
ca_file = "{ca}"
inject = {{ Authorization = "Bearer {{secret:secure}}" }}

[[grant]]
name = "somebody else's"
pages = ["https://stranger.example.com"]
destinations = ["http://foreign.test:{plain}/"]
methods = ["GET", "POST"]
network = "loopback"

[[grant]]
name = "the inside"
pages = ["https://chat.example.com"]
destinations = ["http://127.0.0.1:{plain}/", "http://[::1]:{plain}/", "http://rebound.test:{plain}/"]
methods = ["GET", "POST"]
network = "public"

[secret.api]
file = "{keys}/api"
[secret.other]
file = "{keys}/other"
[secret.secure]
file = "{keys}/secure"
"""


@dataclass(frozen=True)
class Case:
    """`location` in terms of the ports. `ends` is the server at which the request may end, or the code it must have."""

    title: str
    location: str
    ends: str | ErrorCode
    start: str = "http://api.test:{plain}/v1/go"


DENIED = ErrorCode.REDIRECT_DENIED
TARGETS = (
    Case("the same folder", "next", "api.test"),
    Case("the same server", "/v1/next", "api.test"),
    Case("out of the prefix", "/v2/next", DENIED),
    Case("out of the prefix by dots", "/v1/../admin", DENIED),
    Case("out of the prefix by escaped dots", "/v1/%2e%2e/admin", DENIED),
    Case("out of the prefix by an escaped slash", "/v1/..%2fadmin", DENIED),
    Case("beside the prefix", "/v1evil", DENIED),
    Case("a server whose grant injects nothing", "http://files.test:{plain}/x", "files.test"),
    Case("a server whose grant injects its own", "http://other.test:{second}/x", "other.test"),
    Case("http to https", "https://secure.test:{tls}/x", "secure.test"),
    Case("https to http", "http://files.test:{plain}/x", DENIED, "https://secure.test:{tls}/go"),
    Case("https to http, relative", "//files.test:{plain}/x", DENIED, "https://secure.test:{tls}/go"),
    Case("the same host on another port", "http://api.test:{second}/v1/x", DENIED),
    Case("a server without a grant", "http://evil.test:{plain}/x", DENIED),
    Case("relative to the scheme", "//evil.test:{plain}/x", DENIED),
    Case("a grant of another page", "http://foreign.test:{plain}/x", DENIED),
    Case("a user name", "http://api.test@evil.test:{plain}/v1/", DENIED),
    Case("a password", "http://me:pw@files.test:{plain}/", DENIED),
    Case("a backslash", "http://evil.test:{plain}\\@api.test:{plain}/v1/", DENIED),
    Case("a subdomain", "http://x.api.test:{plain}/v1/", DENIED),
    Case("a trailing dot", "http://api.test.:{plain}/v1/", DENIED),
    Case("an address of this machine", "http://127.0.0.1:{plain}/", ErrorCode.POLICY_DENIED),
    Case("the same in one number", "http://2130706433:{plain}/", ErrorCode.POLICY_DENIED),
    Case("the same in IPv6", "http://[::1]:{plain}/", ErrorCode.POLICY_DENIED),
    Case("a name that leads inside", "http://rebound.test:{plain}/", ErrorCode.POLICY_DENIED),
    Case("a file", "file:///etc/passwd", DENIED),
    Case("a script", "javascript:alert(1)", DENIED),
    Case("data", "data:text/plain,x", DENIED),
    Case("no URL", "http://[", ErrorCode.UPSTREAM_PROTOCOL),
    Case("no redirect at all", "", "api.test"),
    Case("the secret in a granted URL", "http://files.test:{plain}/?k={{KEY}}", ErrorCode.SECRET_REFLECTED),
    Case("the secret in a stranger's URL", "http://evil.test:{plain}/{{KEY}}", ErrorCode.SECRET_REFLECTED),
    Case("round about, back", "http://files.test:{plain}/go?to=http%3A%2F%2Fapi.test%3A{plain}%2Fv1%2Fx", "api.test"),
    Case("round about to a stranger", "http://files.test:{plain}/go?to=http%3A%2F%2Fevil.test%3A{plain}%2F", DENIED),
    Case("without end", "/v1/go?loop", ErrorCode.TOO_MANY_REDIRECTS),
)  # fmt: skip


async def hostile(request: Request) -> None:
    """Redirects as the query says, to itself with `loop`, with what it was sent in place of {KEY}; else 200."""
    await request.body()
    query = request.query
    location = request.target if "loop" in query else query.get("to")
    if location is None:
        await bodies.respond(request.connection, b"ok")
        return
    location = location.replace("{KEY}", (request.header("authorization") or "").removeprefix("Bearer "))
    headers = [("Location", location)] if location else []
    await bodies.respond(request.connection, b"", status=int(query.get("status", "302")), headers=headers)


@dataclass
class Site:
    """The host, and the servers that it may or may not reach."""

    host: Host
    servers: list[Server]
    ports: dict[str, int]

    def leaks(self, answer: Answer, start: str) -> list[str]:
        """What anybody saw that they had no right to, since the last call."""
        found = [f"the page saw {name}" for name, value in SECRETS.items() if holds(answer.shown, value)]
        for server in self.servers:
            for request in server.requests:
                name = (request.header("host") or "").partition(":")[0]
                head = request.raw_head.decode("latin-1")
                own = MAY_SEE.get(name)
                found += [f"{name} saw {key}" for key, value in SECRETS.items() if key != own and holds(head, value)]
                if f"//{name}:" not in start:
                    found += [f"{name} saw {key}" for key, value in PAGE_CREDENTIALS.items() if value in head]
                if name not in (*MAY_SEE, "files.test"):
                    found.append(f"{name} was reached")
            server.requests.clear()
        return found


def holds(text: str, secret: str) -> bool:
    return any(form.decode("latin-1") in text for form in secret_forms(secret.encode()))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(value + "\n")
        (tmp_path / name).chmod(0o600)
    authority = Authority()
    names = ("api", "files", "other", "secure", "foreign", "evil", "rebound", "x.api")
    resolver = ScriptedNames({f"{name}.test": ["127.0.0.1"] for name in names})
    context = authority.server_context("secure.test")
    async with Server(hostile) as plain, Server(hostile) as second, Server(hostile, context=context) as tls:
        ports = {"plain": plain.port, "second": second.port, "tls": tls.port}
        policy = POLICY.format(keys=tmp_path, ca=authority.write_ca(tmp_path), **ports)
        host = Host(tmp_path, policy, resolver)
        yield Site(host, [plain, second, tls], ports)
        await host.aclose()


async def test_no_redirect_carries_a_secret_where_it_was_not_granted(site: Site) -> None:
    cases, leaked = 0, []
    for case in TARGETS:
        location, start = (text.format(**site.ports) for text in (case.location, case.start))
        for status in STATUSES:
            for method, body in (("GET", None), ("POST", b"body")):
                cases += 1
                url = f"{start}?status={status}&to={quote(location, safe='{}')}"
                url += "&loop=1" if "loop" in case.location else ""
                site.host.forget()  # what one case has suspended
                answer = await site.host.ask(
                    url.replace("{", "%7B").replace("}", "%7D"),
                    method=method,
                    headers=[*PAGE_CREDENTIALS.items(), ("X-Trace", "t")],
                    body=body,
                )
                where = f"{case.title}, {status}, {method}"
                reached = [request.header("host") for server in site.servers for request in server.requests]
                leaked += [f"{where}: {leak}" for leak in site.leaks(answer, start)]
                replayed = body is not None and status in (307, 308)
                if isinstance(case.ends, ErrorCode):
                    # A body that would be sent again into another grant is refused before the address is looked at.
                    assert answer.code in ((case.ends, DENIED) if replayed else (case.ends,)), (where, answer)
                elif replayed and case.ends != "api.test":
                    assert answer.code is DENIED, (where, answer)
                elif not replayed or "round" not in case.title:
                    assert answer.code is None, (where, answer)
                    assert reached[-1] or case.ends
                    assert f"//{case.ends}:" in answer.url, (where, answer)
    say(f"redirect cases: {cases}, secrets leaked: {len(leaked)}")
    assert leaked == []
    assert cases >= 60


@pytest.mark.parametrize("case", [case for case in TARGETS if case.ends is DENIED], ids=lambda case: case.title)
async def test_the_page_learns_of_a_refused_target_no_more_than_its_origin(site: Site, case: Case) -> None:
    location, start = (text.format(**site.ports) for text in (case.location, case.start))
    location += "/lw-private-path" if "round about" not in case.title else "lw-private-path"
    answer = await site.host.ask(f"{start}?status=302&to={quote(location, safe='')}")
    assert answer.code is DENIED
    assert "lw-private-path" not in answer.message


@pytest.mark.parametrize("mode", ["manual", "error"])
async def test_modes_that_do_not_follow_send_nothing_to_the_target(site: Site, mode: str) -> None:
    for case in TARGETS:
        location, start = (text.format(**site.ports) for text in (case.location, case.start))
        url = f"{start}?status=302&to={quote(location, safe='')}"
        site.host.forget()
        answer = await site.host.ask(url, redirect=mode)
        assert sum(len(server.requests) for server in site.servers) == 1
        assert site.leaks(answer, start) == []
        if mode == "manual" and "{{KEY}}" not in case.location:
            assert answer.status == 302


async def test_the_search_finds_what_it_looks_for(site: Site) -> None:
    """The other half of a count of zero."""
    start = "http://api.test:{plain}/v1/x".format(**site.ports)
    await site.host.ask(start)
    assert site.servers[0].requests[0].header("authorization") == f"Bearer {SECRETS['api']}"
    assert site.leaks(Answer(message=f"it was {SECRETS['api']}"), start) == ["the page saw api"]
    await site.host.ask(start)
    request = site.servers[0].requests[0]
    request.headers[:] = [("Host", "files.test:1")]
    assert site.leaks(Answer(), start) == ["files.test saw api"]
