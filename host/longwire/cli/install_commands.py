"""`longwire install`, `uninstall`, `extension`."""

import sys
from pathlib import Path
from typing import Annotated, Final

import platformdirs
import typer

from longwire.assets import AssetError, extension_folder
from longwire.cli.browsers import Surroundings, browser_table, choose
from longwire.cli.errors import MisuseError
from longwire.cli.installation import Installation
from longwire.cli.launcher import check_interpreter
from longwire.cli.output import say
from longwire.policy import PolicyStore
from longwire.protocol.parts import PolicyState

BrowserOption = Annotated[
    list[str] | None, typer.Option("--browser", metavar="NAME", help="A browser, by its name; may be repeated.")
]
ProfileOption = Annotated[
    Path | None,
    typer.Option("--user-data-dir", metavar="DIR", help="One profile folder, as given to the browser, and no other."),
]

_EXAMPLE_GRANT: Final = """\
version = 1

[[grant]]
name = "example"
pages = ["https://chat.example.com"]
destinations = ["https://api.example.com/v1/"]
methods = ["GET", "POST"]
network = "public"
inject = { Authorization = "Bearer {secret:example}" }

[secret.example]
file = "/run/secrets/example"
"""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(install)
    app.command()(uninstall)
    app.command()(extension)


def install(browser: BrowserOption = None, user_data_dir: ProfileOption = None) -> None:
    """Make browsers find the native host. Safe to repeat; an installation that moved is healed."""
    check_interpreter(sys.executable)
    installation, folders = _target(browser or [], user_data_dir)
    for path in installation.write(folders, sys.executable):
        say(f"manifest   {path}")
    say(f"launcher   {installation.launcher}")
    say()
    _say_next_steps()


def uninstall(browser: BrowserOption = None, user_data_dir: ProfileOption = None) -> None:
    """Remove what `install` wrote, with the same options. The policy file is yours and stays."""
    if user_data_dir is None and not browser:
        installation, folders = _user_installation(), None
    else:
        installation, folders = _target(browser or [], user_data_dir)
    removal = installation.remove(folders)
    for path in removal.removed:
        say(f"removed    {path}")
    for path in removal.kept:
        say(f"kept       {path} (changed since it was installed)")
    if not removal.removed and not removal.kept:
        say("nothing was installed")


def extension() -> None:
    """Print the folder of the extension, to load unpacked."""
    say(str(extension_folder()))


def _target(names: list[str], profile: Path | None) -> tuple[Installation, list[Path]]:
    """The installation that these options mean, and the folders for its manifests.

    Raises:
        CommandError: see `choose`.
    """
    table = browser_table()
    if profile is None:
        places = choose(table, names, Surroundings.here())
        return _user_installation(), [Path(place.user) for place in places.values()]
    if names:
        raise MisuseError("--browser and --user-data-dir exclude each other", "give one of them")
    # Made absolute without following links: the browser is given this path too.
    folder = Path.cwd() / profile
    return Installation(folder / "longwire", table.host_name), [folder / "NativeMessagingHosts"]


def _user_installation() -> Installation:
    return Installation(platformdirs.user_data_path("longwire", appauthor=False), browser_table().host_name)


def _say_next_steps() -> None:
    say("Next:")
    try:
        say(
            f"  1. In the browser open chrome://extensions, switch on Developer mode, and load unpacked:\n"
            f"     {extension_folder()}"
        )
    except AssetError as error:
        say(f"  1. {error.message}: {error.fix}")
    store = PolicyStore()
    policy = store.current()
    if policy.state is PolicyState.OK:
        say("  2. There is a policy already; to see it: longwire policy show")
    elif policy.state is PolicyState.INVALID:
        say(f"  2. Mend the policy, nothing is open until then: {policy.problem}")
    else:
        say(f"  2. Nothing is open without a policy. Write {store.locations.user}, for example:\n")
        say("".join(f"     {line}\n" for line in _EXAMPLE_GRANT.splitlines()))
    say("  3. See what a page may do: longwire policy check --page ORIGIN --url URL")
