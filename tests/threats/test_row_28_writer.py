"""Row 28: a script of a page tries to have what only the writer has there. Over a real host, by whatever field."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from longwire.audit.reader import LogReader
from longwire.protocol.limits import MAX_STREAMS_PER_TAB_FRAME
from tests.host_process import PAGE, HostProcess, write_policy
from tests.unit.engine.generation_bench import Vendor, chat, chat_end, chat_text, read_events, refusing
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Routes, Server
from tests.upstreams.threaded import ThreadedServer

ORIGIN = str(PAGE["origin"])
WRITER = PAGE | {"principal": "writer"}
# Found nowhere but where it is sent: every run of the tests looks for it.
SECRET = "lw-canary-writer-Vq71mZk0Xw48TnB3"
KEY = "sk-test-writer-Rk82vQm4Zx91LpD6"
ANSWER = chat(chat_text("a"), chat_end((10, 20)))

POLICY = """\
version = 1

[[grant]]
name = "for-the-writer"
principal = "writer"
pages = ["{origin}", "http://localhost:5174"]
destinations = ["{url}/writer/", "{url}/both/"]
methods = ["GET", "POST"]
network = "loopback"
generate = ["writers", "shared"]
inject = {{ Authorization = "Bearer {{secret:token}}" }}
{more}

[[grant]]
name = "page"
pages = ["{origin}", "http://localhost:5174"]
destinations = ["{url}/page/", "{url}/both/"]
methods = ["GET", "POST"]
network = "loopback"
generate = ["pages", "shared"]

[writer]
pages = ["{origin}"]

[[provider]]
name = "writers"
kind = "openai-chat"
base_url = "{url}/writers-vendor"
network = "loopback"
models = ["test-1"]
secret = "key"

[[provider]]
name = "pages"
kind = "openai-chat"
base_url = "{url}/pages-vendor"
network = "loopback"
models = ["test-1"]

[[provider]]
name = "shared"
kind = "openai-chat"
base_url = "{url}/shared-vendor"
network = "loopback"
models = ["test-1"]
limits = {{ requests = "2/day" }}

[secret.token]
file = "{token}"

