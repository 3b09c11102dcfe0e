"""What happens when. Silences, sizes and phases shrink with the minutes; a word says so."""

from dataclasses import dataclass
from typing import Final

from longwire.protocol.limits import HEADER_TIMEOUT_MS, LINGER_MS, MIB

SILENT_S: Final = 31 * 60.0
LATE_S: Final = 5 * 60.0
DOWNLOAD_BYTES: Final = 10 * 1024 * MIB
# What 10 GiB take in three quarters of an hour.
DOWNLOAD_RATE: Final = 4_200_000
# The worker lets the host go after its linger; the browser stops an idle worker after 30 s, and ends its process.
IDLE_S: Final = LINGER_MS / 1000 + 30 + 40
WARM_UP_S: Final = 600.0
_CLOSING_S: Final = 45.0


@dataclass(frozen=True)
class Plan:
    """Durations in seconds. `idles` is how often the tabs do nothing until worker and host may end."""

    total: float
    opening: float
    idles: int
    long: float
    download: float
    quiet: float
    silent: float
    late: float
    download_bytes: int
    warm_up: float
    sample: float
    words: tuple[str, ...]


def plan_for(minutes: float) -> Plan:
    """The plan of a run of that many minutes, at least two."""
    total = max(120.0, minutes * 60)
    idles = 2 if total >= 900 else 1 if total >= 360 else 0
    opening = max(25.0, 0.04 * total)
    long = total - opening - idles * IDLE_S - _CLOSING_S
    download = 0.82 * long
    quiet = min(max(40.0, 0.06 * long), 0.15 * long)
    silent = min(SILENT_S, 0.6 * long)
    # A little inside the host's own clock for the first byte, where that is shorter.
    late = min(LATE_S, 0.3 * long, HEADER_TIMEOUT_MS / 1000 - 20)
    download_bytes = int(min(DOWNLOAD_BYTES, DOWNLOAD_RATE * download)) // MIB * MIB
    words = []
    if idles == 0:
        words.append("no idle phase: under 6 minutes worker and host have no time to end")
    elif idles == 1:
        words.append("one idle phase instead of two, under 15 minutes")
    if silent < SILENT_S:
        words.append(f"the silent stream is silent for {silent:.0f} s instead of {SILENT_S:.0f} s")
    if late < LATE_S:
        words.append(f"the late first byte comes after {late:.0f} s instead of {LATE_S:.0f} s")
    if download_bytes < DOWNLOAD_BYTES:
        words.append(f"the slow download has {download_bytes // MIB} MiB instead of {DOWNLOAD_BYTES // MIB} MiB")
    warm_up = min(WARM_UP_S, 0.3 * long)
    if warm_up < WARM_UP_S:
        words.append(f"growth counts after {warm_up:.0f} s instead of {WARM_UP_S:.0f} s of a process")
    sample = min(5.0, max(1.0, total / 240))
    return Plan(
        total, opening, idles, long, download, quiet, silent, late, download_bytes, warm_up, sample, tuple(words)
    )
