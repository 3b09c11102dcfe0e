"""A bounded slice of the malformed inputs; a million of them run with `python -m tests.unit.protocol.malformed`."""

import pytest

from tests.printed import say
from tests.unit.protocol import malformed
from tests.unit.protocol.malformed import KINDS, run

SLICES = [15_000, pytest.param(50_000, marks=pytest.mark.long)]


@pytest.mark.parametrize("count", SLICES)
def test_malformed_input_has_only_defined_outcomes(count: int) -> None:
    counts, findings = run(range(count), seed=20_261)
    say(f"malformed frames of {len(KINDS)} kinds: {counts.total()}; findings: {len(findings)}")
    assert findings == []
    assert counts.total() == count
    assert {kind for kind, _ in counts} == set(KINDS)


def test_a_traceback_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_payload: bytes) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(malformed, "parse_to_host", fail)
    _, findings = run(range(len(KINDS)), seed=1)
    assert any("RecursionError" in finding for finding in findings)


def test_the_command_says_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert malformed.main(["--count", str(3 * len(KINDS))]) == 0
    printed = capsys.readouterr().out
    assert "0 findings" in printed and "invalid UTF-8" in printed
