"""`longwire logs`."""

import sys
import time
from typing import Annotated, Final

import typer

from longwire.audit.files import log_folder
from longwire.audit.reader import LEVELS, Event, LogReader, Wanted, select
from longwire.console.errors import MisuseError
from longwire.console.log_screen import LogScreen
from longwire.console.output import complain, say
from longwire.protocol.errors import ErrorCode

# How often a log that is followed is looked at: files have no other way to tell on every platform.
_LOOK_EVERY_S: Final = 0.25
_LEVEL_HELP: Final = "info is all; warning: what was refused, or is odd, and worse; error: what failed."


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(logs)


def logs(
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more is written, until Ctrl-C.")] = False,
    stream: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="One stream: its id, or PROCESS:ID, or PROCESS.CONNECTION:ID of a daemon, as the log shows it.",
        ),
    ] = None,
    level: Annotated[str, typer.Option(metavar="LEVEL", help=_LEVEL_HELP)] = "info",
    code: Annotated[str | None, typer.Option(metavar="CODE", help="Errors of one code, as in UPSTREAM_TLS.")] = None,
    lines: Annotated[int | None, typer.Option("--lines", "-n", metavar="N", min=0, help="The last N only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The lines as they were written.")] = False,
) -> None:
    """Show what the hosts of this user did.

    Requests by page and destination, errors by code; never a body or a key.
    """
    if level not in LEVELS:
        raise MisuseError(f'there is no level "{level}"', f"the levels are {', '.join(LEVELS)}")
    if code is not None and code not in ErrorCode.__members__:
        raise MisuseError(f'there is no code "{code}"', "`longwire docs protocol` lists the codes")
    wanted = Wanted(stream, level, code)
    folder = log_folder()
    reader = LogReader(folder)
    events = reader.read()
    screen = LogScreen() if sys.stdout.isatty() and not as_json else None
    chosen = select(events, wanted, lines)
    _print(chosen, screen, as_json=as_json)
    if not events and not follow:
        complain(f"nothing was logged yet in {folder}")
    elif not chosen and not follow and lines != 0:
        complain(f"nothing of that is in the log, which has lines: {len(events)}")
    try:
        while follow:
            time.sleep(_LOOK_EVERY_S)
            _print(select(reader.read(), wanted), screen, as_json=as_json)
    except KeyboardInterrupt:
        return


def _print(events: list[Event], screen: LogScreen | None, *, as_json: bool) -> None:
    for event in events:
        if screen is not None:
            screen.show(event)
        else:
            say(event.text if as_json else event.describe())
    sys.stdout.flush()  # whoever follows through a pipe wants it now
