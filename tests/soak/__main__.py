"""`python -m tests.soak --minutes 10 --out build/soak [--json]`: the run. Exit code 0 if every promise held, else 1."""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from tests.e2e.bare import bare_browser
from tests.host_process import write_policy
from tests.soak import screen
from tests.soak.judging import Finding, Rate, by_process, findings, rates
from tests.soak.ledger import Ledger
from tests.soak.load import Load
from tests.soak.plan import Plan, plan_for
from tests.soak.plot import plot
from tests.soak.sampling import Sampler
from tests.soak.servers import Servers

# Where nobody looks at a terminal, a line so often.
_LINE_EVERY_S = 60.0

# A secret is injected, as a model's key would be: so every byte passes the guard.
POLICY = """\
version = 1

[[grant]]
name = "soak"
pages = ["http://localhost:*", "http://127.0.0.1:*"]
destinations = ["{destination}"]
methods = ["GET", "POST"]
network = "loopback"
inject = {{ Authorization = "Bearer {{secret:soak}}" }}

[secret.soak]
file = "{secret}"
"""


@dataclass
class Run:
    """What came of it."""

    plan: Plan
    ledger: Ledger
    load: Load
    sampler: Sampler
    found: list[Finding] = field(default_factory=list)
    used: list[Rate] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every stream ended as it must and nothing grew."""
        return not self.ledger.complaints and all(finding.ok is not False for finding in self.found)

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "ok": self.ok,
            "plan": asdict(self.plan),
            **self.ledger.as_dict(),
            "ended_after_s": self.load.ends,
            "growth": [finding.as_dict() for finding in self.found],
            "use": [asdict(rate) for rate in self.used],
            "phases": [asdict(phase) for phase in self.load.phases],
            "moments": self.load.moments,
        }


async def soak(plan: Plan, home: Path, out: Path, console: Console) -> Run:
    """Start everything, run the load, sample beside it, judge."""
    ledger = Ledger()
    async with Servers.running() as servers:
        secret = home / "secret"
        # By chance, as a key is: the guard ends what says a part of it, and bodies here count and spell the alphabet.
        secret.write_text(f"sk-{secrets.token_urlsafe(32)}")
        secret.chmod(0o600)
        write_policy(home, POLICY.format(destination=servers.url("/"), secret=secret))
        # A headless Chromium opens one page; that one opens the other.
        with bare_browser(home, servers.page(servers.long), arguments=["--disable-popup-blocking"]) as browser:
            sampler = Sampler(browser.process)
            load = Load(plan, servers, ledger, sampler)
            run = asyncio.create_task(load.run())
            watching = asyncio.create_task(watch(load, sampler, plan, ledger, out, console))
            await asyncio.wait({run, watching}, return_when=asyncio.FIRST_COMPLETED)
            watching.cancel()
            run.cancel()
            for ended in await asyncio.gather(run, watching, return_exceptions=True):
                # What was seen until then is worth a report.
                if isinstance(ended, Exception):
                    ledger.complain(f"the run broke off after {load.now:.0f} s: {ended!r}")
    found = findings(sampler.samples, plan.warm_up)
    return Run(plan, ledger, load, sampler, found, rates(sampler.samples))


async def watch(load: Load, sampler: Sampler, plan: Plan, ledger: Ledger, out: Path, console: Console) -> None:
    """Sample and show, until cancelled. Samples are written as they come."""
    line_at = 0.0
    with (
        Live(console=console, auto_refresh=False, transient=True) as live,
        (out / "samples.jsonl").open("w", buffering=1) as file,
    ):
        while True:
            for sample in sampler.take(load.now, load.mode, load.streams):
                file.write(json.dumps(sample.as_dict()) + "\n")
            shown = screen.progress(load.now, plan.total, load.mode, sampler.samples, ledger)
            if console.is_terminal:
                live.update(shown, refresh=True)
            elif load.now >= line_at:
                line_at += _LINE_EVERY_S
                console.print(shown)
            await asyncio.sleep(plan.sample)


def write(run: Run, out: Path, title: str) -> None:
    """Picture and figures into a folder."""
    (out / "soak.svg").write_text(plot(run.sampler.samples, run.load.phases, run.load.moments, title))
    (out / "summary.json").write_text(json.dumps(run.as_dict(), indent=2) + "\n")
    with (out / "summary.txt").open("w") as file:
        report(run, Console(file=file, width=110))


def report(run: Run, console: Console) -> None:
    """What came of it, in words."""
    console.print(screen.streams(run.ledger))
    console.print(screen.usage(run.used, run.sampler.samples))
    console.print(screen.slopes(run.found))
    counts = Counter(role for role, _ in by_process(run.sampler.samples))
    console.print("processes in all: " + ", ".join(f"{count} {role}" for role, count in counts.items()))
    for ended in run.load.ends:
        console.print(", ".join(f"{who} ended after {after:.1f} s" for who, after in ended.items()))
    if all(finding.ok is None for finding in run.found):
        console.print("too short to say anything about growth")
    console.print("ok: everything ended as it must, nothing grew" if run.ok else "NOT ok", style="bold")


def main() -> None:
    """Parse, run, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long, at least 2 (10)")
    parser.add_argument("--out", type=Path, default=Path("build/soak"), help="folder for picture and figures")
    parser.add_argument("--json", action="store_true", help="the summary as JSON on standard output")
    options = parser.parse_args()
    console = Console(file=sys.stderr)
    plan = plan_for(options.minutes)
    for word in plan.words:
        console.print(f"note: {word}", style="dim")
    with tempfile.TemporaryDirectory(prefix="longwire-soak-") as folder:
        options.out.mkdir(parents=True, exist_ok=True)
        run = asyncio.run(soak(plan, Path(folder), options.out, console))
    write(run, options.out, f"{plan.total / 60:.0f} minutes of everything at once")
    if options.json:
        print(json.dumps(run.as_dict(), indent=2))
    else:
        report(run, Console())
        print(f"{options.out / 'soak.svg'}")
    sys.exit(0 if run.ok else 1)


if __name__ == "__main__":
    main()
