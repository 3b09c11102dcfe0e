"""The log is bounded, holds no secret, cannot be forged, and never stops the host."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from longwire.native import log as host_log


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    yield
    logger = logging.getLogger("longwire")
    for handler in logger.handlers:
        handler.close()
    logger.handlers.clear()
    structlog.reset_defaults()


def lines(path: Path) -> list[dict[str, object]]:
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
    monkeypatch.setattr(host_log, "MAX_FILE_BYTES", 2000)
    path = host_log.configure(tmp_path)
    assert path is not None
    for number in range(100):
        structlog.get_logger("longwire.test").info("event", number=number)
    assert all(file.stat().st_size <= 2000 for file in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == host_log.ROTATED_FILES


def refuse(page: str, count: int) -> None:
    for _ in range(count):
        structlog.get_logger("longwire.test").info(
            "error", page=page, destination=f"http://h/{'x' * 4000}", grant=None, outcome="denied", reason="y" * 4000
        )


def test_a_page_cannot_write_its_own_trail_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(host_log, "_refusals", host_log.RefusalLimit(lambda: now[0]))
    path = host_log.configure(tmp_path)
    assert path is not None
    logger = structlog.get_logger("longwire.test")
    logger.info("end", page="http://loud", grant="api", outcome="completed")
    refuse("http://loud", 10_000)
    refuse("http://quiet", 1)
    logger.info("end", page="http://loud", grant="api", outcome="completed")  # allowed: never dropped
    now[0] = 60.0
    refuse("http://loud", host_log.REFUSALS_PER_MINUTE + 1)
    host_log.finish()
    written = lines(path)
    pages = [(line["event"], line["page"]) for line in written if line["event"] != "refusals not written"]
    share = host_log.REFUSALS_PER_MINUTE
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
    assert max(len(str(line["destination"])) for line in written if "destination" in line) == host_log.MAX_TEXT_CHARS
    assert max(len(str(line["reason"])) for line in written if "reason" in line) == host_log.MAX_TEXT_CHARS


def test_old_files_of_past_hosts_go(tmp_path: Path) -> None:
    past = dead_process()
    for number in range(host_log.MAX_FILES + 5):
        (tmp_path / f"host-2026010{number:03}T000000-{past}.jsonl").touch()
    host_log.configure(tmp_path)
    structlog.get_logger("longwire.test").info("new")
    assert len(list(tmp_path.iterdir())) == host_log.MAX_FILES


def test_the_file_of_a_host_that_still_runs_stays_however_many_came_after_it(tmp_path: Path) -> None:
    """A browser starts one for every half minute of use, beside another one with a stream that is open all day."""
    past = dead_process()
    running = [tmp_path / f"host-20250101T000000-{os.getpid()}.jsonl{suffix}" for suffix in ("", ".1")]
    for file in running:
        file.touch()
    for number in range(host_log.MAX_FILES):
        (tmp_path / f"host-2026010{number:03}T000000-{past}.jsonl").touch()
    host_log.configure(tmp_path)
    assert all(file.exists() for file in running)


def test_a_file_that_cannot_be_removed_does_not_cost_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = dead_process()
    for number in range(host_log.MAX_FILES):
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
