"""Which files decide, and when to read them again."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from longwire.policy.coverage import unreachable_grants
from longwire.policy.loading import PolicyDocument, read_policy
from longwire.policy.locations import Locations, default_locations
from longwire.policy.ownership import Lstat, Trail, ownership_problem, user_file_problem, walk
from longwire.policy.policy import Policy, PolicyFinding
from longwire.policy.problems import Problem
from longwire.policy.secret_files import own_uid
from longwire.protocol.parts import PolicyState

_DIGEST_CHARS: Final = 16
_NO_POLICY: Final = "none"


class PolicyStore:
    """The policy as it is on disk now.

    If the administrator's file exists it alone decides, unless it says `user_grants = true`; then the user's grants
    come after its own. A file that takes part and cannot be used closes everything. `lstat` and `uid` are parameters so
    that ownership can be tested by any user.
    """

    def __init__(
        self, locations: Locations | None = None, *, lstat: Lstat = os.lstat, uid: Callable[[], int] = own_uid
    ) -> None:
        self._locations = locations or default_locations()
        self._lstat = lstat
        self._uid = uid
        self._signature: object = None
        self._policy = Policy(PolicyState.MISSING, _NO_POLICY)
        self._watchers: dict[int, Callable[[Policy], None]] = {}
        self._watches = 0
        self.current()

    @property
    def locations(self) -> Locations:
        """Where this store looks."""
        return self._locations

    def current(self) -> Policy:
        """The policy, read again if a file changed. Costs a few `stat` calls; meant to be called per decision."""
        administrator = walk(self._locations.administrator, self._lstat)
        user = walk(self._locations.user, self._lstat)
        signature = (administrator.signature(), user.signature())
        if signature != self._signature:
            policy = _load(self._locations, administrator, user, self._uid())
            # The signature is older than the contents: a change in between is seen by the next call.
            self._signature = signature
            if policy != self._policy:
                self._policy = policy
                for changed in list(self._watchers.values()):
                    changed(policy)
        return self._policy

    def watch(self, changed: Callable[[Policy], None]) -> Callable[[], None]:
        """Have `changed` called with the new policy as soon as a change is seen. Returns what ends that.

        It is called inside `current` and must not raise.
        """
        self._watches += 1
        number = self._watches
        self._watchers[number] = changed

        def unwatch() -> None:
            self._watchers.pop(number, None)

        return unwatch


def _load(locations: Locations, administrator_trail: Trail, user_trail: Trail, uid: int) -> Policy:
    documents: list[PolicyDocument] = []
    administrator = _administrator_document(locations.administrator, administrator_trail)
    if administrator is not None:
        documents.append(administrator)
    user_decides = administrator is None or (administrator.user_grants and not administrator.problems)
    if user_decides and user_trail.missing is None:
        documents.append(_user_document(locations.user, user_trail, uid))
    if not documents:
        return Policy(PolicyState.MISSING, _NO_POLICY)
    return _combine(documents)


def _administrator_document(path: Path, trail: Trail) -> PolicyDocument | None:
    if trail.missing is not None and not trail.through_link:
        return None
    if trail.missing is not None:
        problem: str | None = f"a link leads to {trail.missing}, which does not exist"
    else:
        problem = trail.problem or ownership_problem(trail)
    if problem is not None:
        return PolicyDocument(path, "", problems=(Problem(problem),))
    return read_policy(path, "administrator")


def _user_document(path: Path, trail: Trail, uid: int) -> PolicyDocument:
    problem = trail.problem or user_file_problem(trail, uid)
    if problem is not None:
        return PolicyDocument(path, "", problems=(Problem(problem),))
    return read_policy(path, "user")


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
    return Policy(PolicyState.OK, digest, files, grants, (), tuple(warnings), secrets, switched_off)


def _name_clashes(documents: list[PolicyDocument]) -> list[PolicyFinding]:
    taken: set[str] = set()
    clashes = []
    for document in documents:
        clashes += [
            PolicyFinding(document.path, Problem(f'another file has a grant "{grant.name}" already', grant.line))
            for grant in document.grants
            if grant.name in taken
        ]
        taken |= {grant.name for grant in document.grants}
    return clashes
