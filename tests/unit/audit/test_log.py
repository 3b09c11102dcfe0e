"""The log is bounded, holds no secret, cannot be forged, and never stops the host."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from longwire.audit import files
from longwire.audit import log as host_log
from longwire.audit.page_lines import (
    NUMBERS_PER_MINUTE,
    PAGE_LINES_AT_ONCE,
    PAGE_LINES_PER_MINUTE,
    PAGES_AT_ONCE,
    REFUSALS_PER_MINUTE,
    PageLines,
)
from longwire.audit.processors import MAX_TEXT_CHARS


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    yield
    logger = logging.getLogger("longwire")
    for handler in logger.handlers:
        handler.close()
    logger.handlers.clear()
    structlog.reset_defaults()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_an_event_is_one_json_line_with_time_and_level(tmp_path: Path) -> None:
    path = host_log.configure(tmp_path)
    assert path is not None
    structlog.get_logger("longwire.test").info("start", stream=1)
    (line,) = lines(path)
    assert (line["event"], line["stream"], line["level"]) == ("start", 1, "info")
    assert "timestamp" in line


def test_a_newline_in_a_url_cannot_forge_a_line(tmp_path: Path) -> None:
    path = host_log.configure(tmp_path)
    assert path is not None
    structlog.get_logger("longwire.test").info("start", destination='http://u/\n{"event":"forged"}')
    assert len(lines(path)) == 1


@pytest.mark.parametrize(
    ("url", "logged"),
    [
        ("https://user:pw@h.example/a?key=secret#frag", "https://h.example/a"),
        ("http://[::1]:80/x?y", "http://[::1]:80/x"),
        ("http://[broken/?key=secret", "(not a URL)"),
        ("http://h:99999999/?key=secret", "(not a URL)"),
    ],
)
def test_a_destination_is_logged_without_what_may_be_secret(tmp_path: Path, url: str, logged: str) -> None:
    path = host_log.configure(tmp_path)
    assert path is not None
    structlog.get_logger("longwire.test").info("start", destination=url)
    assert lines(path)[0]["destination"] == logged
    assert "secret" not in path.read_text()


def test_an_exception_is_logged_without_its_text(tmp_path: Path) -> None:
    path = host_log.configure(tmp_path)
    assert path is not None
    try:
        raise ValueError("Authorization: Bearer sk-secret")
    except ValueError as error:
        structlog.get_logger("longwire.test").error("defect", exc_info=error)
    (line,) = lines(path)
    assert line["exception"] == "ValueError"
    assert "test_log.py" in str(line["at"])
    assert "sk-secret" not in path.read_text()


class _DeafFile:
    """A file on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        pass

    def seek(self, *_: int) -> int:
        return 0

    def tell(self) -> int:
        return 0


