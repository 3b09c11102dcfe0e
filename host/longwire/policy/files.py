"""The files that decide: one look at the disk, and the policy that follows from what was seen.

Looking and loading are two steps: a file can be looked at twice before it is believed (`settling`), and loading, which
is slow for a large file, can be done in a thread.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from longwire.policy.coverage import unreachable_grants
from longwire.policy.loading import MAX_POLICY_BYTES, PolicyDocument, parse_policy
from longwire.policy.locations import Locations, Source, default_locations
from longwire.policy.ownership import Lstat, Trail, ownership_problem, user_file_problem, walk
from longwire.policy.policy import Policy, PolicyFinding
from longwire.policy.problems import Problem
from longwire.policy.secret_files import own_uid
from longwire.protocol.records import PolicyState
from longwire.storage.opening import READ_FLAGS

_DIGEST_CHARS: Final = 16
_NO_POLICY: Final = "none"
_STILL_READING: Final = "is still being read"
# Answers that stay the same until somebody changes something. Every other failure of a read may pass by itself.
_LASTING: Final = frozenset({errno.EACCES, errno.EPERM})
_PASSING: Final[dict[int, str]] = {
    errno.EMFILE: "this process has no file descriptor left",
    errno.ENFILE: "the system has no file descriptor left",
    errno.ENOMEM: "the system has no memory left",
    errno.EIO: "the disk reports an error",
    errno.ENOENT: "it was there a moment ago",
}


class FileLook(NamedTuple):
    """One file as it was: `data`, or the `problem` that it has, or the `failure` to read it, which may pass."""

    path: Path
    data: bytes = b""
    problem: str | None = None
    failure: str | None = None


class Seen(NamedTuple):
    """Both files at one moment; None is one that is not there. Equal to another if nothing that counts differs."""

    administrator: FileLook | None
    user: FileLook | None

    @property
    def failed(self) -> bool:
        """Whether something could not be read that may be readable in a moment."""
        return any(file is not None and file.failure is not None for file in (self.administrator, self.user))


class Look(NamedTuple):
    """`seen`, with the `signature` from before it was read; `changed_ns` is the latest change on the way to it."""

    signature: object
    seen: Seen
    changed_ns: int


class PolicyFiles:
    """The two places. `lstat` and `uid` are parameters so that ownership can be tested by any user."""

    def __init__(
        self, locations: Locations | None = None, *, lstat: Lstat = os.lstat, uid: Callable[[], int] = own_uid
    ) -> None:
        self.locations: Final = locations or default_locations()
        self._lstat = lstat
        self._uid = uid

    def signature(self) -> object:
        """Changes whenever a look might show something else. A few `lstat` calls: meant to be asked per decision."""
        return tuple(trail.signature() for trail in self._trails())

    def look(self) -> Look:
        """Read both files now. Raises nothing: what stands in the way is part of what is seen."""
        administrator, user = self._trails()
        # The signature is older than the contents: a change in between is seen by the next look.
        signature = (administrator.signature(), user.signature())
        seen = Seen(
            _administrator(self.locations.administrator, administrator), _user(self.locations.user, user, self._uid())
        )
        return Look(signature, seen, max(administrator.changed_ns, user.changed_ns))

    def unread(self) -> Policy:
        """The policy before the first look: closed, and says why."""
        return _closed_for_now(PolicyDocument(self.locations.user, "", problems=(Problem(_STILL_READING),)))

    def _trails(self) -> tuple[Trail, Trail]:
        return walk(self.locations.administrator, self._lstat), walk(self.locations.user, self._lstat)


def read_file(path: Path) -> FileLook:
    """One file's bytes, at most one more than a policy may have. Raises nothing.

    What is judged is what was opened; a FIFO does not hold it up.
    """
    try:
        descriptor = os.open(path, READ_FLAGS)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return FileLook(path, problem="it is not a regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return FileLook(path, file.read(MAX_POLICY_BYTES + 1))
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in _LASTING:
            return FileLook(path, problem="the user that runs the browser may not read it")
        return FileLook(path, failure=_failure(error))


def read_policy(path: Path, source: Source) -> PolicyDocument:
    """Read and parse a file. Never raises for what the file is or holds: that becomes `problems`."""
    return _document(read_file(path), source)


def load(seen: Seen) -> Policy:
    """The policy that these files make. Takes up to a second or two for the worst of files; touches no disk.

    If the administrator's file exists it alone decides, unless it says `user_grants = true`; then the user's grants
    come after its own. A file that takes part and cannot be used closes everything.
    """
    taking_part: list[tuple[FileLook, PolicyDocument]] = []
    user_decides = True
    administrator = silenced = None
    if seen.administrator is not None:
        document = _document(seen.administrator, "administrator")
        administrator = document.path
        taking_part.append((seen.administrator, document))
        user_decides = document.user_grants and not document.problems
    if user_decides and seen.user is not None:
        taking_part.append((seen.user, _document(seen.user, "user")))
    elif seen.user is not None:
        silenced = seen.user.path
    for file, document in taking_part:
        if file.failure is not None:
            return replace(_closed_for_now(document), administrator=administrator, silenced=silenced)
    if not taking_part:
        return Policy(PolicyState.MISSING, _NO_POLICY)
    policy = _combine([document for _, document in taking_part])
    return replace(policy, administrator=administrator, silenced=silenced)


def _administrator(path: Path, trail: Trail) -> FileLook | None:
    if trail.failure is not None:
        return FileLook(path, failure=trail.failure)
    if trail.missing is not None and not trail.through_link:
        return None
    if trail.missing is not None:
        problem: str | None = f"a link leads to {trail.missing}, which does not exist"
    else:
        problem = trail.problem or ownership_problem(trail)
    return read_file(path) if problem is None else FileLook(path, problem=problem)


def _user(path: Path, trail: Trail, uid: int) -> FileLook | None:
    if trail.failure is not None:
        return FileLook(path, failure=trail.failure)
    if trail.missing is not None:
        return None
    problem = trail.problem or user_file_problem(trail, uid)
    return read_file(path) if problem is None else FileLook(path, problem=problem)


def _failure(error: OSError) -> str:
    known = _PASSING.get(error.errno or 0, "the system reports an error")
    return f"it cannot be read: {known}"


def _document(file: FileLook, source: Source) -> PolicyDocument:
    if file.failure is not None:
        return PolicyDocument(file.path, "", problems=(Problem(f"{file.failure}; it is tried again"),))
    if file.problem is not None:
        return PolicyDocument(file.path, "", problems=(Problem(file.problem),))
    return parse_policy(file.data, file.path, source)


def _closed_for_now(document: PolicyDocument) -> Policy:
    return replace(_combine([document]), unread=True)


def _combine(documents: list[PolicyDocument]) -> Policy:
    digest = hashlib.sha256("\0".join(document.digest for document in documents).encode()).hexdigest()
    if len(documents) == 1:
        digest = documents[0].digest
    digest = digest[:_DIGEST_CHARS] or _NO_POLICY
    files = tuple(document.path for document in documents)
    problems = [PolicyFinding(document.path, problem) for document in documents for problem in document.problems]
    problems += _name_clashes(documents)
    if problems:
        return Policy(PolicyState.INVALID, digest, files, problems=tuple(problems))
    grants = tuple(grant for document in documents for grant in document.grants)
    warnings = [PolicyFinding(document.path, warning) for document in documents for warning in document.warnings]
    path_of = {grant.name: document.path for document in documents for grant in document.grants}
    warnings += [PolicyFinding(path_of[grant.name], found) for grant, found in unreachable_grants(grants)]
    switched_off = next((document.path for document in documents if not document.enabled), None)
    secrets = tuple(secret for document in documents for secret in document.secrets)
    providers = tuple(provider for document in documents for provider in document.providers)
    return Policy(
        PolicyState.OK,
        digest,
        files,
        grants,
        (),
        tuple(warnings),
        secrets,
        switched_off,
        providers=providers,
        writer=tuple(document.writer for document in documents if document.writer is not None),
    )


def _name_clashes(documents: list[PolicyDocument]) -> list[PolicyFinding]:
    taken: dict[str, PolicyFinding] = {}
    clashes = []
    for document in documents:
        for grant in document.grants:
            other = taken.get(grant.name)
            if other is not None:
                what = f'another file has a grant "{grant.name}" already: {other.path} line {other.finding.line}'
                clashes.append(PolicyFinding(document.path, Problem(what, grant.line)))
        for grant in document.grants:
            taken.setdefault(grant.name, PolicyFinding(document.path, Problem("", grant.line)))
    return clashes
