"""`longwire install`, `uninstall`, `extension`."""

import json
import re
from pathlib import Path
from textwrap import indent
from typing import Annotated, Final

import typer

from longwire.assets import AssetError, extension_folder
from longwire.audit.files import remove_log
from longwire.cli.daemon_ending import end_daemons
from longwire.cli.durable_listing import believed
from longwire.cli.secret_commands import secrets_folder
from longwire.console.errors import CommandError, MisuseError
from longwire.console.output import say
from longwire.daemon.address import own_address
from longwire.daemon.client import statuses
from longwire.durable.removing import DaemonLives, remove_all
from longwire.folders import durable_folder, state_folder
from longwire.install.browsers import browser_table, find_sandboxed, places_of, present
from longwire.install.frozen import launcher_of
from longwire.install.installation import Removal
from longwire.install.launcher import Launcher, this_command
from longwire.install.registry import RegistryKey
from longwire.install.surroundings import Surroundings
from longwire.install.targets import Options, Scope, Target, installation_for, target_of, write_target
from longwire.policy import PolicyStore
from longwire.protocol.records import PolicyState

BrowserOption = Annotated[
    list[str] | None, typer.Option("--browser", metavar="NAME", help="A browser, by its name; may be repeated.")
]
ProfileOption = Annotated[
    Path | None,
    typer.Option("--user-data-dir", metavar="DIR", help="One profile folder, as given to the browser, and no other."),
]
FrozenOption = Annotated[bool, typer.Option("--frozen", help="Start the frozen host, which needs no Python.")]
FrozenFolder = Annotated[
    Path | None, typer.Argument(metavar="DIR", help="With --frozen: its folder, if not the one of `make freeze`.")
]
SystemOption = Annotated[bool, typer.Option("--system", help="For all users of this machine; needs root.")]
ExtensionOption = Annotated[
    str | None,
    typer.Option("--extension-id", metavar="ID", help="Serve this id too: the one that `longwire pack` printed."),
]

_EXTENSION_ID: Final = re.compile(r"[a-p]{32}")
_EXAMPLE_GRANT: Final = """\
version = 1

[[grant]]
name = "example"
pages = ["https://chat.example.com"]
destinations = ["https://api.example.com/v1/"]
methods = ["GET", "POST"]
network = "public"
inject = {{ Authorization = "Bearer {{secret:example}}" }}

[secret.example]
file = {file}
"""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(install)
    app.command()(uninstall)
    app.command()(extension)


def install(
    *,
    browser: BrowserOption = None,
    user_data_dir: ProfileOption = None,
    system: SystemOption = False,
    frozen: FrozenOption = False,
    folder: FrozenFolder = None,
    extension_id: ExtensionOption = None,
) -> None:
    """Make browsers find the native host.

    Safe to repeat; an installation that moved is healed.
    """
    here = Surroundings.here()
    launcher = launcher_of(frozen=frozen, folder=folder, platform=here.platform)
    target = target_of(Options(tuple(browser or ()), user_data_dir, system), browser_table(), here)
    if extension_id is not None and not _EXTENSION_ID.fullmatch(extension_id):
        raise MisuseError("an extension's id is 32 letters from a to p", "give the one that `longwire pack` printed")
    write_target(target, launcher, extensions=(extension_id,) if extension_id else ())
    _say_installed(target, launcher)
    if target.scope is not Scope.PROFILE and not browser:
        _say_left_out(here)
    say()
    _say_next_steps(target)


def uninstall(
    *,
    browser: BrowserOption = None,
    user_data_dir: ProfileOption = None,
    system: SystemOption = False,
) -> None:
    """Remove what `install` wrote, and the host's log.

    The daemon ends, and what durable requests received goes, too. The policy file is yours and stays. Give it the
    options that `install` was given.
    """
    here, table = Surroundings.here(), browser_table()
    options = Options(tuple(browser or ()), user_data_dir, system)
    options.check()
    logs: list[Path] = []
    durable: list[str] = []
    if options.scope is Scope.PROFILE or browser:
        target = target_of(options, table, here)
        removal = target.installation.remove(target.places)
    else:
        browsers = [places_of(name, table, here) for name in table.browsers]
        strays = dict.fromkeys(place.system if system else place.user for place in browsers)
        installation = installation_for(options.scope, table, here)

        def remove_the_rest() -> None:
            # Not before: a browser that is open would start the next daemon.
            durable.extend([*_end_daemons(), *_remove_durable()])
            logs.extend(remove_log())

        removal = installation.remove(
            strays=[place for place in strays if not isinstance(place, RegistryKey)],
            unfound=(lambda: None) if system else remove_the_rest,
        )
    _say_removed(removal, logs, durable)


