"""A bounded slice of the nonsense; `make fuzz` runs more of it, with a seed of its own each time."""

import pytest

from longwire.generation import decoding
from longwire.policy import headers
from tests.fuzz import targets
from tests.fuzz.run import main, run
from tests.fuzz.targets import TARGETS
from tests.printed import say

# Another run meets other inputs only with another seed: what the first thousand do not reach is for `make fuzz`.
SLICES = [1_000, pytest.param(3_000, marks=pytest.mark.long)]


@pytest.mark.parametrize("count", SLICES)
def test_nothing_that_is_fed_breaks_a_rule(count: int) -> None:
    outcomes, findings = run(count, seed=2026)
    say(f"fuzzed: {count} inputs each of {', '.join(TARGETS)}; findings: {len(findings)}")
    assert findings == []
    # A fuzzer whose inputs are all refused at the door tests the door only.
    reached = {
        "policy files": "read",
        "URL decisions": "allowed",
        "header rules": "sent",
        "reflections": "found",
        "model answers": "complete",
    }
    assert reached.keys() == TARGETS.keys()
    for target in reached.items():
        assert outcomes[target] > count // 50, outcomes


@pytest.mark.parametrize(
    ("module", "name", "target"),
    [
        (targets, "parse_policy", "policy files"),
        (targets, "decide", "URL decisions"),
        (headers, "_check_pair", "header rules"),
        (targets, "ReflectionScanner", "reflections"),
        (decoding, "said_by", "model answers"),
    ],
)
def test_a_defect_is_a_finding(monkeypatch: pytest.MonkeyPatch, module: object, name: str, target: str) -> None:
    def defect(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr(module, name, defect)
    _, findings = run(20, seed=1)
    assert findings
    assert all(finding.startswith(f"{target}, --seed 1 --first ") for finding in findings)


def test_the_command_says_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--count", "50"]) == 0
    assert capsys.readouterr().out.endswith("0 findings\n")
