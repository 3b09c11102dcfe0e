"""`longwire record`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from longwire.console.errors import CommandError, MisuseError
from longwire.console.output import complain


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(record)


def record(
    url: Annotated[str, typer.Argument(help="Where to ask.")],
    *,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    method: Annotated[str, typer.Option(help="GET by default, POST with --data.")] = "",
    header: Annotated[
        list[str] | None,
        typer.Option(help="A field: NAME: value, or NAME alone for the variable $NAME.", metavar="NAME[: VALUE]"),
    ] = None,
    data: Annotated[str, typer.Option(help="The body: text, @FILE, or @- for standard input.", metavar="@FILE")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print each piece as one line of JSON.")] = False,
) -> None:
    """Record a stream and its timing, for `longwire replay`.

    It is asked as the page longwire:terminal, which a grant has to name: secrets that the grant injects are in no
    recording, and those that you send yourself are replaced. The body goes to standard output as it comes; Ctrl-C ends
    the recording. `longwire docs recordings` says what is in the file.
    """
    import anyio  # the engine and its clients, which no other command needs

    from longwire.at_console import recording
    from longwire.audit import log

    if not url.startswith(("http://", "https://")):
        raise MisuseError(
            f'"{url}" is no URL of HTTP', "write http:// or https://; a socket is recorded in the browser"
        )
    body = _body(data)
    headers = recording.headers_of(header or [], os.environ)
    if body is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", "application/json"))
    asked = recording.Asked(method or ("GET" if body is None else "POST"), url, headers, body)
    screen: recording.Screen = recording.JsonLines() if json else recording.Words()
    log.configure(once=False)
    try:
        with recording.open_new(out, replace=force) as file:
            what = anyio.run(recording.record, asked, file, screen)
        complain(f"{out}: {what}")
    except KeyboardInterrupt:  # its file says that it was stopped
        complain(f"{out}: stopped")
    except BrokenPipeError:  # nobody reads the body any more
        raise
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CommandError(f"{out} takes no more: {why}", "record where there is room for it") from None
    finally:
        log.finish()


def _body(text: str) -> bytes | None:
    if not text:
        return None
    if not text.startswith("@"):
        return text.encode()
    if text == "@-":
        return sys.stdin.buffer.read()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise MisuseError(f"{text[1:]} cannot be read: {error.strerror}", "name a file with the body") from None
