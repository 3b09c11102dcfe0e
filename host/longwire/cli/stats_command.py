"""`longwire stats`."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from longwire.audit.files import log_folder
from longwire.audit.log_lines import log_lines
from longwire.console.errors import MisuseError
from longwire.console.figures import share
from longwire.console.output import complain, say_json
from longwire.console.progress import Progress
from longwire.console.stats_screen import say_stats
from longwire.policy.units import duration_text, parse_duration
from longwire.stats.counting import BY, By, Counting
from longwire.stats.told import as_json as stats_json
from longwire.stats.told import as_prometheus

_FINDING: Final = 1


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(stats)


def stats(
    *,
    since: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How far back, as in 30m, 1h, 24h; else all of the log.")
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="WHAT", help=f"Also for each {', '.join(BY)}.")] = None,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    prometheus: Annotated[bool, typer.Option("--prometheus", help="In the text format of Prometheus.")] = False,
    fail_over: Annotated[
        str | None, typer.Option(metavar="PERCENT", help="Exit code 1 if more of the streams failed, as in 5%.")
    ] = None,
) -> None:
    """Add up the log: streams, times, errors, tokens.

    Of all hosts of this user. The log keeps the last hundred megabytes. What the policy refused counts as refused, not
    as failed.
    """
    if json and prometheus:
        raise MisuseError("--json and --prometheus are two formats", "write one of them")
    grouping = _grouping(by)
    most = None if fail_over is None else _share(fail_over)
    since_ms = None if since is None else _duration(since)
    start = None if since_ms is None else datetime.now(UTC) - timedelta(milliseconds=since_ms)
    progress = Progress()
    counting = Counting(grouping).take_all(log_lines(log_folder(), start, progress.told))
    progress.over()
    if json:
        say_json(stats_json(counting, since_ms))
    elif prometheus:
        sys.stdout.write(as_prometheus(counting))
    elif not counting.total.streams:
        complain(f"no stream ended{'' if since_ms is None else f' in the last {duration_text(since_ms)}'}")
    else:
        say_stats(counting, "in all of the log" if since_ms is None else f"in the last {duration_text(since_ms)}")
    total = counting.total
    if most is not None and total.failed_share > most:
        complain(f"longwire: {share(total.failed_share)} of the streams failed, more than {share(most)}")
        raise typer.Exit(_FINDING)


def _grouping(text: str | None) -> By | None:
    if text is None:
        return None
    found = next((by for by in BY if by == text), None)
    if found is None:
        raise MisuseError(f'streams are not told apart by "{text}"', f"write one of {', '.join(BY)}")
    return found


def _duration(text: str) -> int:
    try:
        milliseconds = parse_duration(text)
        datetime.now(UTC) - timedelta(milliseconds=milliseconds)
    except (ValueError, OverflowError):
        raise MisuseError(f'"{text}" is no duration', "write --since 30m, 1h or 24h") from None
    return milliseconds


def _share(text: str) -> float:
    try:
        percent = float(text.strip().removesuffix("%"))
    except ValueError:
        percent = -1
    if not 0 <= percent <= 100:
        raise MisuseError(f'"{text}" is no share of the streams', "write --fail-over 5%, from 0% to 100%")
    return percent / 100
