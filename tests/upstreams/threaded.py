"""A server in a thread with a loop of its own, for tests whose client is another process."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.patience import PATIENCE_S
from tests.upstreams.server import Server

T = TypeVar("T")


class ThreadedServer:
    """Runs `make()`'s server in a thread; a context manager.

    Counters of `server` may be read directly. Anything that waits goes through `run`:

        with ThreadedServer(lambda: Server(app.routes)) as threaded:
            threaded.run(lambda: threaded.server.connections[0].wait_gone())
    """

    def __init__(self, make: Callable[[], Server]) -> None:
        self._make = make
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="test-upstream", daemon=True)
        self.server: Server

    def url(self, target: str = "/") -> str:
        """The absolute URL of `target` on the server."""
        return self.server.url(target)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], timeout_s: float = 2 * PATIENCE_S) -> T:
        """Run `work()` in the server's loop and give its result."""
        return asyncio.run_coroutine_threadsafe(_started(work), self._loop).result(timeout_s)

    def __enter__(self) -> Self:
        self._thread.start()

        async def start() -> Server:
            server = self._make()
            await server.start()
            return server

        self.server = self.run(start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self.server.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _started(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    # `work` itself is called in the loop, so that it may make events and tasks.
    return await work()