[secret.key]
file = "{key}"
"""


@dataclass
class Site:
    """A server that both may ask, in part; and the home that its hosts have."""

    folder: Path
    server: ThreadedServer
    seen: list[Request]
    vendors: dict[str, Vendor] = field(default_factory=dict)

    def url(self, target: str) -> str:
        return self.server.url(target)

    def asked(self) -> list[str]:
        """The paths that were asked for."""
        return [request.path for request in self.seen]

    def write_policy(self, more: str = "", old: str = "", new: str = "") -> None:
        paths = {name: self.folder / name for name in ("token", "key")}
        text = POLICY.format(origin=ORIGIN, url=self.server.url("").removesuffix("/"), more=more, **paths)
        write_policy(self.folder, text.replace(old, new) if old else text)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    seen: list[Request] = []
    vendors = {name: Vendor([ANSWER]) for name in ("writers", "pages", "shared")}

    async def plain(request: Request) -> None:
        seen.append(request)
        await bodies.respond(request.connection, b"ok")

    async def hold(request: Request) -> None:
        seen.append(request)
        await request.connection.send(bodies.head(200, [("Transfer-Encoding", "chunked")]) + bodies.chunk(b"first"))
        await request.connection.wait_gone()

    async def lead_away(request: Request) -> None:
        seen.append(request)
        await bodies.respond(request.connection, b"", status=307, headers=[("Location", "/writer/x")])

    routes = Routes({"/writer/": plain, "/page/": plain, "/both/": plain, "/page/away": lead_away})
    routes.add("/writer/hold", hold)
    routes.add("/page/hold", hold)
    for name, vendor in vendors.items():
        routes.add(f"/{name}-vendor/", vendor)
    for name, value in (("token", SECRET), ("key", KEY)):
        (tmp_path / name).write_text(value)
        (tmp_path / name).chmod(0o600)
    with ThreadedServer(lambda: Server(routes)) as server:
        made = Site(tmp_path, server, seen, vendors)
        made.write_policy()
        yield made


def question(provider: str, **more: Any) -> bytes:
    return json.dumps({"provider": provider, "messages": [{"role": "user", "content": "Why?"}]} | more).encode()


def ask(host: HostProcess, stream_id: int, content: bytes, page: dict[str, Any]) -> dict[str, Any]:
    """The last event of a generation, or the STREAM_ERROR that there was instead."""
    host.generate(stream_id, content, page=page)
    body, terminal = host.body(stream_id)
    return read_events(body)[-1] if terminal["type"] == "STREAM_END" else terminal


def end_of(host: HostProcess, stream_id: int) -> dict[str, Any]:
    return host.body(stream_id)[1]


def test_the_writer_has_what_the_policy_gives_it_with_its_secret(site: Site) -> None:
    with HostProcess(site.folder) as host:
        assert host.hello()["policy"]["writer"] == [ORIGIN]
        host.start(1, site.url("/writer/x"), page=WRITER)
        assert end_of(host, 1)["type"] == "STREAM_END"
        assert ask(host, 2, question("writers"), WRITER)["type"] == "complete"
    assert site.seen[0].header("Authorization") == f"Bearer {SECRET}"
    assert site.vendors["writers"].requests[0].header("Authorization") == f"Bearer {KEY}"


FORGED: dict[str, dict[str, Any]] = {
    "nothing": {},
    "principal page": {"page": PAGE | {"principal": "page"}},
    "principal null": {"page": PAGE | {"principal": None}},
    "principal in capitals": {"page": PAGE | {"principal": "WRITER"}},
    "principal list": {"page": PAGE | {"principal": ["writer"]}},
    "beside the page": {"principal": "writer"},
    "kind": {"kind": "writer"},
    "origin": {"page": PAGE | {"origin": f"{ORIGIN} by the writer"}},
    "document": {"page": PAGE | {"document": "d writer"}},
    "tab": {"page": PAGE | {"tab": -1}},
    "header": {"headers": [["X-Longwire-Principal", "writer"], ["Principal", "writer"]]},
    "secret by name": {"headers": [["Authorization", "Bearer {secret:token}"]]},
    "user-info": {"userinfo": "writer@"},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_no_field_of_a_page_has_the_writers_grant(site: Site, forged: dict[str, Any]) -> None:
    more = dict(forged)
    url = site.url("/writer/x").replace("://", f"://{more.pop('userinfo', '')}")
    with HostProcess(site.folder) as host:
        host.hello()
        host.start(1, url, **more)
        end = end_of(host, 1)
        assert (end["type"], end["code"] in ("POLICY_DENIED", "PROTOCOL")) == ("STREAM_ERROR", True)
        assert "for-the-writer" not in end["message"], "not even its name"
        # The same host serves the writer at once, so that it was asked about nothing else than who asks.
        host.start(2, site.url("/writer/x"), page=WRITER)
        assert end_of(host, 2)["type"] == "STREAM_END"
    assert site.asked() == ["/writer/x"]


def test_a_page_is_led_to_nothing_of_the_writers_by_a_server_of_its_own(site: Site) -> None:
    with HostProcess(site.folder) as host:
        host.hello()
        host.start(1, site.url("/page/away"))
        assert end_of(host, 1)["code"] == "REDIRECT_DENIED"
    assert site.asked() == ["/page/away"]


@pytest.mark.parametrize("more", [{}, {"model": "test-1"}], ids=["its first model", "a model"])
def test_a_page_generates_with_no_provider_of_the_writers(site: Site, more: dict[str, Any]) -> None:
    with HostProcess(site.folder) as host:
        host.hello()
        refused = ask(host, 1, question("writers", **more), PAGE)
        assert refused["code"] == "POLICY_DENIED"
        assert "it may with pages, shared" in refused["message"]
    assert site.vendors["writers"].requests == []


def test_nor_behind_one_of_its_own_that_fails(site: Site) -> None:
    site.vendors["pages"].replies = [refusing(500, {"message": "broken"})]
    with HostProcess(site.folder) as host:
        host.hello()
        end = ask(host, 1, question("pages", fallback=["writers"]), PAGE)
        assert end["type"] in ("error", "STREAM_ERROR")
    assert site.vendors["pages"].requests
    assert site.vendors["writers"].requests == []


def test_the_writer_has_nothing_of_the_pages(site: Site) -> None:
    with HostProcess(site.folder) as host:
        host.hello()
        host.start(1, site.url("/page/x"), page=WRITER)
        assert end_of(host, 1)["code"] == "POLICY_DENIED"
        assert ask(host, 2, question("pages"), WRITER)["code"] == "POLICY_DENIED"
    assert site.asked() == []


def test_the_writer_has_nothing_where_the_policy_does_not_have_it(site: Site) -> None:
    """A worker, or whoever controls one, may say so of any page; the host judges by its policy."""
    with HostProcess(site.folder) as host:
        host.hello()
        host.start(1, site.url("/writer/x"), page=WRITER | {"origin": "http://localhost:5174"})
        assert end_of(host, 1)["code"] == "POLICY_DENIED"
    assert site.asked() == []


def test_each_is_told_of_its_own_whoever_asked_before(site: Site) -> None:
    with HostProcess(site.folder) as host:
        host.hello()
        for request, page in enumerate((PAGE, WRITER, PAGE, WRITER), 1):
            host.send(type="STATUS_REQUEST", request=request, page=page)
        answers = [host.expect("STATUS") for _ in range(4)]
    found = {
        answer["request"]: (
            [each.rsplit("/", 2)[1] for each in answer["destinations"]],
            [each["name"] for each in answer["providers"]],
        )
        for answer in answers
    }
    of_page, of_writer = (["page", "both"], ["pages", "shared"]), (["writer", "both"], ["writers", "shared"])
    assert found == {1: of_page, 2: of_writer, 3: of_page, 4: of_writer}


def test_they_share_no_connection(site: Site) -> None:
    with HostProcess(site.folder) as host:
        host.hello()
        for number, page in enumerate((PAGE, WRITER, PAGE, WRITER), 1):
            host.start(number, site.url("/both/x"), page=page)
            assert end_of(host, number)["type"] == "STREAM_END"
    first, second = site.server.server.connections
    sent = [[request.header("Authorization") for request in connection.requests] for connection in (first, second)]
    assert sent == [[None, None], [f"Bearer {SECRET}"] * 2]


def test_a_page_uses_up_nothing_that_the_writer_may_spend(site: Site) -> None:
    with HostProcess(site.folder) as host:
        host.hello()
        ends = [
            ask(host, number, question("shared"), page).get("code")
            for number, page in enumerate((PAGE, PAGE, PAGE, WRITER, WRITER, WRITER), 1)
        ]
    assert ends == [None, None, "LIMIT_EXCEEDED"] * 2
    assert len(site.vendors["shared"].requests) == 4


def test_a_page_with_all_the_streams_that_it_may_have_keeps_the_writer_from_none(site: Site) -> None:
    with HostProcess(site.folder) as host:
        host.hello()
        for number in range(1, MAX_STREAMS_PER_TAB_FRAME + 2):
            host.start(number, site.url("/page/hold"))
        assert host.expect("STREAM_ERROR")["code"] == "LIMIT_EXCEEDED"
        host.start(MAX_STREAMS_PER_TAB_FRAME + 2, site.url("/writer/x"), page=WRITER)
        assert end_of(host, MAX_STREAMS_PER_TAB_FRAME + 2)["type"] == "STREAM_END"


def test_a_stream_of_the_writers_ends_when_the_policy_takes_the_page_from_it(site: Site) -> None:
    with HostProcess(site.folder) as host:
        host.hello()
        host.start(1, site.url("/writer/hold"), page=WRITER)
        assert host.expect("STREAM_CHUNK")["data"] == b"first"
        site.write_policy(old=f'[writer]\npages = ["{ORIGIN}"]', new='[writer]\npages = ["https://else.example.com"]')
        end = host.expect("STREAM_ERROR")
        assert (end["code"], "the policy was changed" in end["message"]) == ("POLICY_DENIED", True)


def test_the_log_says_which_of_the_two_asked(site: Site) -> None:
    with HostProcess(site.folder) as host:
        host.hello()
        host.start(1, site.url("/both/x"))
        host.start(2, site.url("/both/x"), page=WRITER)
        for _ in range(2):
            host.expect("STREAM_END")
    lines = [event.fields for event in LogReader(site.folder / "state" / "longwire").read() if "stream" in event.fields]
    by_stream = {(line["stream"], line.get("principal")) for line in lines}
    assert by_stream == {(1, None), (2, "writer")}
