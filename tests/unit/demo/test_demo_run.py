"""How a verdict becomes an exit code and a line, without a browser."""

import json
from pathlib import Path
from typing import Any

import pytest

from longwire.console.errors import CommandError
from longwire.demo import run
from longwire.demo.chromium import Chromium
from longwire.demo.judge import Verdict
from longwire.demo.page import DemoPage

FIGURES = {
    "text": {"bytes": 10, "events": 2, "total_ms": 3000.0, "first_text_ms": 12.0, "longest_gap_ms": 20.0},
    "download": {"bytes": 2**20, "seconds": 0.5, "mb_per_s": 2.1, "sha256": "0123456789abcdef"},
}
GOOD = Verdict(figures=FIGURES)
BAD = Verdict("the page received 9 bytes, and they differ", "report it", FIGURES)
LEAK = Verdict("the page could see the key", "report it", FIGURES, key_seen=True)


@pytest.fixture
def concluding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """`run_demo` in which no browser runs and this verdict comes out."""

    def with_verdict(verdict: Verdict | None, **options: bool) -> int:
        async def conclude(self: Any, *, keep: bool) -> None:
            if verdict is None:
                raise KeyboardInterrupt
            page = DemoPage(self._upstream, "http://127.0.0.1:1", self._key, self._screen)
            page.first_text_at = 1700000002.5
            self._conclude(verdict, page, tmp_path / "demo.png")
            if keep:
                raise KeyboardInterrupt

        monkeypatch.setattr(run._Demo, "run", conclude)
        monkeypatch.setattr(run, "extension_folder", lambda: tmp_path)
        monkeypatch.setattr(run, "check_interpreter", lambda _: None)
        monkeypatch.setattr(run, "ensure_chromium", lambda _: Chromium("/chromium", "156.0.0.0"))
        monkeypatch.setenv("LONGWIRE_DEMO_STARTED", "1700000000.0")
        return run.run_demo(**options)

    return with_verdict


@pytest.mark.parametrize(("verdict", "code"), [(GOOD, 0), (BAD, 1), (LEAK, 1)])
def test_only_a_kept_promise_is_success(concluding: Any, verdict: Verdict, code: int) -> None:
    assert concluding(verdict) == code


@pytest.mark.parametrize(("verdict", "code"), [(GOOD, 0), (BAD, 1)])
def test_the_end_of_a_kept_demo_does_not_change_the_verdict(concluding: Any, verdict: Verdict, code: int) -> None:
    assert concluding(verdict, keep=True) == code


def test_an_interrupt_before_the_verdict_is_one(concluding: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        concluding(None)


def test_the_summary_begins_with_longwires_own_figure_and_says_the_browsers_apart(
    concluding: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    concluding(GOOD)
    printed = capsys.readouterr()

    assert printed.out.splitlines() == [
        "start     2.5 s to the first text, with the browser's own start",
        "text      first after 12 ms, 2 events in 3.0 s, longest pause 20 ms",
        "download  1.0 MiB in 0.5 s (2 MB/s), SHA-256 01234567…",
        f"picture   {tmp_path / 'demo.png'}",
        "ok: first text after 12 ms, every byte arrived, page never saw the key",
    ]
    assert printed.err == ""


def test_a_failure_says_why_and_what_to_do(concluding: Any, capsys: pytest.CaptureFixture[str]) -> None:
    concluding(LEAK)
    printed = capsys.readouterr()

    assert printed.err == "the demo failed: the page could see the key\n  fix: report it\n"
    assert "ok:" not in printed.out


@pytest.mark.parametrize("verdict", [GOOD, LEAK])
def test_a_program_gets_one_document(concluding: Any, capsys: pytest.CaptureFixture[str], verdict: Verdict) -> None:
    concluding(verdict, as_json=True)
    printed = capsys.readouterr()
    told = json.loads(printed.out)

    assert (told["ok"], told["reason"], told["fix"]) == (verdict.ok, verdict.reason, verdict.fix)
    assert told["page_saw_the_key"] == verdict.key_seen
    assert (told["first_text_after_start_s"], told["download"]["bytes"]) == (2.5, 2**20)
    assert printed.err == ""


def test_a_window_needs_a_display(concluding: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", "")
    with pytest.raises(CommandError, match="no display"):
        concluding(GOOD, headed=True)
    monkeypatch.setenv("DISPLAY", ":7")
    assert concluding(GOOD, headed=True) == 0