def test_a_full_disk_loses_lines_and_nothing_else(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = host_log.configure(tmp_path)
    assert path is not None
    logger = structlog.get_logger("longwire.test")
    logger.info("before")
    handler = logging.getLogger("longwire").handlers[0]
    assert isinstance(handler, logging.FileHandler)
    real, handler.stream = handler.stream, _DeafFile()  # type: ignore[assignment]
    logger.info("lost")
    logger.info("lost too")
    handler.stream = real
    logger.info("after")
    assert [line["event"] for line in lines(path)] == ["before", "after", "log lines lost"]
    assert lines(path)[2]["count"] == 2
    assert capfd.readouterr() == ("", "")


def test_a_folder_that_cannot_be_made_is_said_once_and_the_host_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert host_log.configure(blocked / "logs") is None
    structlog.get_logger("longwire.test").info("nowhere")
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("no log") == 1


def test_a_log_file_rotates_at_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 2000)
    path = host_log.configure(tmp_path)
    assert path is not None
    for number in range(100):
        structlog.get_logger("longwire.test").info("event", number=number)
    assert all(file.stat().st_size <= 2000 for file in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == files.ROTATED_FILES


def refuse(page: str, count: int) -> None:
    for _ in range(count):
        structlog.get_logger("longwire.test").info(
            "error", page=page, destination=f"http://h/{'x' * 4000}", grant=None, outcome="denied", reason="y" * 4000
        )


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the pages' shares, in seconds."""
    clock = [0.0]
    monkeypatch.setattr(host_log, "_page_lines", PageLines(lambda: clock[0]))
    return clock


def test_a_page_cannot_write_its_own_trail_away(tmp_path: Path, now: list[float]) -> None:
    path = host_log.configure(tmp_path)
    assert path is not None
    logger = structlog.get_logger("longwire.test")
    logger.info("end", page="http://loud", grant="api", outcome="completed")
    refuse("http://loud", 10_000)
    refuse("http://quiet", 1)
    logger.info("end", page="http://loud", grant="api", outcome="completed")  # what was allowed has a share of its own
    now[0] = 60.0
    refuse("http://loud", REFUSALS_PER_MINUTE + 1)
    host_log.finish()
    written = lines(path)
    pages = [(line["event"], line["page"]) for line in written if line["event"] != "refusals not written"]
    share = REFUSALS_PER_MINUTE
    assert pages == [
        ("end", "http://loud"),
        *[("error", "http://loud")] * share,
        ("error", "http://quiet"),
        ("end", "http://loud"),
        *[("error", "http://loud")] * share,
    ]
    told = [line for line in written if line["event"] == "refusals not written"]
    assert [(line["page"], line["count"]) for line in told] == [("http://loud", 10_000 - share), ("http://loud", 1)]
    assert written.index(told[0]) == share + 3, "told before the next minute's first line"
    assert max(len(str(line["destination"])) for line in written if "destination" in line) == MAX_TEXT_CHARS
    assert max(len(str(line["reason"])) for line in written if "reason" in line) == MAX_TEXT_CHARS


def request(page: str, grant: str = "api", code: str | None = None) -> None:
    """All lines of one that was allowed."""
    logger = structlog.get_logger("longwire.test").bind(page=page, grant=grant)
    logger.info("start", outcome="allowed")
    logger.info("headers", status=200)
    logger.info("error" if code else "end", outcome="failed" if code else "completed", code=code, bytes=100)


def test_what_a_page_is_allowed_fills_no_more_than_its_share_and_the_rest_is_numbers(
    tmp_path: Path, now: list[float]
) -> None:
    path = host_log.configure(tmp_path)
    assert path is not None
    for _ in range(PAGE_LINES_AT_ONCE // 3):
        request("http://loud")
    for _ in range(1000):
        request("http://loud")
    for _ in range(7):
        request("http://loud", "other", "UPSTREAM_RESET")
    request("http://quiet")
    written = lines(path)
    assert [line["page"] for line in written] == ["http://loud"] * PAGE_LINES_AT_ONCE + ["http://quiet"] * 3
    now[0] = 60.0
    host_log.tick()  # nobody asks for anything: the minute's end is enough
    told = [line for line in lines(path) if line["event"] == "lines not written"]
    numbers = [(line["page"], line["grant"], line["count"], line["events"], line["bytes"]) for line in told]
    assert numbers == [
        ("http://loud", "api", 3000, {"start": 1000, "headers": 1000, "end": 1000}, 100_000),
        ("http://loud", "other", 21, {"start": 7, "headers": 7, "error UPSTREAM_RESET": 7}, 700),
    ]
    # So many come back.
    for _ in range(PAGE_LINES_PER_MINUTE):
        request("http://loud")
    written = [line for line in lines(path) if line["page"] == "http://loud" and "count" not in line]
    assert len(written) == PAGE_LINES_AT_ONCE + PAGE_LINES_PER_MINUTE
    host_log.finish()
    assert lines(path)[-1]["count"] == 2 * PAGE_LINES_PER_MINUTE, "and the end of the process tells the rest"


def test_no_page_keeps_the_lines_of_its_writer_out(tmp_path: Path, now: list[float]) -> None:
    path = host_log.configure(tmp_path)
    assert path is not None
    for _ in range(PAGE_LINES_AT_ONCE):
        request("http://loud")
    logger = structlog.get_logger("longwire.test").bind(page="http://loud", principal="writer")
    logger.info("start", grant="writers", outcome="allowed")
    refuse("http://loud", REFUSALS_PER_MINUTE + 1)
    logger.info("error", grant=None, outcome="denied")
    written = [(line["event"], line["page"]) for line in lines(path) if line.get("principal") == "writer"]
    assert written == [("start", "http://loud"), ("error", "http://loud")]


def test_what_the_host_says_of_itself_is_no_pages_share(tmp_path: Path, now: list[float]) -> None:
    path = host_log.configure(tmp_path)
    assert path is not None
    for _ in range(2 * PAGE_LINES_AT_ONCE):
        structlog.get_logger("longwire.test").info("policy changed")
    assert len(lines(path)) == 2 * PAGE_LINES_AT_ONCE


def test_old_files_of_past_hosts_go(tmp_path: Path) -> None:
    past = dead_process()
    for number in range(files.MAX_FILES + 5):
        (tmp_path / f"host-2026010{number:03}T000000-{past}.jsonl").touch()
    host_log.configure(tmp_path)
    structlog.get_logger("longwire.test").info("new")
    assert len(list(tmp_path.iterdir())) == files.MAX_FILES


def test_past_hosts_keep_what_the_folder_may_hold_however_many_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that has a host started once a minute does not have the files of a day removed by that."""
    monkeypatch.setattr(files, "MAX_FOLDER_BYTES", 10_000)
    past = dead_process()
    for number in range(100):
        (tmp_path / f"host-2026010{number:03}T000000-{past}.jsonl").write_bytes(bytes(101))
    host_log.configure(tmp_path)
    left = sorted(file.name for file in tmp_path.iterdir())
    assert (len(left), left[0]) == (99, f"host-2026010001T000000-{past}.jsonl")


def test_the_file_of_a_host_that_still_runs_stays_however_many_came_after_it(tmp_path: Path) -> None:
    """A browser starts one for every half minute of use, beside another one with a stream that is open all day."""
    past = dead_process()
    running = [tmp_path / f"host-20250101T000000-{os.getpid()}.jsonl{suffix}" for suffix in ("", ".1")]
    for file in running:
        file.touch()
    for number in range(files.MAX_FILES):
        (tmp_path / f"host-2026010{number:03}T000000-{past}.jsonl").touch()
    host_log.configure(tmp_path)
    assert all(file.exists() for file in running)


def test_a_file_that_cannot_be_removed_does_not_cost_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = dead_process()
    for number in range(files.MAX_FILES):
        (tmp_path / f"host-2026010{number:03}T000000-{past}.jsonl").touch()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "the file is in use, says Windows")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert host_log.configure(tmp_path) is not None


def dead_process() -> int:
    """The id of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_ten_thousand_pages_write_no_more_away_than_ten(tmp_path: Path, now: list[float]) -> None:
    """As one person has them under a pattern with a wildcard: each within its share, and all together not."""
    path = host_log.configure(tmp_path)
    assert path is not None
    for number in range(10_000):
        refuse(f"http://p{number}.test", 2)
        request(f"http://p{number}.test")
    request("http://quiet", "another")
    now[0] = 60.0
    request("http://quiet", "another")
    refuse("http://quiet", 1)
    host_log.finish()
    written = lines(path)
    quiet = [line["event"] for line in written if line.get("page") == "http://quiet"]
    assert quiet == [*2 * ["start", "headers", "end"], "error"]
    refused = [line for line in written if line["event"] == "error" and line["grant"] is None]
    told = [line for line in written if line["event"] == "refusals not written"]
    assert len(refused) == PAGES_AT_ONCE * REFUSALS_PER_MINUTE + 1
    assert len(refused) - 1 + sum(line["count"] for line in told) == 20_000, "each is a line or in a number"
    allowed = [line for line in written if line.get("grant") == "api" and "count" not in line]
    told_lines = [line for line in written if line["event"] == "lines not written"]
    assert len(allowed) == PAGES_AT_ONCE * PAGE_LINES_AT_ONCE
    assert len(allowed) + sum(line["count"] for line in told_lines) == 30_000
    assert len(told) == len(told_lines) == NUMBERS_PER_MINUTE + 1
    assert told[-1]["page"] is None and told[-1]["pages"] > 9000
