"""The policy file while a host runs: every way in which it is written, and what streams and pages see of that.

Real files and a real host process. Where a test stands between two steps of an editor, the host waits longer for its
second look than it does for people, so that a slow machine is not taken for a slow editor.
"""

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.host_process import ENTRY, TERMINALS, HostProcess, grant, write_policy
from tests.patience import PATIENCE_S
from tests.slices import sliced
from tests.upstreams.app import App, make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

PATIENT = """
from longwire.policy import live_policy
live_policy.WAIT_S = 20.0
live_policy.LivePolicy.__init__.__defaults__ = (None, 1.0)
"""
# The request waits for as long as the file takes, which on a slow machine is longer than people are made to wait.
WAITS_LONG = "from longwire.policy import live_policy\nlive_policy.LONGEST_S = 60.0\n"
# As patient between two looks, less with a file that has no end; and while there is a file `restless` beside it, the
# policy is another at each look, however late that comes.
RESTLESS = (
    PATIENT.replace("20.0", "2.5")
    + """
from longwire.policy.files import PolicyFiles
look = PolicyFiles.look
def look_at_another(files):
    file = files.locations.user
    if file.with_name("restless").exists():
        with file.open("a") as opened:
            opened.write("# one line more\\n")
    return look(files)
PolicyFiles.look = look_at_another
"""
)


class World:
    """A host with a live stream (id 1), and the server that it comes from."""

    def __init__(self, host: HostProcess, app: App, base: str) -> None:
        self.host = host
        self.base = base
        self._app = app
        self._ids = iter(range(2, 1000))
        self._ended: dict[int, dict[str, Any]] = {}

    def ask(self, path: str) -> int:
        """Start a stream."""
        number = next(self._ids)
        self.host.start(number, self.base + path)
        return number

    def outcome(self, number: int) -> str:
        """How it ended: `end`, or its error's code."""
        ended = self.terminal(number)
        return "end" if ended["type"] == "STREAM_END" else str(ended["code"])

    def terminal(self, number: int) -> dict[str, Any]:
        """Its last frame."""
        while number not in self._ended:
            message = self.host.next()
            assert message is not None, self.host.stderr()
            if message["type"] in TERMINALS:
                self._ended[message["id"]] = message
        return self._ended[number]

    def settle(self) -> None:
        """Wait until the host has taken what was sent so far, and has looked at the file for it."""
        number = next(self._ids)
        body = {"kind": "inline", "data": ""}
        self.host.start(number, self.base, body=body)  # a GET with a body is refused before any policy is asked
        assert self.outcome(number) == "PROTOCOL"

    def lives(self) -> None:
        """The live stream brings what its server sends."""
        self._app.streams.channel().raw(b"alive")
        while (message := self.host.next()) is not None:
            assert not (message["type"] in TERMINALS and message["id"] == 1), message
            if message["type"] == "STREAM_CHUNK" and message["id"] == 1:
                return
            if message["type"] in TERMINALS:
                self._ended[message["id"]] = message
        raise AssertionError("the host ended")


@contextmanager
def world(home: Path, policy: Callable[[str], str], entry: str = "") -> Iterator[World]:
    """A greeted host under `policy` of the server's base URL, one stream of it running."""
    app = make_app()
    with ThreadedServer(lambda: Server(app.routes)) as server:
        base = server.url("")
        file = write_policy(home, policy(base))
        rest(file)
        with HostProcess(home, entry=entry + ENTRY) as host:
            host.hello()
            host.start(1, base + "/sse")
            assert host.expect("STREAM_HEADERS")["id"] == 1
            yield World(host, app, base)


def rest(file: Path) -> None:
    """Wait until the file is as old as one that nobody writes: a host that starts then believes it at once."""
    while time.time_ns() - file.stat().st_ctime_ns < 300_000_000:
        time.sleep(0.01)


def before(base: str) -> str:
    """Three paths are open."""
    return grant(f"{base}/sse", f"{base}/bytes", f"{base}/digest")


def after(base: str) -> str:
    """One of them no longer, and another instead; cut anywhere in its second half, it would open /endless too."""
    return grant(f"{base}/sse", f"{base}/bytes", f"{base}/echo") + (
        f'\n[[grant]]\nname = "off"\npages = ["http://localhost:5173"]\ndestinations = ["{base}/mirror"]\n'
        'methods = ["GET"]\nnetwork = "loopback"\n'
        "# The administrator's own switch stands at the end.\nenabled = false\n"
    )


def half(text: str) -> str:
    """Valid by itself, and open where the whole is closed."""
    return text[: text.index("# The administrator's")]


Step = Callable[[], object]


def in_pieces(file: Path, text: str) -> list[Step]:
    """In place, as programs do that write with a buffer."""

    def add(part: str) -> None:
        with file.open("a") as opened:
            opened.write(part)

    third, most = len(half(text)) // 2, len(half(text))
    return [lambda: file.write_text(text[:third]), lambda: add(text[third:most]), lambda: add(text[most:])]


