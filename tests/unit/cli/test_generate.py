"""`longwire generate`, as people and scripts run it, against a vendor on this machine."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.host_process import environment, write_policy
from tests.patience import PATIENCE_S
from tests.unit.engine.generation_bench import Reply, Vendor, chat, chat_end, chat_text, one_provider, refusing
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

ANSWER = chat(chat_text("Because "), chat_text("of that."), chat_end((7, 3)))


@dataclass
class Console:
    """A home with a policy, and the vendor that it names."""

    home: Path
    vendor: Vendor

    def run_bytes(self, *arguments: str | bytes, line: str) -> "subprocess.CompletedProcess[bytes]":
        """By this line of a shell, in which `"$@"` is the command."""
        return subprocess.run(
            ["/bin/sh", "-c", line, "sh", sys.executable, "-m", "longwire.cli.main", "generate", *arguments],
            env=environment(self.home),
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "longwire.cli.main", "generate", *arguments],
            env=environment(self.home),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    vendor = Vendor([ANSWER])
    with ThreadedServer(lambda: Server(vendor)) as server:
        write_policy(tmp_path, one_provider(server.url("/v1"), page="longwire:terminal"))
        yield Console(tmp_path, vendor)


def test_the_answer_is_all_that_stdout_has(console: Console) -> None:
    done = console.run("Why?")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Because of that.\n", "")
    assert console.vendor.sent[0]["messages"] == [{"role": "user", "content": "Why?"}]


def test_json_is_one_event_a_line(console: Console) -> None:
    done = console.run("Why?", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["type"] for event in events] == [
        "metadata", "status", "status", "status", "content", "content", "usage", "complete",
    ]  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_asked_may_come_by_a_pipe_and_be_longer_than_a_message(console: Console) -> None:
    text = "why " * 200_000
    done = console.run("-", "--system", "Be brief.", "--max-tokens", "99", "--no-stream", stdin=text)
    assert done.returncode == 0
    (sent,) = console.vendor.sent
    assert sent["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    assert (sent["max_completion_tokens"], sent.get("stream", False)) == (99, False)


FAILURES: dict[str, tuple[Reply, str, str]] = {
    "a key": (refusing(401, {"message": "no"}), "does not accept the key", "longwire secret set"),
    "an hour": (refusing(429, {"message": "slow"}, {"Retry-After": "3600"}), "too many requests", "in 3600 s"),
    "cut": (chat(chat_text("half")), "ended before", "ask again later"),
}


@pytest.mark.parametrize("which", FAILURES)
def test_a_failure_says_what_to_do_and_is_a_finding(console: Console, which: str) -> None:
    reply, message, fix = FAILURES[which]
    console.vendor.replies = [reply]
    done = console.run("Why?")
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert message in first and second.startswith("  fix: ") and fix in second
    assert done.stdout == ("half\n" if which == "cut" else "")


def test_a_failure_in_json_is_the_last_event(console: Console) -> None:
    console.vendor.replies = [refusing(401, {"message": "no"})]
    done = console.run("Why?", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout.splitlines()[-1])["code"] == "AUTHENTICATION"
    denied = console.run("Why?", "--json", "--provider", "nobody")
    (event,) = map(json.loads, denied.stdout.splitlines())
    assert (denied.returncode, event["type"], event["code"]) == (1, "error", "POLICY_DENIED")


@pytest.mark.parametrize("json_", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(("shell", "reason"), [('"$@" >&-', "closed"), ('"$@" >/dev/full', "No space left")])
def test_output_that_is_lost_is_a_finding(console: Console, shell: str, reason: str, json_: bool) -> None:
    if "full" in shell and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    done = console.run_bytes("Why?", *(["--json"] if json_ else []), line=shell)
    assert done.returncode == 1
    first, second = done.stderr.decode().splitlines()
    assert reason in first and second.startswith("  fix: ")


def test_whoever_reads_the_first_line_only_ends_it(console: Console) -> None:
    console.vendor.replies = [chat(*(chat_text("line\n" * 2000) for _ in range(100)), chat_end())]
    done = console.run_bytes("Why?", line='"$@" | head -1')
    assert (done.stdout, done.stderr) == (b"line\n", b"")


@pytest.mark.parametrize(
    ("arguments", "shell"),
    [(("-",), "printf 'caf\\351' | \"$@\""), ((b"caf\xe9",), '"$@"'), (("-",), '"$@" <&-'), ((), '"$@" <&-')],
    ids=["input", "argument", "no input", "no input and no prompt"],
)
def test_what_is_no_text_is_misuse(console: Console, arguments: tuple[str | bytes, ...], shell: str) -> None:
    done = console.run_bytes(*arguments, line=shell)
    assert (done.returncode, console.vendor.requests) == (2, [])
    assert b"  fix: " in done.stderr and b"Traceback" not in done.stderr


def test_output_whose_encoding_is_narrow_has_what_it_can_and_json_all(console: Console) -> None:
    console.vendor.replies = [chat(chat_text("caf\u00e9 \U0001f600"), chat_end())]
    narrow = 'PYTHONIOENCODING=ascii "$@"'
    assert console.run_bytes("Why?", line=narrow).stdout == b"caf? ?\n"
    assert "caf\u00e9 \U0001f600" in console.run_bytes("Why?", "--json", line=narrow).stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "nothing to ask"),
        (("Why?", "--template", "t"), "a prompt and a template"),
        (("--field", "A=b"), "fields and no template"),
        (("--template", "t", "--field", "A"), "is no field"),
        (("--template", "t", "--field", "A=@/nowhere/at/all"), "cannot be read"),
    ],
)
def test_misuse_says_how_it_is_meant(console: Console, arguments: tuple[str, ...], text: str) -> None:
    done = console.run(*arguments)
    assert (done.returncode, console.vendor.requests) == (2, [])
    assert text in done.stderr


def test_without_a_grant_it_says_which(console: Console) -> None:
    write_policy(console.home, "version = 1\n")
    done = console.run("Why?")
    assert done.returncode == 1
    assert "longwire:terminal" in done.stderr


def test_a_console_shows_what_is_going_on_and_obeys_no_model(console: Console) -> None:
    console.vendor.replies = [chat(chat_text("red \x1b[31m\x9b2J\x07\r text"), chat_end((7, 3)))]
    shown = at_a_console(console, "Why?")
    assert "red [31m2J text" in shown
    assert "vendor · test-1 · 7 tokens in, 3 out" in shown
    # What moves the cursor and colours the last line is our own.
    assert not re.search(r"\x1b\[31m|\x9b|\x07", shown)


def at_a_console(console: Console, *arguments: str) -> str:
    """Everything that a console of 80 columns is given."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "longwire.cli.main", "generate", *arguments],
        env=environment(console.home) | {"TERM": "xterm-256color", "COLUMNS": "80"},
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:  # Linux's word for the end
        pass
    os.close(ours)
    assert process.wait(PATIENCE_S) == 0
    return shown.decode()
