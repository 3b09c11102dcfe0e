"""The log for a person at a console: the day once, a line for what happened, below it what is known of it."""

from typing import Final

from rich.console import Console
from rich.text import Text

from longwire.audit.reader import REFUSED, Event
from longwire.console.output import print_hanging

_STYLES: Final = {"warning": "yellow", "error": "bold red", "critical": "bold red"}
_INDENT_CHARS: Final = len("10:00:00.000  ")
_WHOSE_CHARS: Final = len("12345:12")
_EVENT_CHARS: Final = len("first byte")


class LogScreen:
    """Prints one event after another."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, markup=False)
        self._day = ""

    def show(self, event: Event) -> None:
        """Print it. What does not fit into a line goes on below, with an indent."""
        day, time = event.local_time
        if day.strip() and day != self._day:
            self._day = day
            self._console.print(Text(day, "bold"))
        # A request that the policy refused is nothing unusual for the host, but what a person looks for.
        style = "yellow" if event.fields.get("outcome") == REFUSED else _STYLES.get(event.level, "cyan")
        details = Text("  ".join(event.details), "dim")
        head = Text.assemble(
            (f"{time}  {event.whose:<{_WHOSE_CHARS}}  ", "dim"), (f"{event.name:<{_EVENT_CHARS}}", style), "  "
        )
        first = Text(event.request) if event.request else details
        below = [details if event.request else Text(), Text(event.reason, style)]
        if len(head) + len(first) > self._console.width:
            below.insert(0, first)
        else:
            head.append(first)
        self._console.print(head, soft_wrap=True)
        for text in filter(None, below):
            print_hanging(self._console, Text(" " * _INDENT_CHARS), text)
