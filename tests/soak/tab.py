"""A page that takes orders from its own server and reports by itself: nobody attaches a debugger to it."""

import asyncio
import itertools
import json
from typing import Any, TypeAlias

from tests.e2e.bare import give_next
from tests.upstreams import bodies
from tests.upstreams.connection import Request

Order: TypeAlias = dict[str, Any]
Report: TypeAlias = dict[str, Any]
# A start of the browser and of the extension on a busy machine, with room.
LOADS_WITHIN_S = 60.0


class Tab:
    """One page. Made and used in the servers' loop."""

    _ids = itertools.count(1)

    def __init__(self, name: str) -> None:
        self.name = name
        self._orders: asyncio.Queue[Order] = asyncio.Queue()
        self._reports: dict[int, asyncio.Future[Report]] = {}
        self._loaded = asyncio.Event()
        self.visibility = "unknown"

    async def loaded(self) -> None:
        """Wait until the page is there and has `longwire`."""
        await asyncio.wait_for(self._loaded.wait(), LOADS_WITHIN_S)

    def begin(self, order: Order) -> "asyncio.Future[Report]":
        """Have the page do it; the result is its report."""
        number = next(self._ids)
        report: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        self._reports[number] = report
        self._orders.put_nowait({**order, "id": number})
        return report

    def open(self, url: str) -> None:
        """Have the page open another tab."""
        self._orders.put_nowait({"open": url})

    async def reload(self) -> None:
        """Load the page anew, with whatever it is doing: that will never be reported."""
        self._loaded.clear()
        self._orders.put_nowait({"reload": True})
        await self.loaded()
        for report in self._reports.values():
            report.cancel()
        self._reports.clear()

    async def take_hello(self, request: Request) -> None:
        """`/hello`: a document is there."""
        self.visibility = json.loads(await request.body())["visible"]
        self._loaded.set()
        await bodies.respond(request.connection, b"")

    async def give_order(self, request: Request) -> None:
        """`/order`: the next thing to do, when there is one."""
        await give_next(request, self._orders, lambda order: json.dumps(order).encode())

    async def take_report(self, request: Request) -> None:
        """`/report`: how one order ended."""
        report = json.loads(await request.body())
        waiting = self._reports.pop(report["id"], None)
        if waiting is not None and not waiting.done():
            waiting.set_result(report)
        await bodies.respond(request.connection, b"")
