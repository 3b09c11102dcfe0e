"""Longwire's own policy file, and the files and secrets that it refers to. Values are read, and never shown."""

import os
from collections.abc import Iterator

from longwire.doctor.finding import Finding, fail, ok, warn
from longwire.doctor.patient import Patient
from longwire.engine.judging import Judge
from longwire.install.system_secrets import problem_for_users
from longwire.policy import SecretReader, SecretSource, Suspensions
from longwire.policy.secrets import SecretProblem, SecretUnavailable
from longwire.protocol.errors import StreamError
from longwire.protocol.records import PolicyState


def check_policy(patient: Patient) -> Iterator[Finding]:
    """Whether the policy can be used, opens anything, and can mean what it says."""
    store = patient.policy()
    policy = store.current()
    if policy.state is PolicyState.MISSING:
        where = store.locations.user
        yield fail(
            "policy", "there is no policy file, so nothing is open", f"write {where}; `longwire install` shows one"
        )
    for problem in policy.problems:
        yield fail("policy", str(problem), f"mend {problem.path}; `longwire policy validate` checks it")
    for warning in policy.warnings:
        yield (fail if warning.finding.blocks else warn)("policy", str(warning), f"look at {warning.path}")
    if policy.silenced is not None:
        what = f"{policy.silenced} does not count: {policy.administrator} alone decides"
        yield warn("policy", what, "have its grants added there, or `user_grants = true`")
    if policy.state is not PolicyState.OK:
        return
    files = ", ".join(map(str, policy.files))
    if policy.switched_off is not None:
        what = f"{policy.switched_off} says enabled = false for all grants, so nothing is open"
        own = "" if policy.switched_off == policy.administrator else ", or run `longwire policy on`"
        yield fail("policy", what, f"take that line out of {policy.switched_off}{own}")
    elif not policy.in_force:
        off = ": all of its grants say enabled = false" if policy.grants else ""
        yield fail("policy", f"{files} opens nothing{off}", f"add a [[grant]] to {policy.files[-1]}, or switch one on")
    elif not policy.warnings:
        yield ok("policy", f"{files}: grants in force: {len(policy.in_force)}")


def check_secrets(patient: Patient) -> Iterator[Finding]:
    """Whether each secret that a grant in force injects, or a provider of it, can be had."""
    judge = _judge(patient)
    policy = patient.policy().current()
    for source in dict.fromkeys(source for grant in policy.in_force for source in grant.all_secrets):
        try:
            judge.check_secret(source)
        except SecretUnavailable as error:
            yield _unavailable(source, error)
            continue
        if problem := problem_for_users(source, policy):
            yield fail("secret", f"{source.describe()} {problem.what}", problem.fix)
        elif source.kind == "env":
            yield ok("secret", f"{source.describe()} is set here; the browser must be started with it too")
        else:
            yield ok("secret", f"{source.describe()} can be read")


def check_ca_files(patient: Patient) -> Iterator[Finding]:
    """Whether each `ca_file` that a grant in force names, or a provider of it, can be used and is nobody else's."""
    judge = _judge(patient)
    grants = patient.policy().current().in_force
    reached = [grant.reaching(provider) for grant in grants for provider in grant.open_providers]
    named = {grant.ca_file: grant for grant in (*grants, *reached) if grant.ca_file is not None}
    for path, grant in named.items():
        try:
            judge.check_authorities(grant)
        except StreamError as error:
            yield fail("ca_file", f"{path}: {error.reason}", "do what it says, and see that the file is still yours")
            continue
        yield ok("ca_file", f"{path} can be used, and be replaced by nobody else")


def _judge(patient: Patient) -> Judge:
    environ = {os.fsencode(name): os.fsencode(value) for name, value in patient.environ.items()}
    return Judge(patient.policy().current(), Suspensions(), SecretReader(environ=lambda: environ))


def _unavailable(source: SecretSource, error: SecretUnavailable) -> Finding:
    missing = error.problem is SecretProblem.MISSING
    if source.kind == "env":
        # The browser may have been started with it although this shell was not: no more than a warning.
        what = f"{source.describe()} is not set here" if missing else error.reason
        fix = f"set {source.where} where the browser is started, or keep the secret in a file"
        return warn("secret", what, fix, doubt=True)
    if source.kind == "file" and error.problem is SecretProblem.FORBIDDEN:
        fix = (
            f"ask whoever owns {source.where} to let your group read it (`longwire secret set {source.name} --system`)"
        )
        return fail("secret", error.reason, fix)
    if source.kind == "file" and not missing:
        return fail("secret", error.reason, f"put the secret into {source.where}, readable by this user alone")
    if source.kind == "command":
        return fail("secret", error.reason, f"run {source.place} by hand, as the policy has it, and mend what it says")
    elsewhere = "another place" if source.kind == "file" else "a file"
    fix = f"run `longwire secret set {source.name}`, which asks for it, or name {elsewhere} in the policy"
    return fail("secret", error.reason, fix)
