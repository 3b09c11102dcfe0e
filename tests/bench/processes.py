"""What a browser's processes use: CPU seconds and memory, by what they do."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import psutil

from tests.bench.figures import Row
from tests.e2e.browser import Browser
from tests.soak.sampling import memory_of

Role: TypeAlias = Literal["browser", "network", "worker", "page", "host"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
_GIB: Final = 1 << 30
_MIB: Final = 1 << 20


def role_of(arguments: list[str], *, is_root: bool) -> Role | None:
    """What a process does, by its command line; None for what carries nothing.

    "worker" is every extension's process: only one of them has work at a time.
    """
    if is_root:
        return "browser"
    if "--type=renderer" in arguments:
        return "worker" if "--extension-process" in arguments else "page"
    if "--utility-sub-type=network.mojom.NetworkService" in arguments:
        return "network"
    if not any(argument.startswith("--type=") for argument in arguments) and any(
        argument.startswith("chrome-extension://") for argument in arguments
    ):
        return "host"
    return None


def cpu_seconds(browser: Browser) -> dict[Role, float]:
    """Of every role, since the processes began. Of a host that has ended nothing is left."""
    seconds: dict[Role, float] = dict.fromkeys(ROLES, 0.0)
    for process, role in _processes(browser):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        seconds[role] += times.user + times.system
    return seconds


def memory_bytes(browser: Browser) -> dict[Role, int]:
    """Of every role: the proportional share of anonymous and shared memory."""
    found: dict[Role, int] = dict.fromkeys(ROLES, 0)
    for process, role in _processes(browser):
        try:
            memory = memory_of(Path(f"/proc/{process.pid}/smaps_rollup"))
        except OSError:
            continue
        found[role] += memory["Pss_Anon"] + memory["Pss_Shmem"]
    return found


def memory_rows(name: str, peaks: dict[Role, int]) -> list[Row]:
    """A row for each role."""
    return [Row(f"memory, {name}: {role}", "MiB", [peaks[role] / _MIB]) for role in ROLES]


class Costs:
    """CPU seconds for each GiB of body, by kind of body, peer and role."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._spent: dict[tuple[str, str, Role], list[float]] = defaultdict(list)

    @contextmanager
    def of(self, kind: str, peer: str, megabytes: int) -> Iterator[None]:
        """What the block spends carries `megabytes`."""
        before = cpu_seconds(self._browser)
        yield
        after = cpu_seconds(self._browser)
        for role in ROLES:
            # A host that ended meanwhile took its count along.
            spent = max(0.0, after[role] - before[role])
            self._spent[kind, peer, role].append(spent * _GIB / (megabytes * 1e6))

    def rows(self) -> list[Row]:
        """A row for each that spent anything."""
        return [
            Row(f"CPU, {kind}, {peer}: {role}", "CPU s/GiB", samples)
            for (kind, peer, role), samples in self._spent.items()
            if max(samples) > 0.05
        ]


def _processes(browser: Browser) -> list[tuple[psutil.Process, Role]]:
    found = []
    for number, process in enumerate(browser.processes()):
        try:
            role = role_of(process.cmdline(), is_root=number == 0)
        except psutil.Error:
            continue
        if role is not None:
            found.append((process, role))
    return found
