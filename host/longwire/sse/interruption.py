"""Leave a block of one task from another one, so that what is being awaited there can still clean up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio


@asynccontextmanager
async def interruptible() -> AsyncIterator[Callable[[], None]]:
    """A block that ends, without an error, where it stands once the given function was called.

    On asyncio the block's code is cancelled once, as by `task.cancel()`: what it awaits in its `finally` is carried
    out. anyio's scopes, as trio's, cancel each await after that as well, and a connection that should go back to its
    pool is lost. On trio there is nothing else; there, such cleaning up is shielded by who writes it.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        with anyio.CancelScope() as scope:
            yield scope.cancel
        return
    limit = asyncio.timeout(None)
    over = False

    def interrupt() -> None:
        if not over and not limit.expired():
            limit.reschedule(loop.time())

    try:
        async with limit:
            try:
                yield interrupt
            finally:
                over = True
    except TimeoutError:
        if not limit.expired():
            raise
