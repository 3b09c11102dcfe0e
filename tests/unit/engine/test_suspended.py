"""After the reflection guard found a secret: real hosts of one user over real pipes, and a server that echoes.

`/echo` sends the `Authorization` field back, `/wait` sends a beginning and then nothing until somebody lets it. Which
grant, page and secret a stream has is in its first words.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from longwire.policy.suspension_file import FILE_NAME
from longwire.protocol.errors import ErrorCode
from tests.host_process import ENTRY, PAGE, HostProcess, environment, write_policy
from tests.unit.home import Done, run_command
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

SECRET = "lw-canary-suspended-4f81c07a2b9d"
CHAT, OTHER, TOOLS = "https://chat.example.com", "https://other.example.com", "https://a.tools.example.com"
POLICY = """\
version = 1

[[grant]]
name = "chat bot"
pages = ["https://chat.example.com", "https://other.example.com", "https://*.tools.example.com"]
destinations = ["{root}v1/"]
methods = ["GET"]
network = "loopback"
private_windows = true
inject = {{ Authorization = "Bearer {{secret:key}}" }}

[[grant]]
name = "same secret"
pages = ["https://chat.example.com", "https://other.example.com"]
destinations = ["{root}v2/"]
methods = ["GET"]
network = "loopback"
inject = {{ X-Key = "{{secret:also}}" }}

[[grant]]
name = "plain"
pages = ["https://chat.example.com"]
destinations = ["{root}plain/"]
methods = ["GET"]
network = "loopback"

[secret.key]
file = "{key}"

# Another name for the same place.
[secret.also]
file = "{key}"
"""


async def echo(request: Request) -> None:
    """An honest server: says what it was sent, or waits, as the path's last part says."""
    if request.path.endswith("/wait"):
        await request.connection.send(bodies.head(200, [("Content-Length", "1000")]) + b"beginning")
        await request.connection.gone.wait()
        return
    sent = request.header("authorization") or request.header("x-key") or "nothing"
    await bodies.respond(request.connection, f"you sent {sent}".encode())


class User:
    """One user of a machine: a policy, an echoing server, and any number of hosts."""

    def __init__(self, home: Path, server: ThreadedServer) -> None:
        self.home = home
        self.server = server
        self.key = home / "key"
        self.key.write_text(SECRET)
        self.key.chmod(0o600)
        self.state = home / "state" / "longwire" / FILE_NAME
        self.put(lambda text: text)

    def put(self, change: Callable[[str], str]) -> None:
        """Another policy."""
        write_policy(self.home, change(POLICY.format(root=self.server.url("/"), key=self.key)))

    @contextmanager
    def host(self, entry: str = ENTRY) -> Iterator["Asking"]:
        with HostProcess(self.home, entry=entry) as host:
            host.hello()
            yield Asking(host, self.server)

    def longwire(self, *arguments: str) -> Done:
        """The command line, as this user."""
        return run_command(environment(self.home), *arguments)

    def kept(self) -> list[dict[str, Any]]:
        """What the state file holds."""
        suspended: list[dict[str, Any]] = json.loads(self.state.read_text())["suspended"]
        return suspended

    def logged(self) -> str:
        return "".join(file.read_text() for file in (self.home / "state" / "longwire").glob("host-*"))


