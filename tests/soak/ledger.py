"""How everything ended: counts by kind and outcome, and every complaint."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.soak.tab import Report


def outcome_of(report: Report) -> str:
    """One word: `done`, `cancelled`, `aborted`, or an error's code."""
    error = report.get("error")
    if error is None:
        return str(report["where"])
    if error["name"] == "AbortError":
        return "aborted"
    return str(error.get("code") or error["name"])


@dataclass
class Ledger:
    """Filled while the run goes on."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    received: int = 0
    uploaded: int = 0
    reloads: int = 0

    def enter(self, kind: str, report: Report) -> None:
        """One stream ended."""
        self.outcomes[kind, outcome_of(report)] += 1
        self.received += report["bytes"]
        self.uploaded += report["sentBytes"]

    def complain(self, text: str) -> None:
        """Something is not as promised."""
        self.complaints.append(text)

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        kinds: dict[str, dict[str, int]] = {}
        for (kind, outcome), count in sorted(self.outcomes.items()):
            kinds.setdefault(kind, {})[outcome] = count
        return {
            "streams": kinds,
            "received_bytes": self.received,
            "uploaded_bytes": self.uploaded,
            "reloads": self.reloads,
            "complaints": self.complaints,
        }
