"""What the figures were measured on."""

import datetime
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from tests.e2e.browser import chromium_path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Machine:
    """Never its name, nor its user's."""

    date: str
    commit: str
    cores: int
    processor: str
    memory_gib: float
    kernel: str
    python: str
    browser: str
    load: float  # before the run: of one minute

    def as_dict(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)

    @property
    def text(self) -> str:
        """For people."""
        return (
            f"{self.date}, commit {self.commit}; {self.cores} cores ({self.processor}), {self.memory_gib:.0f} GiB, "
            f"Linux {self.kernel}; {self.browser}, Python {self.python}; load before the run {self.load:.1f}"
        )


def this_machine() -> Machine:
    """As it is now."""
    return Machine(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        commit=_said("git", "describe", "--always", "--dirty", "--abbrev=10"),
        cores=len(os.sched_getaffinity(0)),
        processor=processor(Path("/proc/cpuinfo").read_text(encoding="utf-8")),
        memory_gib=psutil.virtual_memory().total / 2**30,
        kernel=platform.release(),
        python=platform.python_version(),
        browser=_said(chromium_path(), "--version").partition(" built on")[0],
        load=os.getloadavg()[0],
    )


def processor(cpuinfo: str) -> str:
    """The model's name in the text of /proc/cpuinfo; the architecture where it names none."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _said(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
