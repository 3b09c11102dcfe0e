"""What a run shows: a table while it goes on, a summary at its end."""

import statistics
from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from longwire.protocol.limits import MIB
from tests.soak.judging import Finding, Rate, by_process
from tests.soak.ledger import Ledger
from tests.soak.sampling import ROLES, Sample

_SCALE: Final = {"memory": (MIB, "MiB"), "descriptors": (1, ""), "threads": (1, "")}


def progress(now: float, total: float, mode: str, samples: Sequence[Sample], ledger: Ledger) -> RenderableType:
    """The state of a run."""
    line = Table.grid(padding=(0, 1))
    line.add_row(f"{now / 60:.1f} of {total / 60:.0f} min", ProgressBar(total, min(now, total), width=40), mode)
    return Group(line, processes(samples), streams(ledger))


def processes(samples: Sequence[Sample]) -> Table:
    """The last sample of every process that is there."""
    table = Table("process", "pid", "memory", "RSS", "descriptors", "threads", "CPU", "wake-ups", box=None)
    last = max((sample.at for sample in samples), default=0.0)
    for role in ROLES:
        for (its, pid), mine in by_process(samples).items():
            if its != role or mine[-1].at != last:
                continue
            now, before = mine[-1], mine[max(0, len(mine) - 2)]
            step = now.at - before.at or 1.0
            table.add_row(
                role,
                str(pid),
                f"{now.memory / MIB:.1f} MiB",
                f"{now.rss / MIB:.0f} MiB",
                str(now.descriptors),
                str(now.threads),
                f"{100 * (now.cpu - before.cpu) / step:.1f} %",
                f"{(now.wakeups - before.wakeups) / step:.0f} /s",
            )
    return table


def streams(ledger: Ledger) -> RenderableType:
    """How many of each kind ended how."""
    table = Table("streams", "ended", "", box=None)
    for (kind, outcome), count in sorted(ledger.outcomes.items()):
        table.add_row(kind, outcome, str(count))
    words = f"{ledger.received / MIB:.0f} MiB down, {ledger.uploaded / MIB:.0f} MiB up, {ledger.reloads} reloads"
    return Group(table, Text(words), *(Text(f"✗ {text}", style="red") for text in ledger.complaints))


def slopes(found: Sequence[Finding]) -> Table:
    """Growth against its bound, where there was time to tell."""
    table = Table("process", "pid", "what", "growth per hour", "over", "bound", "", title="growth at rest")
    for finding in found:
        if finding.ok is None:
            continue
        scale, unit = _SCALE[finding.what]
        table.add_row(
            finding.role,
            str(finding.pid),
            finding.what,
            f"{finding.per_hour / scale:+.2f} {unit}",
            f"{finding.hours * 60:.0f} min",
            f"{finding.bound / scale:g} {unit}" if finding.bound else "flat",
            Text("ok", style="green") if finding.ok else Text("GROWS", style="bold red"),
        )
    return table


def usage(rates: Sequence[Rate], samples: Sequence[Sample]) -> Table:
    """What processes cost in each mode."""
    table = Table("process", "mode", "CPU", "wake-ups", "memory, median", "descriptors", "threads", title="use")
    for rate in sorted(rates, key=lambda rate: (ROLES.index(rate.role), rate.mode)):
        mine = [sample for sample in samples if (sample.role, sample.mode) == (rate.role, rate.mode)]
        table.add_row(
            rate.role,
            rate.mode,
            f"{rate.cpu_percent:.1f} %",
            f"{rate.wakeups_per_s:.1f} /s",
            f"{statistics.median(sample.memory for sample in mine) / MIB:.1f} MiB",
            f"{statistics.median(sample.descriptors for sample in mine):.0f}",
            f"{statistics.median(sample.threads for sample in mine):.0f}",
        )
    return table