class Asking:
    """A host, and what its pages ask."""

    def __init__(self, host: HostProcess, server: ThreadedServer) -> None:
        self.host = host
        self.server = server
        self._last_id = 0
        self._seen: list[dict[str, Any]] = []

    def start(self, target: str, page: str = CHAT, *, private: bool = False) -> int:
        self._last_id += 1
        facts = PAGE | {"origin": page, "private": private}
        self.host.start(self._last_id, self.server.url(target), page=facts)
        return self._last_id

    def waiting(self, target: str, page: str = CHAT, *, private: bool = False) -> int:
        """A stream of which the first bytes have come."""
        stream = self.start(target, page, private=private)
        assert self.message(stream, "STREAM_CHUNK")["data"] == b"beginning"
        return stream

    def message(self, stream: int | None, *kinds: str) -> dict[str, Any]:
        """The next message of these kinds about a stream, or about none; what is about others is kept."""
        for index, seen in enumerate(self._seen):
            if seen.get("id") == stream and seen["type"] in kinds:
                return self._seen.pop(index)
        while (message := self.host.next()) is not None:
            if message.get("id") == stream and message["type"] in kinds:
                return message
            self._seen.append(message)
        raise AssertionError(f"the host ended: {self.host.stderr()}")

    def end(self, stream: int) -> dict[str, Any]:
        return self.message(stream, "STREAM_END", "STREAM_ERROR", "STREAM_ABORTED")

    def ask(self, target: str, page: str = CHAT, *, private: bool = False) -> dict[str, Any]:
        """The end of a stream."""
        return self.end(self.start(target, page, private=private))

    def still_runs(self, stream: int) -> None:
        """It was ended by nothing: an abort ends it, and whatever the host said of it before would have come first."""
        self.host.send(type="STREAM_ABORT", id=stream, reason="signal")
        assert self.end(stream)["type"] == "STREAM_ABORTED"

    def status(self, page: str) -> dict[str, Any]:
        self.host.send(type="STATUS_REQUEST", request=1, page=PAGE | {"origin": page})
        return self.host.expect("STATUS")


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    with ThreadedServer(lambda: Server(echo)) as server:
        yield User(tmp_path, server)


def is_found(end: dict[str, Any]) -> None:
    """The stream in which the guard found it."""
    assert (end["type"], end["code"]) == ("STREAM_ERROR", ErrorCode.SECRET_REFLECTED)
    assert (end["phase"], end["retryable"]) == ("body", False)
    assert "the stream was ended before the page could see it" in end["message"]
    assert "`longwire policy release 'chat bot'`" in end["message"]


def is_refused(end: dict[str, Any]) -> None:
    """A stream that was never sent."""
    assert (end["type"], end["code"], end["phase"]) == ("STREAM_ERROR", ErrorCode.SECRET_REFLECTED, "policy")
    assert "`longwire policy release 'chat bot'`" in end["message"]


def is_answered(end: dict[str, Any]) -> None:
    assert end["type"] == "STREAM_END", end


def test_a_hit_ends_the_streams_with_that_secret_of_that_pages_entry_and_no_others(user: User) -> None:
    with user.host() as chat:
        same = [chat.waiting("/v1/wait"), chat.waiting("/v2/wait")]
        others = [chat.waiting("/plain/wait"), chat.waiting("/v1/wait", OTHER), chat.waiting("/v1/wait", TOOLS)]
        is_found(chat.ask("/v1/echo"))
        for stream in same:
            end = chat.end(stream)
            assert (end["code"], end["phase"]) == (ErrorCode.SECRET_REFLECTED, "body")
            assert "longwire policy release" in end["message"]
        for stream in others:
            chat.still_runs(stream)


def test_what_would_carry_it_is_refused_before_anything_is_sent(user: User) -> None:
    with user.host() as chat:
        is_found(chat.ask("/v1/echo"))
        sent = len(user.server.server.requests)
        is_refused(chat.ask("/v1/wait"))
        is_refused(chat.ask("/v2/wait"))
        assert len(user.server.server.requests) == sent
        is_answered(chat.ask("/plain/echo"))
        assert "longwire policy release" in chat.status(CHAT)["fix"]
        assert "fix" not in chat.status(OTHER)
        # An entry that takes in many pages is one.
        is_found(chat.ask("/v1/echo", TOOLS))
        is_refused(chat.ask("/v1/echo", "https://b.tools.example.com"))


