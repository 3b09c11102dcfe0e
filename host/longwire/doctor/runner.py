"""All checks in order, and what `--fix` does about their findings."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from longwire.console.errors import CommandError
from longwire.doctor.checks.budgets import check_budgets
from longwire.doctor.checks.durable import check_durable
from longwire.doctor.checks.extension import check_extension
from longwire.doctor.checks.grants import check_ca_files, check_policy, check_secrets
from longwire.doctor.checks.host import check_hosts
from longwire.doctor.checks.network import check_network
from longwire.doctor.checks.policies import check_policies
from longwire.doctor.checks.registered import check_shadowing
from longwire.doctor.checks.starts import check_starts
from longwire.doctor.checks.state import check_clock, check_state_folder
from longwire.doctor.checks.suspended import check_suspended
from longwire.doctor.finding import Finding, State, fail
from longwire.doctor.patient import Patient

Progress = Callable[[str], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Step:
    """One check. `title` is what is said if it takes long."""

    title: str
    run: Callable[[Patient], Iterable[Finding]]


STEPS = (
    # Before the doctor itself starts one.
    Step("reading how hosts started", check_starts),
    Step("starting the host as a browser does", check_hosts),
    Step("looking for manifests that hide others", check_shadowing),
    Step("reading the browsers' policies", check_policies),
    Step("looking for the extension", check_extension),
    Step("reading the policy", check_policy),
    Step("reading the secrets", check_secrets),
    Step("looking at the files of authorities", check_ca_files),
    Step("looking for suspended secrets", check_suspended),
    Step("reading what was spent", check_budgets),
    Step("looking at durable requests", check_durable),
    Step("looking at the log's folder", check_state_folder),
    Step("looking at the clock", check_clock),
)
NETWORK = Step("connecting to each granted destination", check_network)


def examine(patient: Patient, progress: Progress, *, network: bool = False) -> list[Finding]:
    """Run every check; one that fails inside becomes a finding itself."""
    findings: list[Finding] = []
    for step in (*STEPS, NETWORK) if network else STEPS:
        with progress(step.title):
            try:
                findings += step.run(patient)
            except Exception as error:  # noqa: BLE001  (the doctor must not die of what it examines)
                what = f"{step.title} failed: {type(error).__name__}"
                findings.append(fail("doctor", what, "report this as a bug, with `longwire doctor --report`"))
    return findings


def mend(findings: list[Finding]) -> tuple[list[str], list[CommandError]]:
    """Do what can be done about `findings`, each thing once. Gives back what was done, and what failed."""
    mends = dict.fromkeys(finding.mend for finding in findings if finding.state is not State.OK and finding.mend)
    done, failed = [], []
    for each in mends:
        try:
            each.act()
            done.append(each.what)
        except CommandError as error:
            failed.append(error)
    return done, failed
