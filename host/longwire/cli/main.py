"""`longwire`: the entry point, and the exit codes: 0 done, 1 a finding, 2 misuse."""

import sys
from typing import Annotated

import typer

from longwire import __version__
from longwire.assets import AssetError
from longwire.cli import (
    client_command,
    demo_command,
    docs_command,
    doctor_command,
    durable_commands,
    generate_command,
    install_commands,
    logs_command,
    pack_command,
    policy_commands,
    record_command,
    replay_command,
    secret_commands,
    stats_command,
    template_commands,
    top_command,
)
from longwire.console.errors import CommandError, MisuseError
from longwire.console.output import complain, say
from longwire.install.launcher import is_frozen

app = typer.Typer(
    name="longwire",
    help="Long HTTP streams for web pages, carried outside the browser.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they would print local variables, and one of those may be a secret
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},  # commands below inherit it
)
install_commands.register(app)
doctor_command.register(app)
logs_command.register(app)
stats_command.register(app)
top_command.register(app)
if not is_frozen():  # it drives a browser with a package that is for developers
    demo_command.register(app)
client_command.register(app)
generate_command.register(app)
record_command.register(app)
replay_command.register(app)
docs_command.register(app)
pack_command.register(app)
app.add_typer(policy_commands.app, name="policy")
app.add_typer(secret_commands.app, name="secret")
app.add_typer(durable_commands.app, name="durable")
app.add_typer(template_commands.app, name="template")


def _say_version(wanted: bool) -> None:  # noqa: FBT001  (typer's way to call back)
    if wanted:
        say(f"longwire {__version__}")
        raise typer.Exit


@app.callback()
def _everywhere(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run one command. Never returns."""
    try:
        app()
    except (CommandError, AssetError) as error:
        complain(f"longwire: {error.message}")
        complain(f"  fix: {error.fix}")
        sys.exit(2 if isinstance(error, MisuseError) else 1)


if __name__ == "__main__":
    main()
