"""`longwire demo`."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(demo)


def demo(
    *,
    headed: Annotated[bool, typer.Option("--headed", help="Show the browser's window.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave browser and servers running until Ctrl-C.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else.")] = False,
) -> None:
    """Show a stream through a real Chromium.

    A text and a file go the whole way, and every byte that arrived in the page is compared with what was sent.
    Without --headed nothing is shown on a display: the text is printed as it arrives in the page, and a picture of the
    page is saved. Ends by itself within a minute, unless it is to keep running.
    """
    from longwire.demo.run import run_demo  # asyncio and servers, which no other command needs

    raise typer.Exit(run_demo(headed=headed, keep=keep, as_json=json))
