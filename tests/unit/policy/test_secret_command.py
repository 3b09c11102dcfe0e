"""Secrets that programs print: real ones, some of which hang, print too much, or fail with the secret in their mouth.

A tool prints a file of its own rather than its own text, so that the search for secrets can tell the two apart.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.policy import secret_command
from longwire.policy.loading import parse_policy
from longwire.policy.secret_command import end_commands, run_command
from longwire.policy.secret_reader import SecretReader
from longwire.policy.secrets import MAX_SECRET_BYTES, SecretProblem, SecretSource, SecretUnavailable, UnusableSecret
from longwire.policy.suspensions import source_mark
from tests.patience import PATIENCE_S
from tests.unit.policy.samples import CHAT, owned_lstat

VALUE = "lw-canary-command-51d0c6b39e7a"


class Tool:
    """A program of the test's own, `value` the file that it prints by `cat "$VALUE"`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tool"
        self.value = folder / "value"
        self.value.write_text(VALUE)

    def does(self, script: str) -> "Tool":
        self.path.write_text(f"#!/bin/sh\nVALUE='{self.value}'\n{script}\n")
        self.path.chmod(0o700)
        return self

    def source(self, *arguments: str, by_root: bool = False) -> SecretSource:
        return SecretSource.of_command("token", [str(self.path), *arguments], by_root=by_root)


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(tmp_path).does('cat "$VALUE"')


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits ten seconds to see what happens after them."""
    monkeypatch.setattr(secret_command, "COMMAND_TIMEOUT_S", 0.5)


def unavailable(source: SecretSource, reader: SecretReader | None = None) -> SecretUnavailable:
    with pytest.raises(SecretUnavailable) as caught:
        (reader or SecretReader()).read(source)
    error = caught.value
    for text in (str(error), error.text, error.reason, repr(error)):
        assert VALUE not in text
    assert source.command[0] not in error.text  # the page reads that
    assert source.command[0] in error.reason
    return error


# --- what it gives ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "\\n", "\\r\\n"], ids=["none", "lf", "crlf"])
def test_it_gives_the_line_that_it_prints_without_its_end(tool: Tool, end: str) -> None:
    tool.does(f'cat "$VALUE"; printf "{end}"')
    assert SecretReader().read(tool.source()).reveal() == VALUE


def test_its_arguments_are_its_own_and_no_shell_reads_them(tool: Tool, tmp_path: Path) -> None:
    odd = ["$(touch no)", "a b", '"', "'", "*", "\n", "`id`", "ä", "-n", "", "\\", "; exit 3"]
    tool.does('printf "%s|" "$@"')
    assert run_command([str(tool.path), *odd]) == "".join(f"{each}|" for each in odd).encode()
    assert not (tmp_path / "no").exists()


@contextmanager
def typed(data: bytes) -> Iterator[None]:
    """Standard input of this process, as a program would inherit it."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    kept = os.dup(0)
    os.dup2(reading, 0)
    try:
        yield
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(reading)


def test_it_has_no_input_and_no_terminal_and_what_it_complains_of_goes_nowhere(
    tool: Tool, capfd: pytest.CaptureFixture[str]
) -> None:
    tool.does('cat; if (: </dev/tty) 2>/dev/null; then echo tty; fi; cat "$VALUE" >&2; echo done')
    with typed(b"a frame of the browser's"):
        assert run_command([str(tool.path)]) == b"done"
    assert capfd.readouterr() == ("", "")


def test_it_has_little_environment_and_nothing_that_changes_what_is_loaded_or_connected_to(tool: Tool) -> None:
    kept = {"HOME": "/home/me", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "XDG_RUNTIME_DIR": "/run/user/1"}
    other = {
        "LD_PRELOAD": "/tmp/a.so",
        "PYTHONPATH": "/tmp",
        "HTTPS_PROXY": "http://proxy",
        "NODE_OPTIONS": "-r x",
        "OPENAI_API_KEY": "k",
        "BASH_ENV": "/tmp/x",
    }
    lines = run_command(["/usr/bin/env"], kept | other).decode().splitlines()
    assert sorted(lines) == sorted(f"{name}={value}" for name, value in kept.items())
    assert run_command(["/usr/bin/env"], {}).decode() == f"PATH={os.defpath}"


def test_it_runs_where_nothing_of_a_page_or_a_browser_is(tool: Tool) -> None:
    assert run_command([str(tool.does("pwd").path)]) == b"/"


