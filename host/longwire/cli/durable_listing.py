"""Which durable requests there are: the daemon says it, or, where none runs, the files that the last one left."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from longwire.console.errors import CommandError, MisuseError
from longwire.daemon.address import UnsafeAddress
from longwire.daemon.client import DaemonMute, NoDaemonThere, ask
from longwire.daemon.peer import ForeignPeer
from longwire.durable.listing import ListedRequest, short
from longwire.durable.looking import Look, look
from longwire.durable.record_files import Unreadable
from longwire.folders import durable_folder

# Of an id, which has 64 digits: what the log and the table show are 12.
MIN_ID_CHARS: Final = 8
_PATIENCE_S: Final = 5.0


class Listing(NamedTuple):
    """All of them, and what cannot be read. `daemon`: whether one runs."""

    requests: list[ListedRequest]
    unreadable: list[Unreadable]
    daemon: bool


def listing() -> Listing:
    """Ask the daemon, or look at the files.

    Raises:
        CommandError: neither can be believed.
    """
    on_disk = _on_disk()
    try:
        with believed():
            told = ask({"do": "list"}, patience_s=_PATIENCE_S)
    except NoDaemonThere:
        return Listing(
            [ListedRequest.of(each.record, each.first) for each in on_disk.found],
            list(on_disk.unreadable),
            daemon=False,
        )
    if "error" in told:
        raise CommandError(str(told["error"]), "try again; `longwire logs` has what the daemon did")
    try:
        requests = [ListedRequest.read(each) for each in told["requests"]]
    except (KeyError, TypeError):
        raise CommandError(
            "the daemon that runs is of another version, and says it in other words",
            "use the command of that version, or end the daemon: longwire durable stop",
        ) from None
    return Listing(requests, list(on_disk.unreadable), daemon=True)


def matching(there: Listing, named: str) -> ListedRequest | Unreadable:
    """The one request that is called so: by its key, its id, or the beginning of that.

    Raises:
        CommandError: there is none, or there are several.
    """
    found: list[ListedRequest | Unreadable] = [each for each in there.requests if each.key == named]
    if not found and len(named) >= MIN_ID_CHARS:
        everything: list[ListedRequest | Unreadable] = [*there.requests, *there.unreadable]
        found = [each for each in everything if each.id.startswith(named)]
    if not found:
        raise CommandError(f'there is no durable request "{named}"', "`longwire durable list` has their keys and ids")
    if len(found) > 1:
        ids = ", ".join(short(each.id) for each in found)
        raise MisuseError(f'{len(found)} durable requests are called "{named}"', f"give the id of one: {ids}")
    return found[0]


@contextmanager
def believed() -> Iterator[None]:
    """What a daemon says that is another's, or that it does not say, ends the command.

    Raises:
        CommandError: in place of what `daemon.client` raises.
    """
    try:
        yield
    except (DaemonMute, UnsafeAddress, ForeignPeer) as wrong:
        raise CommandError(str(wrong), "`longwire doctor` looks at it") from None


def _on_disk() -> Look:
    folder = durable_folder()
    try:
        found = look(folder)
    except OSError as error:
        raise CommandError(f"{folder} cannot be read: {error.strerror}", f"make {folder} yours") from None
    if folder in found.open_to_others:
        raise CommandError(f"{folder} is not this user's alone", "`longwire doctor` says how to mend it")
    return found