def test_another_host_of_the_user_knows_it_with_its_next_piece_and_its_next_request(user: User) -> None:
    with user.host() as first, user.host() as second:
        there, elsewhere = second.waiting("/v1/wait"), second.waiting("/v1/wait", OTHER)
        is_found(first.ask("/v1/echo"))
        is_refused(second.ask("/v1/echo"))
        assert second.end(there)["code"] == ErrorCode.SECRET_REFLECTED
        second.still_runs(elsewhere)
        assert user.longwire("policy", "release", "chat bot").code == 0
        is_found(second.ask("/v1/echo"))
        is_refused(first.ask("/v1/echo"))


def test_another_host_looks_before_each_piece(user: User) -> None:
    without_tick = f"import longwire.engine.engine as engine\nengine.TICK_S = 3600\n{ENTRY}"
    with user.host() as first, user.host(without_tick) as second:
        there = second.waiting("/v1/wait")
        connection = user.server.server.connections[-1]
        is_found(first.ask("/v1/echo"))
        user.server.run(lambda: connection.send(b"one more piece"))
        assert second.message(there, "STREAM_CHUNK", "STREAM_ERROR")["type"] == "STREAM_ERROR"


def test_an_idle_host_hears_of_it_by_itself(user: User) -> None:
    with user.host() as first, user.host() as second:
        there = second.waiting("/v1/wait")
        is_found(first.ask("/v1/echo"))
        # Nothing else makes it look: its tick does, once a second.
        assert second.end(there)["code"] == ErrorCode.SECRET_REFLECTED
        # Popups ask anew when they hear of the policy.
        assert second.message(None, "POLICY")["policy"]["state"] == "ok"


def test_it_outlives_the_host_until_it_is_released(user: User) -> None:
    with user.host() as chat:
        is_found(chat.ask("/v1/echo"))
    with user.host() as chat:
        is_refused(chat.ask("/v1/echo"))
        released = user.longwire("policy", "release", "chat bot")
        assert released.out == f'released   the secret "key" of the grant "chat bot" for {CHAT}\n'
        is_found(chat.ask("/v1/echo"))
    assert SECRET not in user.state.read_text()
    assert user.state.stat().st_mode & 0o777 == 0o600


def test_a_change_of_the_grant_or_of_the_secrets_place_lifts_it_and_a_new_value_does_not(user: User) -> None:
    elsewhere = user.home / "moved"
    elsewhere.write_text(SECRET)
    elsewhere.chmod(0o600)
    with user.host() as chat:
        is_found(chat.ask("/v1/echo"))
        # Whether it is another value could be known only by keeping something of the old one.
        user.key.write_text("lw-canary-rotated-93be01ff57a2")
        is_refused(chat.ask("/v1/wait"))
        user.put(lambda text: text.replace('name = "plain"', 'name = "renamed"'))
        is_refused(chat.ask("/v1/wait"))
        user.put(lambda text: text.replace('"]\ndestinations', '"]\nlimits = { streams = 9 }\ndestinations', 1))
        chat.still_runs(chat.waiting("/v1/wait"))
        user.put(lambda text: text.replace(f'[secret.key]\nfile = "{user.key}"', f'[secret.key]\nfile = "{elsewhere}"'))
        chat.still_runs(chat.waiting("/v1/wait"))
        # The same lines again are the same grant.
        user.put(lambda text: text)
        is_refused(chat.ask("/v1/wait"))


def test_of_a_private_window_no_page_is_written_and_every_page_of_the_grant_is_meant(user: User) -> None:
    with user.host() as chat:
        is_found(chat.ask("/v1/echo", TOOLS, private=True))
        is_refused(chat.ask("/v1/echo", OTHER))
    assert [entry["page"] for entry in user.kept()] == [None]
    written = user.state.read_text() + user.logged().partition(OTHER)[0]
    assert "tools.example.com" not in written
    assert "/v1/echo" not in written


