"""Findings for a person: a table with colours on a console that has them, plain lines anywhere else."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.text import Text

from longwire.console.output import print_hanging, say
from longwire.doctor.finding import Finding, State, worst

_STYLES: Final = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red"}
_SLOW_S: Final = 1.0


def show(findings: list[Finding], home: str) -> None:
    """The table in the order of the checks, and one line that sums up. On a console `home` is `~`, for short lines."""
    if sys.stdout.isatty():
        console = Console(highlight=False)
        _show_findings(console, findings, home)
        say()
        console.print(Text(summary(findings), _STYLES[worst(findings)]))
        return
    for finding in findings:
        say(f"{finding.state:<4}  {finding.check}{_of(finding)}: {finding.what}")
        if finding.fix:
            say(f"      fix: {finding.fix}")
    say(summary(findings))


def summary(findings: list[Finding]) -> str:
    """All in one line."""
    failed = sum(finding.state is State.FAIL for finding in findings)
    warned = sum(finding.state is State.WARN for finding in findings)
    mendable = any(finding.fixable for finding in findings if finding.state is not State.OK)
    if not failed and not warned:
        return "All is well."
    counts = [f"{failed} broken" if failed else "", f"{warned} to look at" if warned else ""]
    doubt = any(finding.doubt for finding in findings)
    works = "." if failed else ": until then Longwire may not work." if doubt else "; Longwire works."
    text = ", ".join(filter(None, counts)) + works
    return text + (" `longwire doctor --fix` mends what it can." if mendable else "")


@contextmanager
def progress(title: str) -> Iterator[None]:
    """Say what is being done, once it has taken a second, on a console."""
    if not sys.stderr.isatty():
        yield
        return
    status = Console(stderr=True, highlight=False).status(f"{title} …")
    timer = threading.Timer(_SLOW_S, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # it may be starting the status just now
        status.stop()


def _show_findings(console: Console, findings: list[Finding], home: str) -> None:
    state_chars = max(len(finding.state) for finding in findings) + 2
    check_chars = max(len(finding.check) for finding in findings) + 2
    for finding in findings:
        head = Text.assemble(
            (f"{finding.state:<{state_chars}}", _STYLES[finding.state]), f"{finding.check:<{check_chars}}"
        )
        subject = f"{finding.subject}: " if finding.subject else ""
        print_hanging(console, head, Text(_short(subject + finding.what, home)))
        if finding.fix:
            fix = Text.assemble(("fix: ", "bold"), _short(finding.fix, home))
            print_hanging(console, Text(" " * len(head)), fix)


def _short(text: str, home: str) -> str:
    return text.replace(f"{home}/", "~/") if len(home) > 1 else text


def _of(finding: Finding) -> str:
    return f" ({finding.subject})" if finding.subject else ""
