"""Adds up what the log's lines say of streams.

A stream counts by the line about its end. A page that wrote more lines than its share (`audit.page_lines`) has the
rest of its ends counted by number, without durations: they are in every figure but those.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from longwire.audit.vocabulary import PRIVATE
from longwire.authority import authority
from longwire.protocol.errors import printable
from longwire.protocol.limits import MIB
from longwire.stats.histogram import Histogram

By = Literal["grant", "page", "destination", "model"]
BY: Final[tuple[By, ...]] = ("grant", "page", "destination", "model")

# Fields of the line about an end, in milliseconds since the start was accepted; the last is a part of it all.
DURATIONS: Final = ("headers_ms", "first_byte_ms", "content_ms", "ms", "host_ms")
OUTCOMES: Final = ("completed", "failed", "denied", "aborted")
# Further ones are added up under OTHERS. A page can have a thousand ports, and a pattern a thousand names.
MAX_GROUPS: Final = 1000
OTHERS: Final = "(others)"
NONE: Final = "(none)"
_MAX_CODES: Final = 200
_MAX_CURRENCIES: Final = 20
_MAX_CHARS: Final = 200
# What no stream has: whoever wrote that line, it was not Longwire.
_MOST_BYTES: Final = 1 << 53
_MOST_MS: Final = 366 * 86_400_000
_MOST_TOKENS: Final = 1024 * MIB
_ENDS: Final = frozenset({"end", "error", "abort"})
_UNWRITTEN: Final = "lines not written"
_REFUSED: Final = "refusals not written"


@dataclass(slots=True)
class Figures:
    """Of several streams. `untimed` are those whose own line is missing; `costs` are by currency."""

    outcomes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    untimed: int = 0
    durations: dict[str, Histogram] = field(default_factory=lambda: {name: Histogram() for name in DURATIONS})
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    costs: dict[str, Decimal] = field(default_factory=dict)

    @property
    def streams(self) -> int:
        """How many ended, whichever way."""
        return self.outcomes.total()

    @property
    def failed_share(self) -> float:
        """Of all streams, those that failed: between 0 and 1. What the policy refused did not fail."""
        return self.outcomes["failed"] / self.streams if self.streams else 0.0

    def end(self, outcome: str, code: str | None, fields: Mapping[str, Any]) -> None:
        """One stream ended."""
        self.outcomes[outcome] += 1
        if code is not None:
            self.codes[code if code in self.codes or len(self.codes) < _MAX_CODES else OTHERS] += 1
        self.bytes += number(fields.get("bytes"), _MOST_BYTES) or 0
        for name, histogram in self.durations.items():
            if (value := number(fields.get(name), _MOST_MS)) is not None and outcome != "denied":
                histogram.add(value)

    def unwritten(self, outcome: str, code: str | None, count: int) -> None:
        """So many ended, of which nothing else is known."""
        self.outcomes[outcome] += count
        self.untimed += count
        if code is not None:
            self.codes[code if code in self.codes or len(self.codes) < _MAX_CODES else OTHERS] += count

    def generation(self, fields: Mapping[str, Any]) -> None:
        """A provider was asked once."""
        self.attempts += 1
        self.input_tokens += number(fields.get("input_tokens"), _MOST_TOKENS) or 0
        self.output_tokens += number(fields.get("output_tokens"), _MOST_TOKENS) or 0
        currency, cost = fields.get("currency"), _amount(fields.get("cost"))
        if cost is not None and isinstance(currency, str):
            known = currency in self.costs or len(self.costs) < _MAX_CURRENCIES
            if known:
                shown = _shown(currency)
                self.costs[shown] = self.costs.get(shown, Decimal(0)) + cost


class Counting:
    """Of all, and of each group where `by` says by what. `first` and `last` are the times of the lines that counted."""

    def __init__(self, by: By | None = None) -> None:
        self.by = by
        self.total = Figures()
        self.groups: dict[str, Figures] = {}
        self.first = ""
        self.last = ""

    def take_all(self, lines: Iterable[Mapping[str, Any]]) -> "Counting":
        """Count every line; gives back itself."""
        for line in lines:
            self.take(line)
        return self

    def take(self, line: Mapping[str, Any]) -> None:
        """Count a line of the log, if it is one about an end, about a generation, or with numbers of those."""
        event = line.get("event")
        if event in _ENDS and line.get("outcome") in OUTCOMES:
            failure, code = line.get("failure"), line.get("code")
            # A generation's stream is whole when it has told why there is no answer: for whoever asked it failed.
            outcome = "failed" if failure is not None and line["outcome"] == "completed" else line["outcome"]
            said = failure if failure is not None else code
            for figures in self._of(line):
                figures.end(outcome, None if said is None else _shown(said), line)
        elif event == "generation":
            for figures in self._of(line):
                figures.generation(line)
        elif event == _UNWRITTEN:
            self._take_numbers(line)
        elif event == _REFUSED:
            for figures in self._of(line):
                figures.unwritten("denied", None, number(line.get("count"), _MOST_BYTES) or 0)
        else:
            return
        time = str(line.get("timestamp", ""))
        self.first = min(self.first or time, time)
        self.last = max(self.last, time)

    def _take_numbers(self, line: Mapping[str, Any]) -> None:
        events = line.get("events")
        for name, count in events.items() if isinstance(events, dict) else ():
            event, _, code = str(name).partition(" ")
            many = number(count, _MOST_BYTES)
            if event in _ENDS and many:
                denied = code.startswith("POLICY") or code == "REDIRECT_DENIED"
                outcome = {"end": "completed", "abort": "aborted"}.get(event, "denied" if denied else "failed")
                for figures in self._of(line):
                    figures.unwritten(outcome, _shown(code) if code else None, many)
        for figures in self._of(line):
            figures.bytes += number(line.get("bytes"), _MOST_BYTES) or 0

    def _of(self, line: Mapping[str, Any]) -> list[Figures]:
        if self.by is None:
            return [self.total]
        name = _group(line, self.by)
        if name not in self.groups and len(self.groups) >= MAX_GROUPS:
            name = OTHERS
        return [self.total, self.groups.setdefault(name, Figures())]


def number(value: object, most: int) -> int | None:
    """A log is a file that anybody may have written to."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= most else None  # type: ignore[operator, return-value]


def _group(line: Mapping[str, Any], by: By) -> str:
    if by == "destination":
        provider = line.get("provider")
        return f"provider {_shown(provider)}" if provider is not None else _server(line.get("destination"))
    if by == "model":
        model = line.get("model")
        return NONE if model is None else _shown(f"{line.get('provider', '?')}/{model}")
    value = line.get(by)
    return NONE if value is None else _shown(value)


def _server(destination: object) -> str:
    """Scheme, host and port: paths are as many as there are things on a server."""
    if not isinstance(destination, str):
        return NONE
    if destination == PRIVATE:
        return PRIVATE
    try:
        parts = urlsplit(destination)
        return _shown(f"{parts.scheme}://{authority(parts.hostname or '', parts.port, parts.scheme)}")
    except ValueError:
        return NONE


def _shown(value: object) -> str:
    text = printable(str(value))
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + "…"


def _amount(value: object) -> Decimal | None:
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() and 0 <= amount < _MOST_BYTES else None