def _end_daemons() -> list[str]:
    """What is to be said of it. They are of this user, and so of every browser that was served."""
    try:
        with believed():
            found = statuses()
        running = sum(int(status.get("running", 0)) for _, status in found)
        ended = [f"stopped    process {pid} (the daemon of durable requests)" for pid in end_daemons(found)]
    except CommandError as error:
        return [f"not ended  {error.message} ({error.fix})"]
    return [*ended, f"lost       durable requests that were running: {running}"] if running else ended


def _remove_durable() -> list[str]:
    """What is to be said of it."""
    folder = durable_folder()
    try:
        there = remove_all(folder)
        sockets = own_address().folder
        if sockets.is_relative_to(state_folder()):
            remove_all(sockets)
    except DaemonLives:
        return [f"kept       {folder} (a daemon runs: `longwire durable stop`, then uninstall again)"]
    except OSError as error:
        return [f"kept       {folder} (it cannot be removed: {error.strerror})"]
    return [f"removed    {folder} (responses of durable requests)"] if there else []


def extension() -> None:
    """Print the folder of the extension, to load unpacked."""
    say(str(extension_folder()))


def _say_installed(target: Target, launcher: Launcher) -> None:
    if target.browsers:
        say(f"browsers   {', '.join(dict.fromkeys(browser.title for browser in target.browsers))}")
    for path in dict.fromkeys(target.installation.manifest_of(place) for place in target.places):
        say(f"manifest   {path}")
    for place in target.places:
        if isinstance(place, RegistryKey):
            say(f"registry   {target.installation.key_of(place)}")
    say(f"launcher   {target.installation.launcher if isinstance(launcher, str) else launcher.path}")
    if isinstance(launcher, str):
        say(f"starts     {launcher}")
    for each in target.installation.recorded().extensions:
        say(f"serves     the extension {each}, too")


def _say_left_out(here: Surroundings) -> None:
    table = browser_table()
    for browser in present(table, here):
        if browser.not_yet:
            say(f"left out   {browser.title}: {browser.not_yet}")
    for sandboxed in find_sandboxed(table, here):
        say(f"left out   {sandboxed.truth}\n           fix: {sandboxed.fix}")


def _say_removed(removal: Removal, logs: list[Path], durable: list[str]) -> None:
    for place in removal.removed:
        say(f"removed    {place}")
    for path in logs:
        say(f"removed    {path} (the log)")
    for said in durable:
        say(said)
    for place in removal.kept:
        say(f"kept       {place} (changed since it was installed)")
    if not (removal.removed or removal.kept or logs or durable):
        say("nothing was installed")
        return
    policy = PolicyStore().locations.user
    if policy.is_file():
        say(f"kept       {policy} (your policy; delete it by hand if it is not wanted any more)")
    if (secrets := secrets_folder()).is_dir() and any(secrets.iterdir()):
        say(f"kept       {secrets} (your secrets; `longwire secret delete NAME` removes one)")
    say("\nThe extension is the browser's: remove it on the page where it was loaded.")


def _say_next_steps(target: Target) -> None:
    command = this_command()
    pages = dict.fromkeys(browser.extensions_page for browser in target.browsers) or {"chrome://extensions": None}
    say("Next:")
    try:
        folder = extension_folder()
        say(
            f"  1. In the browser open {' or '.join(pages)}, switch on Developer mode,\n"
            f"     press Load unpacked, and give it this folder:\n     {folder}"
        )
    except AssetError as error:
        say(f"  1. {error.message}: {error.fix}")
    store = PolicyStore()
    policy = store.current()
    if policy.state is PolicyState.OK:
        say(f"  2. There is a policy already; to see it:\n     {command} policy show")
    elif policy.state is PolicyState.INVALID:
        say(f"  2. Mend the policy, nothing is open until then: {policy.problem}")
    else:
        _say_first_grant(target, store, command)
    say(f"  3. See what a page may do:\n     {command} policy check --page ORIGIN --url URL")
    profile = f" --user-data-dir {target.installation.state.parent}" if target.scope is Scope.PROFILE else ""
    say(f"  4. See whether all is well:\n     {command} doctor{profile}")


def _say_first_grant(target: Target, store: PolicyStore, command: str) -> None:
    system = target.scope is Scope.SYSTEM
    where = store.locations.administrator if system else store.locations.user
    secret = str(where.parent / "secrets" / "example" if system else secrets_folder() / "example")
    # A string of JSON is one of TOML.
    example = _EXAMPLE_GRANT.format(file=json.dumps(secret, ensure_ascii=False))
    say(f"  2. Nothing is open without a policy. Write your first grant into\n     {where}\n     for example:\n")
    say(indent(example, "     "))
    say(f"     and store the key that it names:\n     {command} secret set example{' --system' if system else ''}\n")
