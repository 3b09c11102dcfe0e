import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.home import Home
from tests.unit.stats.samples import ended, write

_LINES = [
    *(ended(ms=400 + 10 * number, ago_s=60 + number) for number in range(40)),
    ended("failed", code="UPSTREAM_RESET", page="https://a-page-with-a-very-long-name.tools.example.com:8443"),
    ended("denied", code="POLICY_DENIED", grant=None, ms=0),
    ended("aborted", ms=7_400_000, bytes=12_345_678_901),
    ended(ago_s=7200, grant="yesterday's"),
]


@pytest.fixture
def logged(home: Home) -> Home:
    """A log of which half has rotated."""
    write(home.folder, _LINES[:20], "host-20261121T100000-41.jsonl.1")
    write(home.folder, _LINES[20:])
    return home


def test_the_log_is_added_up_with_what_has_rotated(logged: Home) -> None:
    told = json.loads(logged.run("stats", "--json").out)
    assert (told["streams"], told["completed"], told["failed"], told["denied"], told["aborted"]) == (44, 41, 1, 1, 1)


def test_since_leaves_out_what_is_older(logged: Home) -> None:
    told = json.loads(logged.run("stats", "--json", "--since", "1h", "--by", "grant").out)
    assert told["streams"] == 43
    assert {group["name"]: group["streams"] for group in told["groups"]} == {"chat": 42, "(none)": 1}


@pytest.mark.parametrize(("share", "code"), [("5%", 0), ("2.2", 1), ("0%", 1), ("100%", 0)])
def test_more_failures_than_allowed_are_exit_code_1(logged: Home, share: str, code: int) -> None:
    done = logged.run("stats", "--fail-over", share)
    assert done.code == code
    assert ("of the streams failed" in done.err) == bool(code)


@pytest.mark.parametrize(
    ("wrong", "fix"),
    [
        (["--by", "host"], "grant, page, destination, model"),
        (["--since", "an hour"], "--since 30m"),
        (["--since", "99999999999h"], "--since 30m"),
        (["--fail-over", "many"], "--fail-over 5%"),
        (["--fail-over", "101%"], "0% to 100%"),
        (["--fail-over", "nan"], "--fail-over 5%"),
        (["--json", "--prometheus"], "one of them"),
    ],
)
def test_what_cannot_be_meant_is_misuse(home: Home, wrong: list[str], fix: str) -> None:
    done = home.run("stats", *wrong)
    assert (done.code, fix in done.err) == (2, True)


def test_an_empty_log_is_no_failure(home: Home) -> None:
    done = home.run("stats", "--since", "1h", "--fail-over", "0%")
    assert (done.code, done.out) == (0, "")
    assert "no stream ended in the last 1h" in done.err


@pytest.mark.parametrize(("by", "colour"), [("page", False), ("model", True)])
def test_a_console_of_80_columns_has_room_for_all_but_names(logged: Home, by: str, colour: bool) -> None:
    shown = at_console(logged.folder, "stats", "--by", by, colour=colour)
    assert ("\x1b[" in shown) == colour
    plain = shown if not colour else _without_colour(shown)
    assert max(map(len, plain.splitlines())) <= 80
    assert "failed" in plain and "UPSTREAM_RESET" in plain and "2h 03m" in plain


def at_console(home: Path, *arguments: str, colour: bool) -> str:
    """What the command prints on a console of 80 columns."""
    controller, console = pty.openpty()
    environment = {**os.environ, "HOME": str(home), "COLUMNS": "80", "TERM": "xterm-256color" if colour else "dumb"}
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "FORCE_COLOR", "NO_COLOR"):
        environment.pop(name, None)
    with os.fdopen(controller, "rb", buffering=0) as reading:
        command = [sys.executable, "-m", "longwire.cli.main", *arguments]
        with subprocess.Popen(command, stdout=console, stderr=console, env=environment) as running:
            os.close(console)
            shown = b""
            while piece := _read(reading.fileno()):
                shown += piece
            assert running.wait() == 0
    text = shown.decode().replace("\r\n", "\n")
    print(text)
    return text


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""


def _without_colour(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