def truncated_first(file: Path, text: str) -> list[Step]:
    return [lambda: file.write_text(""), lambda: file.write_text(half(text)), lambda: file.write_text(text)]


def overwritten(file: Path, text: str) -> list[Step]:
    """Without truncation: the beginning is new while the end is old."""

    def put(start: int, part: str) -> None:
        with file.open("r+") as opened:
            opened.seek(start)
            opened.write(part)

    split = len(half(text))
    return [lambda: put(0, text[:split]), lambda: put(split, text[split:]), lambda: os.truncate(file, len(text))]


def renamed_over(file: Path, text: str) -> list[Step]:
    new = file.with_suffix(".new")
    return [lambda: new.write_text(half(text)), lambda: new.write_text(text), lambda: new.replace(file)]


def deleted_and_created(file: Path, text: str) -> list[Step]:
    return [file.unlink, lambda: file.write_text(half(text)), lambda: file.write_text(text)]


def backed_up_and_created(file: Path, text: str) -> list[Step]:
    """As vim does where it cannot rename: the old file is moved away."""
    return [lambda: file.replace(file.with_suffix(".bak")), lambda: file.write_text(""), lambda: file.write_text(text)]


def link_swapped(file: Path, text: str) -> list[Step]:
    """As configuration managers do: the new version beside the old one, and a link that is turned round."""
    version, link = file.with_suffix(".2"), file.with_suffix(".link")

    def prepare() -> None:
        version.write_text(text)
        link.symlink_to(version)

    return [prepare, lambda: link.replace(file), lambda: version.chmod(0o600)]


def link_made_anew(file: Path, text: str) -> list[Step]:
    version = file.with_suffix(".2")
    return [lambda: version.write_text(text), file.unlink, lambda: file.symlink_to(version)]


WAYS = (
    *(in_pieces, truncated_first, overwritten, renamed_over),
    *(deleted_and_created, backed_up_and_created, link_swapped, link_made_anew),
)  # fmt: skip


# In place, with and without truncation; by another file's name; by none for a while; and by a link.
QUICK = (in_pieces, overwritten, renamed_over, deleted_and_created, link_swapped)


@pytest.mark.parametrize("way", sliced({way.__name__: way for way in WAYS}, *(way.__name__ for way in QUICK)))
def test_however_a_file_is_written_only_the_whole_of_it_decides(
    tmp_path: Path, way: Callable[[Path, str], list[Step]]
) -> None:
    file = tmp_path / "config" / "longwire" / "policy.toml"
    with world(tmp_path, before, PATIENT) as running:
        asked: dict[str, list[int]] = {path: [] for path in ("/bytes?size=9", "/digest?size=9", "/echo", "/mirror")}
        steps = way(file, after(running.base))
        for step in steps:
            step()
            for path, numbers in asked.items():
                numbers.append(running.ask(path))
            running.settle()
        running.lives()
        outcomes = {path: {running.outcome(number) for number in numbers} for path, numbers in asked.items()}
        running.lives()
    # Before the first change that can be seen, the old file decides, unless a busy host looks later than that.
    old_counts = way in (renamed_over, link_swapped, link_made_anew)
    assert outcomes["/bytes?size=9"] == {"end"}
    assert outcomes["/mirror"] == {"POLICY_DENIED"}, "what half a file would open"
    by_the_old = {"end", "POLICY_DENIED"} if old_counts else set()
    assert {"end"} <= outcomes["/echo"] <= {"end"} | by_the_old
    assert {"POLICY_DENIED"} <= outcomes["/digest?size=9"] <= {"POLICY_DENIED"} | by_the_old


def test_a_revocation_ends_streams_without_being_asked_and_says_what_kind_it_is(tmp_path: Path) -> None:
    for number, (text, code, retryable) in enumerate(
        [
            ("version = 1\nenabled = false\n", "POLICY_DENIED", False),
            ("version = 1\n", "POLICY_DENIED", False),
            ("version = 1\noops = 2\n", "POLICY_INVALID", True),
        ]
    ):
        home = tmp_path / str(number)
        home.mkdir()
        with world(home, before) as running:
            write_policy(home, text)
            ended = running.terminal(1)
            assert (ended["code"], ended["retryable"]) == (code, retryable)
            assert "the policy was changed" in ended["message"]


def test_a_file_that_is_saved_as_it_was_ends_nothing_and_announces_nothing(tmp_path: Path) -> None:
    file = tmp_path / "config" / "longwire" / "policy.toml"
    with world(tmp_path, before, PATIENT) as running:
        text = file.read_text()
        file.write_text("")
        asked = running.ask("/bytes?size=9")
        running.settle()
        file.write_text(text)
        assert running.outcome(asked) == "end"
        running.lives()
        running.host.close_input()
        while (message := running.host.next()) is not None:
            assert message["type"] != "POLICY"


