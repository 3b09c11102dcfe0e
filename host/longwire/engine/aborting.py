"""Where a socket is closed on abort, and what waits for that.

An abort cancels the exchange's task. While its kind still opens a socket, that call closes it when it is cancelled;
from then on `closed_in_any_case` does. The connection says STREAM_ABORTED when the task is gone, and not before. What
the same page starts meanwhile waits until then: it finds its grant's place free.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

import anyio
import anyio.lowlevel

from longwire.engine.exchange import Exchange


class Closable(Protocol):
    """What has a socket."""

    async def aclose(self) -> None:
        """Close it at once, unless what was to come by it has come whole."""
        ...


def closed_in_any_case(holder: Closable) -> AbstractAsyncContextManager[None]:
    """`holder` is closed at the end of the block, however that ends. No cancellation stops that."""
    return _Closing(holder)


class _Closing:
    # No generator: each stream would hold one.
    __slots__ = ("_holder",)

    def __init__(self, holder: Closable) -> None:
        self._holder = holder

    async def __aenter__(self) -> None:
        try:
            # An abort in the very turn of the loop that brought the holder found nothing left to cancel.
            await anyio.lowlevel.checkpoint_if_cancelled()
        except BaseException:
            await self.__aexit__()
            raise

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._holder.aclose()


class Aborting:
    """Of one connection: the exchanges that each page aborted and whose socket is not closed yet."""

    def __init__(self) -> None:
        self._of_page: dict[str, dict[Exchange, None]] = {}

    def abort(self, exchange: Exchange, reason: str) -> None:
        """Have its socket closed."""
        self._of_page.setdefault(exchange.asker, {})[exchange] = None
        exchange.abort(reason)

    def before(self, exchange: Exchange) -> list[Exchange]:
        """Those that it has to wait for, which is about to begin."""
        return list(self._of_page.get(exchange.asker, ()))

    def over(self, exchange: Exchange) -> None:
        """Its socket is closed, whether it was aborted or not."""
        if of_page := self._of_page.get(exchange.asker):
            of_page.pop(exchange, None)
            if not of_page:
                del self._of_page[exchange.asker]
