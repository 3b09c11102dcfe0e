"""Runs the targets in turn. Every input has its own seed, so that a finding can be run again by itself."""

import argparse
import random
from collections import Counter

from tests.fuzz.targets import TARGETS


def run(count: int, seed: int, first: int = 0) -> tuple[Counter[tuple[str, str]], list[str]]:
    """`count` inputs per target. Gives how often each outcome came, and the findings."""
    outcomes: Counter[tuple[str, str]] = Counter()
    findings: list[str] = []
    for name, target in TARGETS.items():
        for index in range(first, first + count):
            try:
                outcomes[name, target(random.Random(f"{seed}:{name}:{index}"))] += 1
            except Exception as error:  # noqa: BLE001  (whatever it is, it is a finding)
                findings.append(f"{name}, --seed {seed} --first {index}: {type(error).__name__}: {error}"[:300])
    return outcomes, findings


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns 1 if there was any finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=200_000, help="inputs per target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="index of the first input")
    options = parser.parse_args(arguments)
    outcomes, findings = run(options.count, options.seed, options.first)
    for (name, outcome), number in sorted(outcomes.items()):
        print(f"{name:<14} {outcome:<14} {number:>9,}")
    for finding in findings[:20]:
        print(finding)
    print(f"{len(findings)} findings")
    return 1 if findings else 0
