"""Secrets that are suspended: a server sent one back, and the page may not use it until a person has looked into it.

A page could otherwise ask again and again, and put the secret together from what the guard lets through in each
answer. So a hit counts for every request of the page's entry in `pages`, in every browser of the user and over
restarts, until `longwire policy release`, or until the grant is changed.

A suspension is in force in this process at once, before it is written, and stays in force if it cannot be written.
"""

import hashlib
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from longwire.policy.grants import Grant
from longwire.policy.matching import PagePattern
from longwire.policy.policy import Policy
from longwire.policy.secrets import SecretSource
from longwire.policy.urls import CanonicalUrl
from longwire.protocol.records import Principal

# Nobody has more pairs of secret and page entry than that; beyond it the oldest are dropped.
MAX_SUSPENSIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class Suspension:
    """One secret, suspended for one entry of a grant's `pages`.

    `grant` is the name of the grant whose server sent it back, `fingerprint` that grant as it was then. `secret` is the
    secret's name, `source` stands for the place it comes from: two names for one place are one secret. `page` is the
    entry as `str(PagePattern)`; None means all of that grant's, because of a private window no page is
    written down. `since` is a time in UTC, ISO 8601.
    """

    grant: str
    fingerprint: str
    secret: str
    source: str
    page: str | None
    since: str

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same as another."""
        return (self.grant, self.fingerprint, self.source, self.page or "")

    @property
    def release_command(self) -> str:
        """What lifts it, as it is typed."""
        return f"longwire policy release {shlex.quote(self.grant)}"

    def describe(self) -> str:
        """For people who may know the policy."""
        where = self.page or "all its pages"
        return f'the secret "{self.secret}" of the grant "{self.grant}" is suspended for {where}'


class Storage(Protocol):
    """Where suspensions outlive the process. `SuspensionFile` is one."""

    def signature(self) -> object:
        """Changes whenever the contents may have. Cheap: it is asked before every piece of a guarded body."""

    def read(self) -> tuple[Suspension, ...]:
        """All of them. Raises UnusableState."""

    def add(self, suspensions: Iterable[Suspension]) -> None:
        """Write these beside what is there. Raises UnusableState."""


class UnusableState(Exception):
    """The file cannot be read or written; `fix` says what to do about it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class Suspensions:
    """What is suspended, as this process knows it. Belongs to one thread, except `save`."""

    def __init__(self, storage: Storage | None = None) -> None:
        """Without a storage what is found is forgotten with the process."""
        self._storage = storage
        self._signature: object = None
        self._stored: dict[tuple[str, ...], Suspension] = {}
        self._unsaved: dict[tuple[str, ...], Suspension] = {}
        self._watchers: dict[int, Callable[[], None]] = {}
        self._watches = 0
        self.problem: UnusableState | None = None
        self.refresh()

    @property
    def all(self) -> tuple[Suspension, ...]:
        """Whether in force or not."""
        return tuple((self._stored | self._unsaved).values())

    @property
    def unsaved(self) -> tuple[Suspension, ...]:
        """What is in force in this process alone."""
        return tuple(self._unsaved.values())

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have `changed` called whenever there are others than before. It must not raise. Returns what ends that."""
        self._watches += 1
        number = self._watches
        self._watchers[number] = changed

        def unwatch() -> None:
            self._watchers.pop(number, None)

        return unwatch

    def refresh(self) -> None:
        """Look whether another process wrote something. Costs one `stat` as long as none did."""
        if self._storage is None:
            return
        signature = self._storage.signature()
        if signature == self._signature:
            return
        # Older than the contents: a change in between is seen by the next call.
        self._signature = signature
        try:
            stored = {each.key: each for each in self._storage.read()}
            self.problem = None
        except UnusableState as problem:
            # What this process knows already stays in force.
            self.problem = problem
            return
        if stored.keys() != self._stored.keys():
            self._stored = stored
            self._tell()

    def hit(self, suspensions: Iterable[Suspension]) -> None:
        """A server sent secrets back: from now on they are suspended. `save` writes them down."""
        new = {each.key: each for each in suspensions}
        new = {key: each for key, each in new.items() if key not in self._stored and key not in self._unsaved}
        if new:
            self._unsaved |= new
            if self._storage is None:
                self._stored |= self._unsaved
                self._unsaved = {}
            self._tell()

    def save(self, pending: tuple[Suspension, ...]) -> UnusableState | None:
        """Write these down, of `unsaved`; for a thread of its own. Then comes `saved`.

        Returns why it could not be: what was found stays in force in this process all the same.
        """
        try:
            if pending and self._storage is not None:
                self._storage.add(pending)
        except UnusableState as problem:
            return problem
        return None

    def saved(self, written: Iterable[Suspension]) -> None:
        """`save` wrote these. From now on the file decides, also where somebody released them meanwhile."""
        for each in written:
            self._unsaved.pop(each.key, None)
            self._stored[each.key] = each
        self._signature = None
        self.refresh()

    def in_force(self, policy: Policy) -> list[tuple[Suspension, Grant]]:
        """Those whose grant is still what it was, each with that grant."""
        if not self._stored and not self._unsaved:
            return []
        grants = {grant.name: grant for grant in policy.grants}
        return [
            (each, grant)
            for each in self.all
            if (grant := grants.get(each.grant)) is not None and grant.fingerprint == each.fingerprint
        ]

    def standing_against(
        self, policy: Policy, sources: Iterable[SecretSource], page: CanonicalUrl, principal: Principal = "page"
    ) -> Suspension | None:
        """What keeps this page, or the writer on it, from requests with these secrets, by whichever grant of theirs; or
        None. Neither learns from the other's refusals what a server sent it.
        """
        wanted = {source_mark(source) for source in sources}
        for each, grant in self.in_force(policy):
            if grant.principal != principal or each.source not in wanted:
                continue
            if any(entry.matches(page) for entry in _entries(each, grant)):
                return each
        return None

    def _tell(self) -> None:
        for changed in list(self._watchers.values()):
            changed()


def suspend(grant: Grant, source: SecretSource, page: CanonicalUrl, *, private: bool) -> Suspension:
    """What a hit means: `grant` injected this secret for this page, and the server sent it back."""
    entry = next((str(pattern) for pattern in grant.pages if pattern.matches(page)), None)
    return Suspension(
        grant=grant.name,
        fingerprint=grant.fingerprint,
        secret=source.name,
        source=source_mark(source),
        page=None if private else entry,
        since=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def source_mark(source: SecretSource) -> str:
    """Stands for the place that a secret comes from. It holds nothing of the value, which must not lie on a disk."""
    return hashlib.sha256(f"{source.kind}\0{source.where}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def without(suspensions: Iterable[Suspension], grant: str) -> tuple[list[Suspension], list[Suspension]]:
    """The ones that stay, and those of `grant`."""
    kept: list[Suspension] = []
    released: list[Suspension] = []
    for each in suspensions:
        (released if each.grant == grant else kept).append(each)
    return kept, released


def _entries(suspension: Suspension, grant: Grant) -> Iterable[PagePattern]:
    return (entry for entry in grant.pages if suspension.page is None or str(entry) == suspension.page)
