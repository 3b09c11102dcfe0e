import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from longwire.audit.reader import Event, LogReader, Wanted, select
from longwire.console.log_screen import LogScreen
from tests.unit.home import Home


def line(second: int, event: str, **fields: object) -> str:
    stamp = f"2026-11-21T10:00:{second:02}.250000Z"
    return json.dumps({"event": event, "level": "info", "timestamp": stamp} | fields) + "\n"


@pytest.fixture
def folder(home: Home) -> Path:
    """Two hosts, one of which has rotated."""
    folder = home.folder / ".local" / "state" / "longwire"
    folder.mkdir(parents=True)
    stream = {
        "stream": 3,
        "method": "GET",
        "destination": "https://api.example.com/v1",
        "page": "https://p.example.com",
    }
    (folder / "host-20261121T100000-41.jsonl.1").write_text(line(1, "started") + line(2, "start", **stream))
    error = {"code": "UPSTREAM_TLS", "level": "warning", "reason": "no TLS"}
    (folder / "host-20261121T100000-41.jsonl").write_text(line(4, "error", **stream, **error))
    (folder / "host-20261121T100003-42.jsonl").write_text(line(3, "start", stream=3) + line(5, "end", stream=3))
    (folder / "notes.txt").write_text("not ours")
    return folder


def names(events: list[Event]) -> list[str]:
    return [f"{event.process} {event.fields['event']}" for event in events]


def test_all_hosts_are_one_sequence_by_time(folder: Path) -> None:
    assert names(LogReader(folder).read()) == ["41 started", "41 start", "42 start", "41 error", "42 end"]


def test_a_daemons_streams_are_told_apart_by_their_connections(folder: Path) -> None:
    both = line(7, "start", stream=3, connection=1) + line(8, "end", stream=3, connection=2)
    (folder / "host-20261121T100005-43.jsonl").write_text(both)
    events = LogReader(folder).read()
    assert [event.whose for event in events if event.process == 43] == ["43.1:3", "43.2:3"]
    assert names(select(events, Wanted(stream="43.2:3"))) == ["43 end"]
    assert names(select(events, Wanted(stream="43:3"))) == ["43 start", "43 end"]


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (Wanted(stream="3"), ["41 start", "42 start", "41 error", "42 end"]),
        (Wanted(stream="42:3"), ["42 start", "42 end"]),
        (Wanted(level="warning"), ["41 error"]),
        (Wanted(code="UPSTREAM_TLS"), ["41 error"]),
        (Wanted(code="UPSTREAM_DNS"), []),
    ],
)
def test_filters(folder: Path, wanted: Wanted, left: list[str]) -> None:
    assert names(select(LogReader(folder).read(), wanted)) == left


def test_the_last_lines_only(folder: Path) -> None:
    events = LogReader(folder).read()
    assert names(select(events, Wanted(), 2)) == ["41 error", "42 end"]
    assert select(events, Wanted(), 0) == []


def test_each_line_is_given_once_and_only_when_it_is_whole(folder: Path) -> None:
    reader = LogReader(folder)
    reader.read()
    assert reader.read() == []
    file = folder / "host-20261121T100003-42.jsonl"
    whole = line(6, "start", stream=4)
    with file.open("a") as log:
        log.write(whole[:20])
        log.flush()
        assert reader.read() == []
        log.write(whole[20:])
    assert names(reader.read()) == ["42 start"]


def test_a_rotation_neither_repeats_nor_loses_a_line(folder: Path) -> None:
    reader = LogReader(folder)
    reader.read()
    file = folder / "host-20261121T100003-42.jsonl"
    with file.open("a") as log:
        log.write(line(6, "before"))
    file.rename(file.with_name(file.name + ".1"))
    file.write_text(line(7, "after"))
    assert names(reader.read()) == ["42 before", "42 after"]


def test_a_line_for_people(folder: Path, home: Home) -> None:
    done = home.run("logs", "--code", "UPSTREAM_TLS")

    assert done.code == 0
    said = done.out.rstrip("\n")
    assert said.endswith(
        "warning       41:3  error  GET https://api.example.com/v1  page=https://p.example.com  code=UPSTREAM_TLS  "
        'reason="no TLS"'
    )


