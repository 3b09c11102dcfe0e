"""Requests that outlive their pages: the files that keep them, and the daemon that carries them out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from longwire import __version__
from longwire.console.errors import CommandError
from longwire.daemon.address import UnsafeAddress
from longwire.daemon.client import DaemonMute, statuses
from longwire.daemon.peer import ForeignPeer
from longwire.doctor.finding import Finding, Mend, fail, ok, warn
from longwire.doctor.patient import Patient
from longwire.durable.looking import Look, look
from longwire.durable.record import RecordState
from longwire.durable.store import FOLDER_NAME

_MIB: Final = 1024 * 1024


def check_durable(patient: Patient) -> Iterator[Finding]:
    """Whether they can be kept, what is, and what daemon runs. Says nothing where nothing may be, or ever was."""
    granted = any(grant.durable is not None and grant.has("durable") for grant in patient.policy().current().in_force)
    folder = patient.logs / FOLDER_NAME
    if not granted and not folder.exists():
        return
    yield from _files(folder)
    yield from _daemons(granted=granted)


def _files(folder: Path) -> Iterator[Finding]:
    try:
        found = look(folder)
    except OSError as error:
        what = f"{folder} cannot be read ({error.strerror}), so nothing is durable"
        yield fail("durable", what, f"make {folder} yours")
        return
    if found.open_to_others:
        first, *more = found.open_to_others
        what = f"{first} is a link, another user's, or open to other users{f', and {len(more)} more' if more else ''}"
        if folder in found.open_to_others:
            what += ": nothing is durable"
        yield fail(
            "durable", what, f"chmod -R go= {folder}; remove what is not yours", mend=_closing(found.open_to_others)
        )
        return
    for each in found.unreadable:
        if each.why == "newer":
            yield warn("durable", f"{each.text}, so its key is refused", "use that version, or a later one")
        else:
            yield warn("durable", f"{each.text}, so its key is taken", f"longwire durable forget {each.id[:12]}")
    unknown = _in(found, RecordState.UNKNOWN)
    if unknown:
        what = f"requests whose daemon died, so that nobody knows whether they were carried out: {unknown}"
        yield warn("durable", what, "see `longwire durable list`; `longwire durable forget` frees their keys")
    counts = ", ".join(f"{_in(found, state)} {state}" for state in RecordState if _in(found, state))
    taken = f"; their responses take {found.spool_bytes / _MIB:.1f} MiB"
    yield ok("durable", f"requests: {counts}{taken}" if counts else "no request is kept")


def _daemons(*, granted: bool) -> Iterator[Finding]:
    try:
        found = [status for _, status in statuses()]
    except DaemonMute as mute:
        yield fail("durable", str(mute), "end that process: what it carries out is unknown afterwards")
        return
    except (UnsafeAddress, ForeignPeer) as unsafe:
        yield fail("durable", f"the daemon's socket cannot be trusted: {unsafe}", "remove what is not yours")
        return
    if not found:
        yield ok(
            "durable", "no daemon runs, and none need run: " + ("a browser starts it" if granted else "none is granted")
        )
    for number, status in enumerate(found):
        what = _describe(status)
        if number or status.get("longwire") == __version__:
            yield ok("durable", what)
        else:
            yield warn("durable", f"{what}; this is {__version__}", "nothing: it gives way to the next browser's host")


def _describe(status: dict[str, Any]) -> str:
    told = f"the daemon runs: version {status.get('longwire')}, process {status.get('pid')}"
    if status.get("retired"):
        told = f"an earlier daemon finishes what it has: version {status.get('longwire')}, process {status.get('pid')}"
    counts = ", ".join(f"{name} {status[name]}" for name in ("connections", "running", "kept") if name in status)
    memory = status.get("memory")
    return f"{told}; {counts}" + (f"; {memory / _MIB:.0f} MiB of memory" if isinstance(memory, int) else "")


def _in(found: Look, state: RecordState) -> int:
    return sum(each.record.state is state for each in found.found)


def _closing(paths: tuple[Path, ...]) -> Mend:
    """Take from others what they may, where that is this user's to do. Links are not followed."""

    def act() -> None:
        for path in paths:
            try:
                if path.is_symlink():
                    raise CommandError(f"{path} is a link", "remove it")
                path.chmod(path.stat().st_mode & 0o700)
            except OSError as error:
                raise CommandError(f"{path}: {error.strerror}", "remove it, if it is not yours") from None

    return Mend("close the folder of durable requests to other users", act)
