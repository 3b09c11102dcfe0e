"""How the hosts of the last day started, as their logs say: a browser tells its user only that there was an error."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

from longwire.audit.files import LOG_PREFIX, LOG_SUFFIX, in_use
from longwire.audit.last_words import START_FAILED
from longwire.audit.reader import Event, read_events
from longwire.doctor.finding import Finding, ok, warn
from longwire.doctor.patient import Patient

# What is older has been mended, or is forgotten.
_RECENT: Final = timedelta(days=1)
_FAILURES: Final = frozenset({START_FAILED, "refused caller"})
_WITHOUT_A_WORD: Final = "the host ended without a word before it had answered: it was killed, or it crashed"


@dataclass(frozen=True, slots=True)
class _Failure:
    when: Event
    reason: str


def check_starts(patient: Patient) -> Iterator[Finding]:
    """The last start that failed, if it is recent."""
    since = patient.now() - _RECENT
    hosts = [_events(files) for files in _recent_hosts(patient.logs, since)]
    failures = [failure for events in hosts if (failure := _failure(events)) is not None]
    if not failures:
        yield ok(
            "starts", f"none of the last day failed ({len(hosts)} in the log)" if hosts else "none in the last day"
        )
        return
    last = max(failures, key=lambda failure: failure.when.timestamp)
    at = " ".join(last.when.local_time).rpartition(".")[0]
    yield warn(
        "starts",
        f"{len(failures)} of the last day's {len(hosts)} failed, the last at {at}: {last.reason}",
        "see `longwire logs --level error`, and start the browser again",
    )


def _recent_hosts(folder: Path, since: datetime) -> list[list[Path]]:
    """The files of each host that wrote since then and runs no more."""
    files = sorted(folder.glob(f"{LOG_PREFIX}*{LOG_SUFFIX}*")) if folder.is_dir() else []
    hosts = [list(group) for _, group in groupby(files, lambda file: file.name.partition(LOG_SUFFIX)[0])]
    return [host for host in hosts if _modified(host) >= since and not in_use(host[0])]


def _modified(files: list[Path]) -> datetime:
    def of(file: Path) -> float:
        try:
            return file.stat().st_mtime
        except OSError:  # removed by a host that starts
            return 0.0

    return datetime.fromtimestamp(max(map(of, files)), UTC)


def _events(files: list[Path]) -> list[Event]:
    return [event for file in files for event in read_events(file)]


def _failure(events: list[Event]) -> _Failure | None:
    told = next((event for event in events if event.name in _FAILURES), None)
    if told is not None:
        return _Failure(told, told.reason)
    names = {event.name for event in events}
    if "started" in names and "hello" not in names:
        return _Failure(events[-1], _WITHOUT_A_WORD)
    return None