def test_a_terminal_gets_columns_that_fit_and_the_day_once(folder: Path) -> None:
    screen = io.StringIO()
    console = LogScreen(Console(file=screen, width=80, highlight=False, markup=False))
    events = LogReader(folder).read()
    for event in events:
        console.show(event)
    lines = screen.getvalue().splitlines()

    assert max(map(len, lines)) <= 80
    assert len([row for row in lines if row.startswith("2026-")]) == 1
    assert not [row for row in lines if "None" in row]
    at = next(number for number, row in enumerate(lines) if "  error " in row)
    assert lines[at].split()[1:] == ["41:3", "error", "GET", "https://api.example.com/v1"]
    assert [row.strip() for row in lines[at + 1 : at + 3]] == [
        "page=https://p.example.com  code=UPSTREAM_TLS",
        "no TLS",
    ]


def test_nothing_in_the_log_can_forge_a_line_or_steer_the_terminal(folder: Path, home: Home) -> None:
    (folder / "host-20261121T100009-43.jsonl").write_text(line(9, "x\n\x1b[2Jforged", level="error") + "cut short{\n")
    done = home.run("logs", "--level", "error")

    assert "\x1b" not in done.out
    assert len(done.out.splitlines()) == 2
    assert "cut short{" in done.out


@pytest.mark.parametrize("damaged", ["[" * 100_000, '{"event": "cut', "[1]", "null"])
def test_a_line_that_is_none_is_shown_and_hides_no_other(folder: Path, home: Home, damaged: str) -> None:
    with (folder / "host-20261121T100003-42.jsonl").open("a") as file:
        file.write(f"{damaged}\n{line(6, 'end', stream=4)}")
    done = home.run("logs")
    assert (done.code, done.err) == (0, "")
    assert damaged[:4] in done.out and "10:00:06" in done.out


def test_json_is_the_lines_as_they_were_written(folder: Path, home: Home) -> None:
    done = home.run("logs", "--json", "-n", "1")
    assert done.out == line(5, "end", stream=3)


@pytest.mark.parametrize("arguments", [("--level", "loud"), ("--code", "NONE"), ("-n", "-1")])
def test_what_does_not_exist_is_misuse(home: Home, arguments: tuple[str, ...]) -> None:
    assert home.run("logs", *arguments).code == 2


def test_a_refusal_is_not_called_an_error(folder: Path, home: Home) -> None:
    refused = line(6, "error", stream=4, level="warning", outcome="denied", code="POLICY_DENIED")
    (folder / "host-20261121T100000-43.jsonl").write_text(refused)

    assert "  refused  " in home.run("logs", "--code", "POLICY_DENIED").out
    assert home.run("logs", "--code", "POLICY_DENIED", "--json").out == refused


def test_what_goes_on_below_begins_under_the_first_line() -> None:
    screen = io.StringIO()
    console = LogScreen(Console(file=screen, width=40, highlight=False, markup=False))
    console.show(Event("", 41, {"event": "x", "reason": "abcdefgh ijklmnop qrstuvwx yz abcdef ghijk"}))
    below = screen.getvalue().splitlines()[1:]

    assert len(below) > 1
    assert {len(row) - len(row.lstrip()) for row in below} == {len("10:00:00.000  ")}


def test_a_question_without_an_answer_says_so(folder: Path, home: Home) -> None:
    done = home.run("logs", "--code", "UPSTREAM_DNS")

    assert (done.code, done.out) == (0, "")
    assert "nothing of that is in the log" in done.err


def test_an_empty_log_is_no_error(home: Home) -> None:
    done = home.run("logs")
    assert (done.code, done.out) == (0, "")
    assert "nothing was logged yet" in done.err


def test_following_shows_what_is_written_from_now_on_at_once(folder: Path, home: Home) -> None:
    environment = {"HOME": str(home.folder), "PATH": os.defpath}
    command = [sys.executable, "-m", "longwire.cli.main", "logs", "--follow", "--json", "--stream", "9"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            with (folder / "host-20261121T100003-42.jsonl").open("a") as log:
                for second in (7, 8):
                    log.write(line(second, "start", stream=9))
                    log.flush()
                    assert process.stdout is not None
                    assert process.stdout.readline() == line(second, "start", stream=9)
        finally:
            process.terminate()