def test_a_file_that_never_rests_refuses_what_begins_and_ends_nothing_that_runs(tmp_path: Path) -> None:
    file = tmp_path / "config" / "longwire" / "policy.toml"
    with world(tmp_path, before, RESTLESS) as running:
        text = file.read_text()
        assert running.outcome(running.ask("/bytes?size=9")) == "end"
        restless = file.with_name("restless")
        restless.touch()
        file.write_text(f"{text}# 0\n")
        refused = running.terminal(running.ask("/bytes?size=9"))
        assert (refused["code"], refused["retryable"]) == ("POLICY_INVALID", True)
        assert "keeps changing" in refused["message"] or "still being read" in refused["message"]
        assert str(tmp_path) not in refused["message"]
        running.lives()
        # And when it rests, it counts: nobody has to touch it again.
        restless.unlink()
        while running.outcome(running.ask("/bytes?size=9")) != "end":
            pass
        assert file.read_text().count("one line more") >= 2


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of another process is set on Linux only")
def test_without_a_file_descriptor_the_last_good_policy_stays_and_the_file_is_tried_again(tmp_path: Path) -> None:
    with world(tmp_path, before) as running:
        pid = running.host.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, limits[1]))
        write_policy(tmp_path, after(running.base))
        refused = running.terminal(running.ask("/echo"))
        assert (refused["code"], refused["retryable"]) == ("POLICY_INVALID", True)
        assert "no file descriptor left" in refused["message"]
        assert str(tmp_path) not in refused["message"]
        running.lives()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        outcomes: list[str] = []
        while not outcomes or outcomes[-1] != "end":
            outcomes.append(running.outcome(running.ask("/echo")))
        assert set(outcomes) <= {"POLICY_INVALID", "end"}
        assert running.outcome(running.ask("/digest?size=9")) == "POLICY_DENIED"
        running.lives()


@pytest.mark.skipif(sys.platform != "linux", reason="what another process has open is listed on Linux only")
def test_a_folder_in_the_place_of_the_file_is_not_kept_open(tmp_path: Path) -> None:
    file = tmp_path / "config" / "longwire" / "policy.toml"
    with world(tmp_path, before) as running:
        file.unlink()
        file.mkdir()
        assert running.terminal(1)["code"] == "POLICY_INVALID"
        descriptors = Path(f"/proc/{running.host.process.pid}/fd")
        opened = len(list(descriptors.iterdir()))
        for number in range(1, 6):
            os.utime(file, (number, number))
            assert running.outcome(running.ask("/echo")) == "POLICY_INVALID"
        # Fewer, where the socket of the stream that was ended was still closing.
        assert len(list(descriptors.iterdir())) <= opened


NO_DESCRIPTOR = """
import errno, os
real = os.open
failing = True
def open_(path, *arguments, **more):
    if failing and str(path).endswith("policy.toml"):
        raise OSError(errno.EMFILE, "Too many open files")
    return real(path, *arguments, **more)
os.open = open_
def heal(*_):
    global failing
    failing = False
import signal
signal.signal(signal.SIGUSR1, heal)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it is told by a signal")
def test_a_first_start_that_cannot_read_is_closed_says_why_and_heals(tmp_path: Path) -> None:
    import signal

    app = make_app()
    with ThreadedServer(lambda: Server(app.routes)) as server:
        base = server.url("")
        write_policy(tmp_path, before(base))
        with HostProcess(tmp_path, entry=NO_DESCRIPTOR + ENTRY) as host:
            welcome = host.hello()
            running = World(host, app, base)
            refused = running.terminal(running.ask("/bytes?size=9"))
            host.process.send_signal(signal.SIGUSR1)
            announced = host.expect("POLICY")
            while announced["policy"]["state"] != "ok":
                announced = host.expect("POLICY")
            assert running.outcome(running.ask("/bytes?size=9")) == "end"
    assert welcome["policy"]["state"] == "invalid"
    assert welcome["policy"]["pages"] == []
    assert (refused["code"], refused["retryable"]) == ("POLICY_INVALID", True)
    assert "no file descriptor left" in refused["message"]


def listed(texts: list[str]) -> str:
    return str(texts).replace("'", '"').replace(", ", ",")


def largest(base: str) -> str:
    """As many entries as a file holds, every grant of them as good as the one before it."""
    names = [f"http://h{number}" for number in range(256)]
    text = grant(base + "/")
    number = 0
    while len(text) < 200_000:
        number += 1
        text += (
            f'[[grant]]\nname="{number}"\npages={listed(names)}\ndestinations={listed(names)}\nmethods=["A","B","C"]\n'
        )
    return text


def test_welcome_waits_for_no_file_and_others_are_served_whatever_the_file(tmp_path: Path) -> None:
    with world(tmp_path, before, WAITS_LONG) as running:
        began = time.monotonic()
        write_policy(tmp_path, largest(running.base))
        asked = running.ask("/echo")
        served = 0
        while asked not in running._ended:
            running.lives()
            served += 1
            assert time.monotonic() - began < PATIENCE_S
        assert running.outcome(asked) == "end"
    # One after the other, while the file was counted: each has been there and back.
    assert served >= 20
    rest(tmp_path / "config" / "longwire" / "policy.toml")
    with HostProcess(tmp_path) as host:
        assert host.hello()["type"] == "WELCOME"
