"""`longwire durable list|forget|stop`: the requests that outlive their pages, and the daemon that carries them out."""

import os
from datetime import datetime
from typing import Annotated, Final

import typer

from longwire.audit.processors import without_query
from longwire.cli.daemon_ending import end_daemons
from longwire.cli.durable_listing import believed, listing, matching
from longwire.console.errors import CommandError
from longwire.console.output import complain, say, say_json, say_table
from longwire.daemon.client import NoDaemonThere, ask_at, statuses
from longwire.durable.listing import ListedRequest, short
from longwire.durable.record_files import Unreadable
from longwire.durable.store import Store, StoreUnusable
from longwire.folders import durable_folder
from longwire.protocol.errors import printable

app = typer.Typer(help="Requests that outlive their pages: list, forget, stop.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]

# A request is aborted, and its bytes are deleted, before the daemon answers.
_FORGET_PATIENCE_S: Final = 20.0
_COLUMNS: Final = ("id", "page", "key", "request", "state", "bytes", "started", "ended")
_FINDING: Final = 1


@app.command(name="list")
def list_(*, as_json: JsonOption = False) -> None:
    """List this user's durable requests, of all pages.

    Those of every browser and profile. Exit code 1: there are some that cannot be read.
    """
    there = listing()
    if as_json:
        unreadable = [{"id": each.id, "why": each.why, "problem": each.text, "fix": _fix(each)} for each in there[1]]
        requests = [each.told() for each in there.requests]
        say_json({"daemon": there.daemon, "requests": requests, "unreadable": unreadable})
    elif there.requests:
        say_table(_COLUMNS, [_cells(each) for each in there.requests])
    elif not there.unreadable:
        say(f"nothing is durable{'' if there.daemon else ', and no daemon runs'}")
    for each in there.unreadable if not as_json else ():
        complain(f"problem    {each.text}\n  fix: {_fix(each)}")
    if there.unreadable:
        raise typer.Exit(_FINDING)


@app.command()
def forget(
    named: Annotated[str, typer.Argument(metavar="KEY-OR-ID", help="As `longwire durable list` has it.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Delete a request with all that it received.

    If it still runs, it is aborted. Its key is free then.
    """
    found = matching(listing(), named)
    if isinstance(found, Unreadable) and found.why == "newer":
        raise CommandError(found.text, _fix(found))
    there = _forget(found.id)
    if not there:
        raise CommandError(f'there is no durable request "{named}" any more', "`longwire durable list` has the others")
    if as_json:
        say_json({"forgotten": found.id})
    elif isinstance(found, Unreadable):
        say(f"forgotten  {short(found.id)}, whatever it was")
    else:
        aborted = ", which was running and is aborted" if found.state == "running" else ""
        say(f'forgotten  "{printable(found.key)}" of {printable(found.origin)}: {_request(found)}{aborted}')


@app.command()
def stop(
    *,
    force: Annotated[bool, typer.Option("--force", help="Even if requests are running.")] = False,
    as_json: JsonOption = False,
) -> None:
    """End the daemon. A page's next request starts a new one.

    Daemons of an earlier version end, too. What is running was then perhaps carried out and perhaps not: its pages
    are told DURABLE_UNKNOWN. So it takes --force. What has ended is kept.
    """
    with believed():
        found = statuses()
    running = sum(int(status.get("running", 0)) for _, status in found)
    if running and not force:
        raise CommandError(
            f"durable requests that are running: {running}; nobody would know whether they were carried out",
            "wait for the end, `longwire durable forget` each, or use --force",
        )
    pids = end_daemons(found)
    if as_json:
        say_json({"stopped": pids, "unknown": running})
        return
    for pid in pids:
        say(f"stopped    process {pid}")
    if running:
        say(f"unknown    durable requests that were running: {running}")
    if not pids:
        say("no daemon runs")


def _forget(key_id: str) -> bool:
    """By the daemon that has it, which may be an earlier one; where none runs, on the disk. False: it is gone."""
    with believed():
        daemons = statuses()
    refused = ""
    for path, _ in daemons:
        try:
            with believed():
                answer = ask_at(path, {"do": "forget", "id": key_id}, _FORGET_PATIENCE_S)
        except NoDaemonThere:
            continue
        if answer.get("forgot"):
            return True
        refused = refused or str(answer.get("error", ""))
    if refused:
        raise CommandError(refused, "try again; `longwire logs` has what the daemon did")
    return False if daemons else _forget_on_disk(key_id)


def _forget_on_disk(key_id: str) -> bool:
    try:
        store = Store(durable_folder(), f"command-{os.getpid()}")
        try:
            return store.delete(key_id)
        finally:
            store.close()
    except StoreUnusable as unusable:
        raise CommandError(unusable.text, unusable.fix) from None


def _fix(unreadable: Unreadable) -> str:
    if unreadable.why == "newer":
        return "use the version of Longwire that wrote it, or a later one"
    return f"what it was of cannot be known: longwire durable forget {short(unreadable.id)}"


def _cells(each: ListedRequest) -> tuple[str, ...]:
    ended = "-" if each.ended_ms is None else _local(each.ended_ms)
    page, key = printable(each.origin), printable(each.key)
    return (short(each.id), page, key, _request(each), _state(each), _size(each), _local(each.started_ms), ended)


def _request(each: ListedRequest) -> str:
    return printable(f"{each.method} {without_query(each.url)}")


def _state(each: ListedRequest) -> str:
    if each.elsewhere:
        return f"{each.state} in an earlier daemon"
    if each.state == "running":
        return f"running, {each.readers} reader{'' if each.readers == 1 else 's'}"
    return f"{each.state}: {each.error.code}" if each.error else each.state


def _size(each: ListedRequest) -> str:
    if each.elsewhere:
        return "-"
    return f"{each.bytes:,}, kept from {each.first:,} on" if each.first else f"{each.bytes:,}"


def _local(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
