"""Those who answer the other side's requests."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from longwire.rpc import events as event
from longwire.rpc.core import Core
from longwire.rpc.errors import wire_error
from longwire.rpc.messages import written

# What a handler gives that does not answer this request.
PASS: Final = object()

Handler: TypeAlias = Callable[[Any], Any]

# Rounds of the loop that a request waits for the first handler: a client may ask with its very first message, and
# whoever awaits `accept` or `connect`, maybe through a task or two, has not come to name its handlers yet.
_ROUNDS_TO_MATCH: Final = 20


class Handlers:
    """Each request is a task of its own."""

    def __init__(self, core: Core, pump: Callable[[], None], *, exposed: bool) -> None:
        self._core = core
        self._pump = pump
        self._exposed = exposed
        self._handlers: list[Handler] = []
        self._running: dict[str, asyncio.Task[None]] = {}

    def add(self, handler: Handler) -> None:
        """Another one, to be asked after those before it."""
        self._handlers.append(handler)

    def take(self, request: event.Requested) -> asyncio.Task[None]:
        """Have it answered."""
        task = asyncio.create_task(self._run(request), name="rpc handler")
        if not request.notify:
            self._running[request.request_id] = task
        return task

    def cancel(self, request_id: str) -> None:
        """Nobody waits for the answer any more."""
        if request_id in self._running:
            self._running.pop(request_id).cancel()

    async def _run(self, request: event.Requested) -> None:
        answer, failure = None, None
        try:
            for _ in range(_ROUNDS_TO_MATCH):
                if self._handlers:
                    break
                await asyncio.sleep(0)
            for handler in list(self._handlers):
                given = handler(request.data)
                if inspect.isawaitable(given):
                    given = await given
                if given is not PASS:
                    answer = written(given)
                    break
        except Exception as error:  # noqa: BLE001  (told to the other side)
            failure = wire_error(error, exposed=self._exposed)
        finally:
            if request.notify:
                self._core.handled()
        if request.notify or self._running.pop(request.request_id, None) is None:
            return
        if answer is None and failure is None:
            self._core.ignore(request.request_id)
        else:
            self._core.respond(request.request_id, answer, failure)
        self._pump()