DAMAGED = {
    "not JSON": b"{",
    "another version": b'{"version": 2, "suspended": []}',
    "wrong types": b'{"version": 1, "suspended": [{"grant": 1}]}',
    "nested": b'{"version": 1, "suspended": ' + b"[" * 5000,
    "not UTF-8": b"\xff\xfe",
    "nothing": b"",
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_costs_nothing_of_what_this_host_found(user: User, damage: str) -> None:
    user.state.parent.mkdir(parents=True)
    user.state.write_bytes(DAMAGED[damage])
    with user.host() as chat:
        is_found(chat.ask("/v1/echo"))
        user.state.write_bytes(DAMAGED[damage])
        is_refused(chat.ask("/v1/echo"))
        said = user.longwire("policy", "release", "chat bot")
        assert (said.code, "is damaged" in said.err, "Traceback" in said.err) == (1, True, False)
        # The next hit writes a good one.
        is_found(chat.ask("/v1/echo", OTHER))
    assert "suspensions not readable" in user.logged()
    assert OTHER in [entry["page"] for entry in user.kept()]


def test_a_file_that_cannot_be_written_costs_nothing_of_what_this_host_found(user: User) -> None:
    user.state.mkdir(parents=True)
    (user.state / "in the way").touch()
    with user.host() as chat:
        is_found(chat.ask("/v1/echo"))
        is_refused(chat.ask("/v1/echo"))
        (user.state / "in the way").unlink()
        user.state.rmdir()
        # It is tried again; then other hosts know it too.
        is_found(chat.ask("/v1/echo", OTHER))
    with user.host() as chat:
        is_refused(chat.ask("/v1/echo"))
    assert user.logged().count("suspension not kept") == 1


def test_hosts_that_find_something_at_once_forget_nothing_of_each_other(user: User) -> None:
    pages = [f"https://page{number}.example.com" for number in range(12)]
    listed = ", ".join(f'"{page}"' for page in pages)
    user.put(lambda text: text.replace('pages = ["https://chat', f'pages = [{listed}, "https://chat', 1))
    with user.host() as first, user.host() as second, user.host() as third:
        hosts = (first, second, third)
        asked = [(hosts[index % 3], hosts[index % 3].start("/v1/echo", page)) for index, page in enumerate(pages)]
        for host, stream in asked:
            is_found(host.end(stream))
    assert sorted(entry["page"] for entry in user.kept()) == sorted(pages)


def test_the_command_lists_releases_and_says_what_is_not_there(user: User) -> None:
    assert user.longwire("policy", "release").out == "nothing is suspended\n"
    with user.host() as chat:
        is_found(chat.ask("/v1/echo"))
    check = ("policy", "check", "--page", CHAT, "--url", user.server.url("/v1/x"))
    checked = user.longwire(*check)
    assert checked.code == 1
    assert "is suspended for https://chat.example.com" in checked.out
    assert checked.out.endswith("release    longwire policy release 'chat bot'\n")
    answer = json.loads(user.longwire(*check, "--json").out)
    assert (answer["allowed"], answer["code"]) == (False, ErrorCode.SECRET_REFLECTED)
    assert "suspended  the secret" in user.longwire("policy", "show").out
    assert json.loads(user.longwire("policy", "show", "--json").out)["suspended"][0]["page"] == CHAT
    (listed,) = json.loads(user.longwire("policy", "release", "--json").out)["suspended"]
    assert (listed["grant"], listed["secret"], listed["page"], listed["in_force"]) == ("chat bot", "key", CHAT, True)
    nobody = user.longwire("policy", "release", "nobody")
    assert (nobody.code, "nothing of a grant" in nobody.err) == (1, True)
    assert json.loads(user.longwire("policy", "release", "chat bot", "--json").out)["released"] == [
        {key: listed[key] for key in ("grant", "secret", "page", "since", "release")}
    ]
    assert user.longwire(*check).code == 0


def test_the_log_has_one_line_of_it_without_the_secret(user: User) -> None:
    with user.host() as chat:
        is_found(chat.ask("/v1/echo"))
    lines = [json.loads(line) for line in user.logged().splitlines()]
    (line,) = [line for line in lines if line["event"] == "secret suspended"]
    assert (line["page"], line["grant"], line["secret"]) == (CHAT, "chat bot", "key")
    assert SECRET not in user.logged()
