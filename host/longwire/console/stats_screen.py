"""`longwire stats` for people: lines and columns of at most 80 characters, coloured where there are colours."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from rich.console import Console
from rich.text import Text

from longwire.console.figures import amount, count, milliseconds, share, size
from longwire.stats.counting import Counting, Figures
from longwire.stats.told import ordered

_WORDS: Final = {
    "headers_ms": "headers",
    "first_byte_ms": "first byte",
    "content_ms": "content",
    "ms": "total",
    "host_ms": "own",
}
_WORD_CHARS: Final = 11
_CELL_CHARS: Final = 9
_PERCENTS: Final = (50, 90, 95, 99)
_MAX_CODES: Final = 8


def say_stats(counting: Counting, what: str) -> None:
    """Print them: of all, and of each group. `what` says of which stretch they are."""
    console = Console(highlight=False, markup=False)
    total = counting.total
    _say(console, Text.assemble((f"{'streams':<{_WORD_CHARS}}", "bold"), f"{count(total.streams)} {what}"))
    _say_outcomes(console, total)
    if total.bytes:
        _say(console, _line("bytes", size(total.bytes)))
    if total.attempts:
        _say(console, _line("tokens", f"{count(total.input_tokens)} in, {count(total.output_tokens)} out"))
        if total.costs:
            _say(console, _line("cost", costs(total.costs)))
    _say_durations(console, total)
    if total.untimed:
        _say(console, _line("untimed", f"{count(total.untimed)}, over their page's share of the log"))
    if counting.by is not None:
        _say(console, Text())
        _say_groups(console, counting)


def costs(by_currency: dict[str, Decimal]) -> str:
    """`1.2 USD, 3 EUR`."""
    return ", ".join(f"{amount(value)} {currency}" for currency, value in sorted(by_currency.items()))


def _say(console: Console, text: Text) -> None:
    text.rstrip()
    console.print(text, soft_wrap=True)


def _line(word: str, rest: str, style: str = "") -> Text:
    return Text.assemble(f"{word:<{_WORD_CHARS}}", (rest, style))


def _say_outcomes(console: Console, figures: Figures) -> None:
    words = {"completed": "", "failed": "bold red", "denied": "yellow", "aborted": ""}
    for outcome, style in words.items():
        many = figures.outcomes[outcome]
        word = "refused" if outcome == "denied" else outcome
        if many:
            of_all = share(many / figures.streams)
            _say(console, Text.assemble((f"{word:<{_WORD_CHARS}}", style), f"{count(many):>9}  {of_all:>6}"))
    for code, many in figures.codes.most_common(_MAX_CODES):
        of_all = share(many / figures.streams) if figures.streams else ""
        _say(console, Text.assemble(" " * _WORD_CHARS, f"{count(many):>9}  {of_all:>6}  ", (code, "dim")))
    if (more := len(figures.codes) - _MAX_CODES) > 0:
        _say(console, _line("", f"and {more} more codes: --json has them"))


def _say_durations(console: Console, figures: Figures) -> None:
    if not figures.durations["ms"].count:
        return
    head = _cells([*(f"p{percent}" for percent in _PERCENTS), "most", "of"])
    _say(console, Text(f"{'':<{_WORD_CHARS}}{head}", "dim"))
    for name, word in _WORDS.items():
        it = figures.durations[name]
        if it.count:
            cells = [milliseconds(it.percentile(percent)) for percent in _PERCENTS]
            _say(console, _line(word, _cells([*cells, milliseconds(it.most), count(it.count)])))


def _say_groups(console: Console, counting: Counting) -> None:
    """The name on a line of its own, and its figures below: it can be as long as it is."""
    generation = counting.by == "model"
    columns = ["streams", "failed", "refused", "head p50", "p95", "total p50", "p95", "bytes"]
    if generation:
        columns = ["streams", "failed", "cont. p50", "p95", "total p50", "tokens in", "out"]
    _say(console, Text(_cells(columns), "dim"))
    for name, it in ordered(counting):
        _say(console, Text(name, "bold"))
        failed = share(it.failed_share) if it.streams else ""
        head, content, total = (it.durations[each] for each in ("headers_ms", "content_ms", "ms"))
        cells = [count(it.streams), failed]
        if generation:
            cells += [milliseconds(content.percentile(50)), milliseconds(content.percentile(95))]
            cells += [milliseconds(total.percentile(50)), count(it.input_tokens), count(it.output_tokens)]
        else:
            cells += [count(it.outcomes["denied"])]
            cells += [milliseconds(head.percentile(50)), milliseconds(head.percentile(95))]
            cells += [milliseconds(total.percentile(50)), milliseconds(total.percentile(95)), size(it.bytes)]
        _say(console, Text(_cells(cells), "red" if it.outcomes["failed"] else ""))
        if it.costs:
            _say(console, Text(f"{'cost':>{_CELL_CHARS}}  {costs(it.costs)}"))


def _cells(cells: Sequence[str]) -> str:
    """Nine characters each, and a blank before one that has as many."""
    return "".join(f"{cell:>{_CELL_CHARS}} " for cell in cells).rstrip()
