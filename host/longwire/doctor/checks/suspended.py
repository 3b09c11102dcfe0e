"""What the reflection guard suspended, and the file that keeps it."""

import os
from collections.abc import Iterator

from longwire.doctor.finding import Finding, fail, ok, warn
from longwire.doctor.patient import Patient
from longwire.policy import SuspensionFile, Suspensions
from longwire.policy.suspension_file import FILE_NAME


def check_suspended(patient: Patient) -> Iterator[Finding]:
    """Whether secrets are suspended, and whether that can be known."""
    file = SuspensionFile(patient.logs / FILE_NAME)
    suspensions = Suspensions(file)
    if suspensions.problem is not None:
        what = f"{suspensions.problem.what}, so what was suspended before the host started is not"
        yield fail("suspended", what, suspensions.problem.fix)
        return
    in_force = suspensions.in_force(patient.policy().current())
    for each, _ in in_force:
        yield warn(
            "suspended",
            f"{each.describe()} since {each.since}: the server sent it back",
            f"see to it that the server does not echo requests, then run `{each.release_command}`",
        )
    folder = file.path.parent
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        what = f"{folder} cannot be written, so what a host suspends ends with that host"
        yield warn("suspended", what, f"make {folder} yours and writable")
    elif not in_force:
        yield ok("suspended", "no secret is")
