"""What a check says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How bad it is. Only `fail` keeps Longwire from working, and makes the exit code 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Mend:
    """What `--fix` can do. Two with the same `what` do the same; `act` raises CommandError where it cannot."""

    what: str
    act: Callable[[], object] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. `check` names the concern, `subject` the browser or thing where there are several.

    Whatever is not ok has a `fix`: one sentence that a person can act on. `doubt`: whether Longwire works like that
    cannot be known here.
    """

    check: str
    state: State
    what: str
    fix: str = ""
    subject: str = ""
    mend: Mend | None = None
    doubt: bool = False

    @property
    def fixable(self) -> bool:
        """Whether `--fix` can do something about it."""
        return self.mend is not None

    def to_json(self) -> dict[str, Any]:
        """For machines. `fix` is null where nothing is to be done."""
        return {
            "check": self.check,
            "subject": self.subject or None,
            "state": self.state,
            "what": self.what,
            "fix": self.fix or None,
            "fixable": self.fixable,
        }


def ok(check: str, what: str, subject: str = "") -> Finding:
    """All is well."""
    return Finding(check, State.OK, what, subject=subject)


def warn(
    check: str, what: str, fix: str, subject: str = "", mend: Mend | None = None, *, doubt: bool = False
) -> Finding:
    """It works, but not for long, or not as somebody may expect; with `doubt` perhaps not at all."""
    return Finding(check, State.WARN, what, fix, subject, mend, doubt)


def fail(check: str, what: str, fix: str, subject: str = "", mend: Mend | None = None) -> Finding:
    """It does not work."""
    return Finding(check, State.FAIL, what, fix, subject, mend)


def worst(findings: list[Finding]) -> State:
    """The state of the whole."""
    states = {finding.state for finding in findings}
    return next((state for state in (State.FAIL, State.WARN) if state in states), State.OK)
