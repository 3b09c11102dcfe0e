"""`longwire replay`."""

import contextlib
from pathlib import Path
from typing import Annotated, Any

import typer

from longwire.console.errors import MisuseError

_POINT = "as 4096, 64KiB or event:12"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(replay)


def replay(
    file: Annotated[Path, typer.Argument(help="A recording of the extension or of `longwire record`.")],
    *,
    port: Annotated[int, typer.Option(help="Where to listen on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 0,
    speed: Annotated[str, typer.Option(help="How much faster, as 2 or 0.5; or max, or step.", metavar="N")] = "1",
    stall_at: Annotated[str, typer.Option(help=f"Send nothing more from there, {_POINT}.", metavar="POINT")] = "",
    cut_at: Annotated[str, typer.Option(help=f"Break the connection there, {_POINT}.", metavar="POINT")] = "",
    split_at: Annotated[
        list[str] | None,
        typer.Option(help=f"Send what goes over it in two pieces, {_POINT}; may be given again.", metavar="POINT"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print each thing that happens as one line of JSON.")] = False,
) -> None:
    """Answer as a recording says, by a local server.

    It is for trying how a page takes an answer. It answers at 127.0.0.1 only, to pages of this machine: method and path
    say which stream is meant, /stream/2 does too, and a recording of one stream answers whatever is asked. With --speed
    step each Enter sends the next piece.
    """
    import asyncio  # and the server, which no other command needs

    from longwire.replay.faults import Faults
    from longwire.replay.run import read
    from longwire.replay.run import replay as serve
    from longwire.replay.screen import JsonLines, Words

    pace = _speed(speed)
    faults = Faults(
        _point("--stall-at", stall_at),
        _point("--cut-at", cut_at),
        tuple(_point("--split-at", p) for p in split_at or ()),
    )
    screen: Any = JsonLines() if json else Words(by_key=pace == "step")
    with contextlib.suppress(KeyboardInterrupt):  # how it ends
        asyncio.run(serve(read(file), faults, pace, port, screen))


def _speed(text: str) -> Any:
    if text in ("max", "step"):
        return text
    with contextlib.suppress(ValueError):
        if 0.001 <= (speed := float(text)) <= 1000:
            return speed
    raise MisuseError(f'"{text}" is no speed', "write a number from 0.001 to 1000, max or step")


def _point(option: str, text: str) -> Any:
    from longwire.replay.faults import BadPoint, Point

    if not text:
        return None
    try:
        return Point.parse(text)
    except BadPoint:
        raise MisuseError(f'"{text}" is no point for {option}', f"write it {_POINT}") from None