def test_the_largest_secret_passes_and_one_byte_more_does_not(tool: Tool) -> None:
    tool.does(f"head -c {MAX_SECRET_BYTES} /dev/zero | tr '\\0' k; echo")
    assert len(SecretReader().read(tool.source()).reveal()) == MAX_SECRET_BYTES
    tool.does(f"head -c {MAX_SECRET_BYTES + 1} /dev/zero | tr '\\0' k; echo")
    assert "is longer than 16384 bytes" in unavailable(tool.source()).text


# --- what is wrong with it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ('cat "$VALUE"; cat "$VALUE" >&2; exit 7', "has a command that ended with exit code 7"),
        ('cat "$VALUE"; kill -9 $$', "has a command that ended with signal 9"),
        ('cat "$VALUE"; echo; cat "$VALUE"', "contains a line break"),
        ('echo; cat "$VALUE"', "contains a line break"),
        (":", "is empty"),
        ("echo", "is empty"),
        ('printf "a\\0b"', "contains a line break or another control character"),
        ('printf " "; cat "$VALUE"', "begins or ends with a space"),
    ],
    ids=["exit", "signal", "two", "second", "nothing", "blank", "nul", "space"],
)
def test_what_is_no_secret_is_none_and_no_error_quotes_it(tool: Tool, script: str, says: str) -> None:
    assert says in unavailable(tool.does(script).source()).text


def test_one_that_prints_without_end_is_ended(tool: Tool) -> None:
    assert "printed more than 16384 bytes" in unavailable(tool.does('yes "$(cat "$VALUE")"').source()).text


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("script", ["sleep 600", "exec >&-; sleep 600", "trap '' TERM INT HUP; while :; do :; done"])
def test_one_that_hangs_is_ended(tool: Tool, script: str) -> None:
    tool.does(f'cat "$VALUE"\n{script}')
    assert "has a command that took longer than 0.5 s" in unavailable(tool.source()).text


class Held:
    """A pipe that a tool and all that it started hold open as long as they run."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "held"
        os.mkfifo(self.path)
        self.gone = threading.Event()
        self.begun = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self.path.open("rb") as pipe:
            self.begun.set()
            pipe.read()
        self.gone.set()


@pytest.mark.usefixtures("soon")
def test_what_it_started_is_ended_with_it(tool: Tool, tmp_path: Path) -> None:
    held = Held(tmp_path)
    unavailable(tool.does(f"exec 3>'{held.path}'\n(sleep 600 & sleep 600) &\nsleep 600").source())
    assert held.gone.wait(PATIENCE_S)


def test_all_that_run_are_ended_when_the_process_ends(tool: Tool, tmp_path: Path) -> None:
    held = Held(tmp_path)
    tool.does(f"exec 3>'{held.path}'\nsleep 600")
    failed: list[BaseException] = []

    def run() -> None:
        try:
            run_command([str(tool.path)])
        except UnusableSecret as error:
            failed.append(error)

    running = threading.Thread(target=run)
    running.start()
    assert held.begun.wait(PATIENCE_S)
    end_commands()
    running.join(PATIENCE_S)
    assert held.gone.wait(PATIENCE_S)
    assert [str(error) for error in failed] == ["has a command that ended with signal 9; run it by hand to see why"]


def test_a_program_that_is_not_there_is_missing(tool: Tool) -> None:
    tool.path.unlink()
    error = unavailable(tool.source())
    assert error.problem is SecretProblem.MISSING
    assert "has a command that does not exist" in error.text


def test_what_cannot_be_run_is_said_to_be_so(tool: Tool, tmp_path: Path) -> None:
    tool.path.chmod(0o600)
    assert unavailable(tool.source()).problem is SecretProblem.FORBIDDEN
    tool.path.chmod(0o700)
    tool.path.write_text("no program")
    assert "cannot be run" in unavailable(tool.source()).text
    folder = SecretSource.of_command("token", [str(tmp_path)], by_root=False)
    assert unavailable(folder).problem is SecretProblem.FORBIDDEN


# --- whose it is -----------------------------------------------------------------------------------------------------


def reader(*, foreign: Sequence[Path] = (), writable: Sequence[Path] = (), uid: int = 2000) -> SecretReader:
    """A user's, on a machine where all is root's but what is `foreign`: that is the user's 1000."""
    return SecretReader(uid=lambda: uid, lstat=owned_lstat(list(foreign), list(writable)))


