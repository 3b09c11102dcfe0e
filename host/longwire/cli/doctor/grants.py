"""Longwire's own policy file, and the files and secrets that it refers to. Values are read, and never shown."""

import os
from collections.abc import Iterator

from longwire.cli.doctor.finding import Finding, fail, ok, warn
from longwire.cli.doctor.patient import Patient
from longwire.policy import SecretReader, SecretSource
from longwire.policy.ca_files import check_ca_file
from longwire.protocol.errors import StreamError
from longwire.protocol.parts import PolicyState


def check_policy(patient: Patient) -> Iterator[Finding]:
    """Whether the policy can be used."""
    store = patient.policy()
    policy = store.current()
    if policy.state is PolicyState.MISSING:
        where = store.locations.user
        yield warn(
            "policy", "there is no policy file, so nothing is open", f"write {where}; `longwire install` shows one"
        )
    for problem in policy.problems:
        yield fail("policy", str(problem), f"mend {problem.path}; `longwire policy validate` checks it")
    for warning in policy.warnings:
        yield warn("policy", str(warning), f"look at {warning.path}")
    if policy.state is PolicyState.OK and not policy.warnings:
        enabled = sum(grant.enabled for grant in policy.grants)
        yield ok("policy", f"{', '.join(map(str, policy.files))}: grants in force: {enabled}")


def check_secrets(patient: Patient) -> Iterator[Finding]:
    """Whether each secret that a grant in force injects can be had."""
    environ = {os.fsencode(name): os.fsencode(value) for name, value in patient.environ.items()}
    reader = SecretReader(environ=lambda: environ)
    grants = [grant for grant in patient.policy().current().grants if grant.enabled]
    for source in dict.fromkeys(source for grant in grants for source in grant.secrets):
        try:
            reader.read(source)
        except StreamError as error:
            yield _unavailable(source, error)
            continue
        if source.kind == "env":
            yield ok("secret", f"{source.describe()} is set here; the browser must be started with it too")
        else:
            yield ok("secret", f"{source.describe()} can be read")


def check_ca_files(patient: Patient) -> Iterator[Finding]:
    """Whether each `ca_file` that a grant in force names is there, and can be replaced by nobody else."""
    grants = [grant for grant in patient.policy().current().grants if grant.enabled]
    for path in dict.fromkeys(grant.ca_file for grant in grants if grant.ca_file is not None):
        if not os.access(path, os.R_OK):
            yield fail("ca_file", f"{path} cannot be read", "put the authorities there, or take it out of the grant")
            continue
        try:
            check_ca_file(path)
        except StreamError as error:
            yield fail("ca_file", f"{path}: {error.reason}", "do what it says, and see that the file is still yours")
            continue
        yield ok("ca_file", f"{path} can be replaced by nobody else")


def _unavailable(source: SecretSource, error: StreamError) -> Finding:
    if source.kind == "env":
        # The browser may have been started with it although this shell was not: no more than a warning.
        what = f"{source.describe()} is not set here" if "is not set" in error.reason else error.reason
        return warn("secret", what, f"set {source.where} where the browser is started, or keep the secret in a file")
    if source.kind == "file":
        return fail("secret", error.reason, f"put the secret into {source.where}, readable by this user alone")
    return fail("secret", error.reason, f"run `longwire secret set {source.where}`, or name a file in the policy")
