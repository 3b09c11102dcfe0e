"""`longwire demo`."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(demo)


def demo() -> None:
    """Stream text through a real Chromium, and print it as it arrives in the page. Ends by itself within a minute."""
    from longwire.cli.demo.run import run_demo  # asyncio and servers, which no other command needs

    raise typer.Exit(run_demo())
