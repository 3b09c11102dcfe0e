"""`--report`: the findings as text to paste into a bug report, with nothing in it about whose machine this is."""

import platform
import re
import sys
from pathlib import Path
from typing import Final

from longwire import __version__
from longwire.audit.carriage import carriage_of
from longwire.audit.reader import LogReader
from longwire.doctor.checks.extension import browser_version
from longwire.doctor.finding import Finding
from longwire.doctor.patient import Patient

# Shorter names, and these, would be found inside ordinary words.
_MIN_NAME_CHARS: Final = 3
_NOBODY: Final = frozenset({"root", "user", "home", "admin", "administrator"})
_URL: Final = re.compile(r"\b(https?)://([^\s/?#\"'`,;]+)[^\s\"'`,;]*")


def report_text(patient: Patient, findings: list[Finding]) -> str:
    """The report: versions, how bodies were carried as far as the log goes back, then findings and their fixes."""
    lines = [
        f"Longwire {__version__}, Python {platform.python_version()}, {sys.platform} {platform.release()}",
        *(f"{title}: version {version}" for title, version in _browsers(patient)),
        *_carriage(patient),
        "",
    ]
    for finding in findings:
        subject = f" ({finding.subject})" if finding.subject else ""
        lines.append(f"{finding.state:<4}  {finding.check}{subject}: {finding.what}")
        if finding.fix:
            lines.append(f"      fix: {finding.fix}")
    return redact("\n".join(lines), patient.here.home, patient.here.user, platform.node())


def redact(text: str, home: str, user: str, machine: str = "") -> str:
    """`text` without the home folder's path, the user's and the machine's name, and of URLs only the origin."""
    text = _URL.sub(
        lambda match: f"{match[1]}://{match[2].rpartition('@')[2]}/…" if _has_more(match) else match[0], text
    )
    for folder in {home, str(Path(home).resolve())} - {"/", ""}:
        text = re.sub(rf"{re.escape(folder)}(?![\w.-])", "~", text)
    for name, instead in ((user, "USER"), (machine, "MACHINE")):
        if len(name) >= _MIN_NAME_CHARS and name.lower() not in _NOBODY:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", instead, text)
    return text


def _has_more(match: "re.Match[str]") -> bool:
    return "@" in match[2] or len(match[0]) > len(f"{match[1]}://{match[2]}/")


def _carriage(patient: Patient) -> list[str]:
    carriage = carriage_of(LogReader(patient.logs).read())
    return [] if carriage is None else [f"carried: {carriage.describe()}"]


def _browsers(patient: Patient) -> list[tuple[str, str]]:
    profiles = [(browser.title, browser.profile) for browser in patient.browsers]
    if patient.profile is not None:
        profiles = [("this profile", patient.profile)]
    return [(title, version) for title, profile in profiles if (version := browser_version(profile))]
