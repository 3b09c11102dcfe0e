"""One thing to do in a page each, and how it must end."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlencode

from tests.soak.ledger import Ledger, outcome_of
from tests.soak.servers import Chain, Servers
from tests.soak.tab import Order, Report, Tab

# An end on a busy machine, beyond what a stream takes by itself.
PATIENCE_S = 60.0
RELEASED_WITHIN_S = 10.0

# What is wrong with a report, if anything.
Check: TypeAlias = Callable[[Report], str | None]


@dataclass(frozen=True)
class Task:
    """`key` is the servers' name for it, `seconds` how long it takes by itself."""

    kind: str
    key: str
    order: Order
    check: Check
    seconds: float = 0.0


class Tasks:
    """Makes tasks against the servers of a run."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._upstream = servers.upstream
        self._numbers = itertools.count(1)

    def events(self, count: int, per_second: float) -> Task:
        """An event stream, to its end."""
        key, url = self._url("events", "/events", count=count, per_second=per_second)
        return Task("events", key, {"url": url}, self._whole(key), count / per_second)

    def download(self, size: int, framing: str, per_second: float | None = None, kind: str = "download") -> Task:
        """Random bytes, to their end, at the reader's pace."""
        key, url = self._url("bytes", "/bytes", size=size, framing=framing)
        order = {"url": url, "perSecond": per_second}
        return Task(kind, key, order, self._whole(key, size), size / per_second if per_second else 0.0)

    def coded(self, coding: str, lines: int) -> Task:
        """A body in a content coding."""
        key, url = self._url("coded", "/coded", coding=coding, lines=lines)
        return Task("coded download", key, {"url": url}, self._whole(key))

    def upload(self, size: int, form: str) -> Task:
        """Random bytes out of the page."""
        key, url = self._url("take", "/take")
        order = {"url": url, "method": "POST", "upload": form, "size": size}

        def check(report: Report) -> str | None:
            taken = self._upstream.taken.get(key, Chain())
            if taken.total != size or report["sentBytes"] != size:
                return f"{report['sentBytes']} bytes given, {taken.total} taken, of {size}"
            if taken.hex != report["sentDigest"]:
                return "another digest at the server"
            return _must_be(report, "done")

        return Task("upload", key, order, check)

    def late(self, seconds: float) -> Task:
        """A first byte that lets wait."""
        key, url = self._url("late", "/late", seconds=seconds)

        def check(report: Report) -> str | None:
            if (wrong := _must_be(report, "done")) is not None:
                return wrong
            right = report["text"] == "at last" and report["headersAfterS"] >= seconds
            return None if right else f"{report['text']!r} after {report['headersAfterS']:.1f} s"

        return Task("late first byte", key, {"url": url, "text": True}, check, seconds)

    def silent(self, seconds: float) -> Task:
        """A stream that speaks, is silent, and speaks."""
        key, url = self._url("silent", "/silent", seconds=seconds)

        def check(report: Report) -> str | None:
            if (wrong := _must_be(report, "done")) is not None:
                return wrong
            right = report["text"] == "data: before\n\ndata: after\n\n" and report["seconds"] >= seconds
            return None if right else f"{report['text']!r} after {report['seconds']:.1f} s"

        return Task("silent stream", key, {"url": url, "text": True}, check, seconds)

    def aborted_in_body(self, after_bytes: int) -> Task:
        """The page's signal, in the middle of a body without end."""
        key, url = self._url("endless", "/endless")
        order = {"url": url, "abortAfterBytes": after_bytes}
        return Task("abort in the body", key, order, self._ends(key, "aborted"))

    def cancelled(self, after_bytes: int) -> Task:
        """The page breaks out of its loop."""
        key, url = self._url("endless", "/endless")
        order = {"url": url, "cancelAfterBytes": after_bytes}
        return Task("cancel in the body", key, order, self._ends(key, "cancelled"))

    def aborted_before_headers(self, after_ms: int) -> Task:
        """The page's signal, while the server thinks."""
        key, url = self._url("hold", "/hold")
        order = {"url": url, "abortAfterMs": after_ms}
        return Task("abort before headers", key, order, self._ends(key, "aborted"), after_ms / 1000)

    def aborted_upload(self, size: int, after_ms: int) -> Task:
        """The page's signal, while the server does not take the body."""
        key, url = self._url("hold", "/hold")
        order = {"url": url, "method": "POST", "upload": "stream", "size": size, "abortAfterMs": after_ms}
        return Task("abort in an upload", key, order, self._ends(key, "aborted"), after_ms / 1000)

    def fault(self, name: str, code: str) -> Task:
        """A server that breaks off."""
        key, url = self._url(name, f"/fault/{name}")
        return Task("broken server", key, {"url": url}, self._ends(key, code))

    def endless(self, kind: str) -> Task:
        """A body that only a death or a reload ends, named so."""
        key, url = self._url("endless", "/endless")
        return Task(kind, key, {"url": url, "perSecond": 1_000_000}, lambda _: None)

    def _url(self, name: str, path: str, **query: object) -> tuple[str, str]:
        key = f"{name}-{next(self._numbers)}"
        return key, self._servers.url(f"{path}?{urlencode({'key': key, **query})}")

    def _whole(self, key: str, size: int | None = None) -> Check:
        def check(report: Report) -> str | None:
            if (wrong := _must_be(report, "done")) is not None:
                return wrong
            sent = self._upstream.sent[key]
            if report["bytes"] != sent.total or (size is not None and size != sent.total):
                return f"{report['bytes']} bytes arrived, {sent.total} were sent"
            return None if report["digest"] == sent.hex else "the digest is not that of what was sent"

        return check

    def _ends(self, key: str, outcome: str) -> Check:
        return lambda report: _must_be(report, outcome)


def _must_be(report: Report, outcome: str) -> str | None:
    got = outcome_of(report)
    if got != outcome:
        return f"ended with {got} in {report['where']} ({report.get('error')}), not with {outcome}"
    return None if outcome != "done" or report["status"] == 200 else f"status {report['status']}"


async def perform(task: Task, tab: Tab, servers: Servers, ledger: Ledger) -> None:
    """Do it, enter how it ended, complain if that is not how it must."""
    try:
        report = await asyncio.wait_for(tab.begin(task.order), task.seconds + PATIENCE_S)
    except TimeoutError:
        ledger.complain(f"{task.kind} ({task.key}): no end within {task.seconds + PATIENCE_S:.0f} s")
        return
    ledger.enter(task.kind, report)
    if (wrong := task.check(report)) is not None:
        ledger.complain(f"{task.kind} ({task.key}): {wrong}")
    if not await servers.upstream.released(task.key, RELEASED_WITHIN_S):
        ledger.complain(f"{task.kind} ({task.key}): the server's side was still open after {RELEASED_WITHIN_S:.0f} s")
