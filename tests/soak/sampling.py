"""What the processes of a browser use, from /proc."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

import psutil

from longwire.assets import extension_id

Role: TypeAlias = Literal["host", "worker", "page", "browser"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
KIB: Final = 1024


@dataclass(frozen=True)
class Sample:
    """One process at one time.

    `memory` is its own: the proportional share of anonymous and shared memory, in bytes. Pages of files are left out:
    how many of a program's are resident depends on who else runs it. `rss` has them. `cpu` (seconds) and `wakeups`
    (voluntary context switches of all threads) count from the start of the process. `streams` is how many the load has
    under way, each of which has a socket in the host.
    """

    at: float
    mode: str
    streams: int
    role: Role
    pid: int
    rss: int
    memory: int
    descriptors: int
    threads: int
    cpu: float
    wakeups: int

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def role_of(arguments: list[str], *, is_root: bool) -> Role | None:
    """What a process of a browser is, by its command line; None for what carries nothing of ours."""
    if f"chrome-extension://{extension_id()}/" in arguments:
        return "host"
    if is_root:
        return "browser"
    if "--type=renderer" in arguments:
        return "worker" if "--extension-process" in arguments else "page"
    return None


class Sampler:
    """Samples a browser's processes. `samples` grows."""

    def __init__(self, root: psutil.Process) -> None:
        self.root = root
        self._roles: dict[tuple[int, float], Role | None] = {}
        # Switches of each thread when last seen: those of a thread that has ended stay counted.
        self._switches: dict[int, dict[int, int]] = {}
        self.samples: list[Sample] = []

    def alive(self, role: Role) -> list[psutil.Process]:
        """The processes of that role now."""
        return [process for process, its in self._processes() if its == role]

    def take(self, at: float, mode: str, streams: int = 0) -> list[Sample]:
        """One sample of every process that counts."""
        taken = []
        for process, role in self._processes():
            try:
                taken.append(self._sample(process, role, at, mode, streams))
            except (psutil.Error, OSError):
                continue  # it ended while we looked
        self.samples += taken
        return taken

    def _processes(self) -> list[tuple[psutil.Process, Role]]:
        found = []
        for process in self._tree():
            try:
                key = (process.pid, process.create_time())
                # A launcher that has not become the host yet, a zygote's child before its name: looked at again.
                if self._roles.get(key) is None:
                    self._roles[key] = role_of(process.cmdline(), is_root=process == self.root)
            except psutil.Error:
                continue
            role = self._roles[key]
            if role is not None and is_alive(process):
                found.append((process, role))
        return found

    def _tree(self) -> list[psutil.Process]:
        try:
            return [self.root, *self.root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []  # the browser ended

    def _sample(self, process: psutil.Process, role: Role, at: float, mode: str, streams: int) -> Sample:
        folder = Path("/proc") / str(process.pid)
        memory = memory_of(folder / "smaps_rollup")
        times = process.cpu_times()
        return Sample(
            at=round(at, 2),
            mode=mode,
            streams=streams,
            role=role,
            pid=process.pid,
            rss=memory["Rss"],
            memory=memory["Pss_Anon"] + memory["Pss_Shmem"],
            descriptors=len(list((folder / "fd").iterdir())),
            threads=len(list((folder / "task").iterdir())),
            cpu=round(times.user + times.system, 2),
            wakeups=self._wakeups(process.pid, folder / "task"),
        )

    def _wakeups(self, pid: int, tasks: Path) -> int:
        switches = self._switches.setdefault(pid, {})
        for task in tasks.iterdir():
            try:
                lines = (task / "status").read_text().splitlines()
            except OSError:
                continue  # a thread that ended while we looked
            (count,) = [line.split()[1] for line in lines if line.startswith("voluntary_ctxt_switches:")]
            switches[int(task.name)] = int(count)
        return sum(switches.values())


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; what nobody has waited for yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def memory_of(rollup: Path) -> dict[str, int]:
    """The fields of `smaps_rollup`, in bytes."""
    fields = {}
    for line in rollup.read_text().splitlines()[1:]:
        name, value, *_ = line.replace(":", " ").split()
        fields[name] = int(value) * KIB
    return fields