@pytest.mark.parametrize("by_root", [False, True])
def test_a_program_that_others_could_change_or_replace_is_not_run(tool: Tool, tmp_path: Path, *, by_root: bool) -> None:
    ran = tmp_path / "ran"
    tool.does(f'touch "{ran}"; cat "$VALUE"')
    source = tool.source(by_root=by_root)
    for changed in (
        reader(writable=[tool.path]),
        reader(writable=[tmp_path]),
        reader(foreign=[tool.path]),
        reader(foreign=[tmp_path]),
    ):
        error = unavailable(source, changed)
        assert "could be changed or replaced by others" in error.text
        assert str(tmp_path) not in error.text
        assert str(tmp_path) in error.reason
        with pytest.raises(SecretUnavailable):
            changed.check(source)
    assert not ran.exists()
    assert reader().read(source).reveal() == VALUE


def test_an_administrators_program_has_to_be_roots_and_a_users_may_be_theirs(tool: Tool) -> None:
    theirs = reader(foreign=[tool.path], uid=1000)
    assert theirs.read(tool.source()).reveal() == VALUE
    error = unavailable(tool.source(by_root=True), theirs)
    assert "belongs to user id 1000, not to root" in error.reason


def test_where_a_link_leads_counts(tool: Tool, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link = folder / "link"
    link.symlink_to(tool.path)
    source = SecretSource.of_command("token", [str(link)], by_root=True)
    assert reader().read(source).reveal() == VALUE
    unavailable(source, reader(writable=[tool.path]))
    unavailable(source, reader(writable=[folder]))


def test_to_check_it_is_not_to_run_it(tool: Tool, tmp_path: Path) -> None:
    tool.does(f'touch "{tmp_path / "ran"}"')
    assert tool.source().may_block
    SecretReader().check(tool.source())
    assert not (tmp_path / "ran").exists()


# --- in the policy ---------------------------------------------------------------------------------------------------


def test_the_policy_names_a_program_and_its_arguments() -> None:
    text = CHAT.replace('env = "LONGWIRE_TEST_KEY"', 'command = ["/usr/bin/tool", "print token", "--quiet"]')
    for file, by_root in (("user", False), ("administrator", True)):
        document = parse_policy(text.encode(), Path("p"), "administrator" if by_root else "user")
        assert document.problems == (), file
        (source,) = document.secrets
        assert source.command == ["/usr/bin/tool", "print token", "--quiet"]
        assert source.by_root is by_root
        assert source.describe() == 'secret "key" (command /usr/bin/tool)'
        assert document.grants[0].secrets == (source,)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ('"/usr/bin/tool argument"', "is a list, because no shell splits it"),
        ("[]", "must be a program and its arguments"),
        ('["/usr/bin/tool", 3]', "must be a program and its arguments"),
        ('["tool"]', "must begin with the absolute path of a program"),
        ('["~/tool"]', "must begin with the absolute path of a program"),
        ('["/usr/bin/tool", "a\\u0000b"]', "has a character that no program can be given"),
        ('["/usr/bin/tool"' + ", ''" * 64 + "]", "has more than 64 parts"),
        ('["/usr/bin/tool", "' + "a" * 5000 + '"]', "or than 4096 characters"),
        ('["/usr/bin/tool"]\nenv = "X"', "must have exactly one of env, file, keyring, command"),
    ],
    ids=["text", "empty", "number", "relative", "home", "nul", "many", "long", "two"],
)
def test_a_command_that_could_not_be_run_is_a_problem_of_the_file(command: str, says: str) -> None:
    text = CHAT.replace('env = "LONGWIRE_TEST_KEY"', f"command = {command}")
    (problem,) = parse_policy(text.encode(), Path("p"), "user").problems
    assert says in str(problem)
    assert "field secret.key" in str(problem)


ARGUMENTS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=8)


@given(ARGUMENTS, ARGUMENTS)
def test_one_command_is_one_secret_whatever_it_is_called_and_whoever_names_it(one: list[str], two: list[str]) -> None:
    first = SecretSource.of_command("a", ["/t", *one], by_root=False)
    assert first.command == ["/t", *one]
    second = SecretSource.of_command("b", ["/t", *two], by_root=True)
    assert (source_mark(first) == source_mark(second)) is (one == two)


def test_its_arguments_are_in_no_text(tool: Tool) -> None:
    source = tool.does("exit 1").source("--account", "lw-argument-9b2e")
    error = unavailable(source)
    for text in (error.text, error.reason, source.describe(), source.place):
        assert "lw-argument" not in text


@pytest.fixture(autouse=True)
def nothing_runs_afterwards() -> Iterator[None]:
    yield
    assert not secret_command._running
