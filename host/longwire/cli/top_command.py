"""`longwire top`."""

import json
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from longwire.audit.files import LOG_PREFIX, LOG_SUFFIX, in_use, log_folder
from longwire.console.errors import CommandError
from longwire.console.top_screen import Rates, rows_of, screen
from longwire.daemon.address import UnsafeAddress
from longwire.daemon.peer import ForeignPeer
from longwire.daemon.watching import Seen, Watching

_LOOK_S: Final = 1.0
# Hosts look once a second whether somebody watches. One that is stopped never will.
_FIRST_S: Final = 2.5
_AGAIN_S: Final = 0.05


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(top)


def top(
    *,
    once: Annotated[bool, typer.Option("--once", help="One look, and no more.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: each look is one line.")] = False,
) -> None:
    """Watch the streams of this user's hosts.

    Page, destination, grant, bytes and rate both ways, and who holds a stream back. From private windows neither page
    nor destination. Ends with q or Ctrl-C.
    """
    try:
        watching = Watching()
        watching.keep()
        first = _first(watching)
        if as_json:
            _lines(watching, first, once=once)
        elif once or not sys.stdout.isatty():
            _once(first)
        else:
            _live(watching)
    except (UnsafeAddress, ForeignPeer) as unsafe:
        raise CommandError(str(unsafe), "`longwire doctor` looks at it") from None
    except BrokenPipeError:  # of standard output: whoever read it has enough
        raise
    except OSError as error:
        raise CommandError(f"nobody can be watched: {error.strerror}", "make that folder yours to write") from None
    except KeyboardInterrupt:
        return


def _first(watching: Watching) -> list[Seen]:
    """As soon as every host whose log is in use has said what it has, or after a while in any case."""
    ends_at = time.monotonic() + _FIRST_S
    logging = {file.name for file in log_folder().glob(f"{LOG_PREFIX}*{LOG_SUFFIX}") if in_use(file)}
    while True:
        seen = watching.look()
        pids = {f"-{each.pid}{LOG_SUFFIX}" for each in seen}
        if all(any(name.endswith(pid) for pid in pids) for name in logging) or time.monotonic() >= ends_at:
            return seen
        time.sleep(_AGAIN_S)


def _rows(seen: list[Seen], rates: Rates) -> list[dict[str, Any]]:
    return rows_of([(each.pid, each.kind, each.streams) for each in seen], rates, time.monotonic())


def _lines(watching: Watching, seen: list[Seen], *, once: bool) -> None:
    rates = Rates()
    while True:
        processes = [{"pid": each.pid, "kind": each.kind} for each in seen]
        sys.stdout.write(json.dumps({"processes": processes, "streams": _rows(seen, rates)}) + "\n")
        sys.stdout.flush()
        if once:
            return
        time.sleep(_LOOK_S)
        watching.keep()
        seen = watching.look()


def _once(seen: list[Seen]) -> None:
    console = Console(highlight=False, markup=False)
    rows = _rows(seen, Rates())
    height = 2 * len(rows) + 3
    for line in screen(rows, len(seen), console.width, height):
        line.rstrip()
        console.print(line, soft_wrap=True)


def _live(watching: Watching) -> None:
    console, rates = Console(highlight=False, markup=False), Rates()
    with console.screen(hide_cursor=True), _keys() as pressed:
        while True:
            watching.keep()
            seen = watching.look()
            lines = screen(_rows(seen, rates), len(seen), console.width, console.height - 1)
            # From the top, each line over what was there: nothing flickers, and over ssh little is sent.
            with console.capture() as captured:
                for line in lines:
                    console.print(line, end="\x1b[K\n", soft_wrap=True, no_wrap=True)
            sys.stdout.write("\x1b[H" + captured.get() + "\x1b[J")
            sys.stdout.flush()
            if pressed(_LOOK_S):
                return


def _only_wait(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _pressed_on_windows(seconds: float) -> bool:
    """Its console tells of no key by itself, so it is looked at again and again."""
    import msvcrt

    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        while msvcrt.kbhit():  # type: ignore[attr-defined,unused-ignore]
            if msvcrt.getwch().lower() == "q":  # type: ignore[attr-defined,unused-ignore]
                return True
        time.sleep(_AGAIN_S)
    return False


@contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """Gives what waits for q so many seconds, and says whether it came. Ctrl-C stays what it is."""
    if not sys.stdin.isatty():
        yield _only_wait
        return
    if sys.platform == "win32":
        yield _pressed_on_windows
        return
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def pressed(seconds: float) -> bool:
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            if select.select([descriptor], [], [], left)[0]:
                data = os.read(descriptor, 64)
                if not data or b"q" in data.lower():
                    return True
        return False

    tty.setcbreak(descriptor)
    try:
        yield pressed
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
