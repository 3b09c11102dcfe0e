"""`longwire doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from longwire import __version__
from longwire.cli.install_commands import ProfileOption
from longwire.console.errors import MisuseError
from longwire.console.output import complain, say, say_json
from longwire.doctor.finding import State, worst
from longwire.doctor.patient import Patient
from longwire.doctor.report import report_text
from longwire.doctor.runner import examine, mend
from longwire.doctor.screen import progress, show

_FINDING = 1


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(doctor)


def doctor(
    *,
    user_data_dir: ProfileOption = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended, then look again.")] = False,
    network: Annotated[bool, typer.Option("--network", help="Connect to each granted destination too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    report: Annotated[bool, typer.Option("--report", help="To paste into a bug report, redacted.")] = False,
) -> None:
    """Name what is wrong, and how to mend it.

    The host is started as a browser does it, and every file, mode, policy and secret is looked at. Exit code 1:
    something is broken.
    """
    if as_json and report:
        raise MisuseError("--json and --report exclude each other", "give one of them")
    patient = Patient.find(_known(user_data_dir))
    findings = examine(patient, progress, network=network)
    if fix:
        done, failed = mend(findings)
        for what in done:
            complain(f"mended: {what}")
        for error in failed:
            complain(f"not mended: {error.message}\n  fix: {error.fix}")
        if done:
            findings = examine(Patient.find(patient.profile), progress, network=network)
    if as_json:
        healthy = worst(findings) is not State.FAIL
        say_json({"version": __version__, "healthy": healthy, "findings": [each.to_json() for each in findings]})
    elif report:
        say(report_text(patient, findings))
    else:
        show(findings, patient.here.home)
    if worst(findings) is State.FAIL:
        raise typer.Exit(_FINDING)


def _known(profile: Path | None) -> Path | None:
    if profile is not None and not profile.is_dir():
        raise MisuseError(f"there is no folder {profile}", "name a profile as it is given to the browser")
    return profile
