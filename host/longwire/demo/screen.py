"""The demo on a console: live where it is one, plain lines where it is not, silence where a machine reads."""

import sys
import textwrap
from collections.abc import Sequence
from typing import Final, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from longwire.console.output import say

_LABEL_WIDTH: Final = 10
_WIDTH: Final = 80
_MIB: Final = 1024 * 1024
_BAR_WIDTH: Final = 30
# What stands around the text while it is live: a blank line, the bar, and the line the cursor is on.
_LIVE_LINES: Final = 3


class Screen(Protocol):
    """Shows one run, from facts to facts; see `Audience` for what comes between."""

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Labelled lines."""

    def text(self, words: str) -> None:
        """This came out of the chat's stream in the page."""

    def download(self, received: int, seconds: float) -> None:
        """So many bytes of the download are in the page, after so much time."""

    def close(self) -> None:
        """No more words or bytes come."""

    def verdict(self, line: str, *, ok: bool) -> None:
        """The one summary line."""


class Silent:
    """Nothing at all."""

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Nothing."""

    def text(self, words: str) -> None:
        """Nothing."""

    def download(self, received: int, seconds: float) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""

    def verdict(self, line: str, *, ok: bool) -> None:
        """Nothing."""


class Plain:
    """Lines, each with its label, written when they are full."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pending = ""
        self._quarters = 0

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """See `Screen`."""
        for label, value in rows:
            _line(label, value)

    def text(self, words: str) -> None:
        """Write the lines that these words fill."""
        *paragraphs, last = (self._pending + words).split("\n\n")
        for paragraph in paragraphs:
            for line in [*_wrapped(paragraph), ""]:
                _line("text", line)
        *full, self._pending = _wrapped(last) or [""]
        if last.endswith(" "):
            self._pending += " "
        for line in full:
            _line("text", line)

    def download(self, received: int, seconds: float) -> None:
        """Write a line for each quarter."""
        quarters = 4 * received // self._size
        if quarters > self._quarters:
            self._quarters = quarters
            _line("download", _amount(received, self._size, seconds))

    def close(self) -> None:
        """See `Screen`."""
        if self._pending.strip():
            _line("text", self._pending.rstrip())
        self._pending = ""
        say()

    def verdict(self, line: str, *, ok: bool) -> None:
        """See `Screen`."""
        say(line)


class Lively:
    """The text growing word by word, a bar under it."""

    def __init__(self, size: int, console: Console) -> None:
        self._size = size
        self._console = console
        self._width = min(_WIDTH, console.width)
        self._text = ""
        self._received = 0
        self._seconds = 0.0
        self._live: Live | None = None

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """See `Screen`."""
        for label, value in rows:
            # Soft: a path that the console breaks can be copied whole.
            self._console.print(Text(f"{label:<{_LABEL_WIDTH}}", style="cyan") + Text(value), soft_wrap=True)

    def text(self, words: str) -> None:
        """See `Screen`."""
        self._text += words
        self._show(self._console.height - _LIVE_LINES)

    def download(self, received: int, seconds: float) -> None:
        """See `Screen`."""
        self._received, self._seconds = received, seconds
        self._show(self._console.height - _LIVE_LINES)

    def close(self) -> None:
        """Leave the whole text standing."""
        if self._live is not None:
            self._show(None)
            self._live.stop()
            self._live = None
            say()

    def verdict(self, line: str, *, ok: bool) -> None:
        """See `Screen`."""
        self._console.print(Text(line, style="bold green" if ok else "bold red"), soft_wrap=True)

    def _show(self, height: int | None) -> None:
        if self._live is None:
            say()
            self._live = Live(console=self._console, auto_refresh=False, transient=False)
            self._live.start()
        lines = [*Text(self._text.rstrip()).wrap(self._console, self._width), Text()]
        tail = lines if height is None else lines[-max(height, 1) :]
        self._live.update(Group(*tail, self._bar()), refresh=True)

    def _bar(self) -> Table:
        grid = Table.grid(padding=(0, 2))
        bar = ProgressBar(
            total=self._size, completed=self._received, width=_BAR_WIDTH, complete_style="cyan", finished_style="green"
        )
        grid.add_row(
            Text("download", style="cyan"), bar, Text(_amount(self._received, self._size, self._seconds), style="dim")
        )
        return grid


def choose_screen(size: int, *, silent: bool) -> Screen:
    """What suits standard output. `size` is the download's, in bytes."""
    if silent:
        return Silent()
    console = Console(highlight=False, markup=False)
    if sys.stdout.isatty() and not console.is_dumb_terminal:
        return Lively(size, console)
    return Plain(size)


def _line(label: str, value: str) -> None:
    print(f"{label:<{_LABEL_WIDTH}}{value}".rstrip(), flush=True)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH - _LABEL_WIDTH)


def _amount(received: int, size: int, seconds: float) -> str:
    rate = f", {received / 1e6 / seconds:.0f} MB/s" if seconds > 0 else ""
    return f"{received / _MIB:.1f} of {size / _MIB:.1f} MiB{rate}"
