"""`python -m tests.bench [--quick] [--only FIGURE] [--against COMMIT | --growth | --accept] [--json]`: prints figures.

Beside its figure stands a target, where there is one, and whether it is met. The exit code is 1 if any is missed, or if
this build is slower than the one that it is compared with. Each run is kept in build/bench, with plots.
"""

import argparse
import json
import sys

from rich.console import Console

from tests.bench import accept, against, growth, runs
from tests.bench.figures import exit_code
from tests.bench.machine import this_machine
from tests.bench.report import NoRunError, Run, console_of_output, show
from tests.bench.targets import judged, unmeasured

# The figures that had an option of their own before `--only`.
_OPTIONS = ("policy", "first-second", "neighbours", "generation", "sockets", "memory")


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    made = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    made.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    made.add_argument("--json", action="store_true", help="the samples too, for machines")
    made.add_argument("--only", action="append", choices=runs.names(), metavar="FIGURE", help=", ".join(runs.names()))
    for name in _OPTIONS:
        made.add_argument(f"--{name}", dest="only", action="append_const", const=name, help=f"as --only {name}")
    made.add_argument("--growth", action="store_true", help="what bytes and events cost as they become more (long)")
    made.add_argument("--accept", action="store_true", help="put the last full run into docs/performance.md")
    made.add_argument("--against", metavar="COMMIT", help="this build and another one in alternation")
    made.add_argument("--rounds", type=int, default=9, help="of a comparison, three minutes each (9)")
    made.add_argument("--reach", action="store_true", help="judge a comparison by the ratios of targets.py too")
    return made


def kind_of(options: argparse.Namespace) -> str:
    """What the run is called: `full`, `quick`, `growth`, or its figures."""
    if options.growth:
        return "growth" + ("-quick" if options.quick else "")
    return "-".join(options.only or ()) or ("quick" if options.quick else "full")


def measured(options: argparse.Namespace, console: Console) -> runs.Measured:
    """What the options ask for."""
    if options.growth:
        return growth.growth(console, quick=options.quick)
    return runs.measure(options.only or runs.everything(options.quick), console, quick=options.quick)


def compare(options: argparse.Namespace, console: Console) -> int:
    """Print how this build compares; returns the exit code."""
    try:
        found = against.against(options.against, options.rounds, console)
    except against.BenchError as error:
        console.print(str(error), style="red")
        return 2
    if options.json:
        print(json.dumps([comparison.as_dict() for comparison in found], indent=2))
    else:
        against.show(found, options.against, console_of_output())
    short = options.reach and any(comparison.reached is False for comparison in found)
    return int(short or any(comparison.slower for comparison in found))


def main() -> int:
    """Parse, measure, print; returns the exit code."""
    options = parser().parse_args()
    console = Console(file=sys.stderr)
    if options.accept:
        try:
            files = accept.accept()
        except (NoRunError, accept.AcceptError) as error:
            console.print(str(error), style="red")
            return 2
        for file in files:
            console.print(f"wrote {file}")
        return 0
    if options.against:
        return compare(options, console)
    machine = this_machine()
    console.print(machine.text, style="dim")
    found = measured(options, console)
    if kind_of(options) == "full":
        found.failures += [f"nothing is called {name}, which has a target" for name in unmeasured(found.rows)]
    run = Run(kind_of(options), machine, judged(found.rows), found.failures)
    files = run.save()
    if options.json:
        print(json.dumps(run.as_dict(), indent=2))
    else:
        show(run.rows, console_of_output())
        console.print(f"kept in {files[0]}" + (f", plots in {files[1].parent}" if files[1:] else ""), style="dim")
    for failure in run.failures:
        console.print(f"not measured: {failure}", style="red", markup=False)
    return exit_code(run.rows) or int(bool(run.failures))


if __name__ == "__main__":
    sys.exit(main())
