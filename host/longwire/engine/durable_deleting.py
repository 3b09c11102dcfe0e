"""Durable requests are deleted: one that is here, one that another daemon carries out, and what is left of others.

Whoever deletes holds the lock of the key. What is decided before that lock is had is decided of a claim, and not of the
key: until its turn comes another request may have the key, of which nothing was decided.
"""

from typing import Protocol, TypeAlias

import anyio
import structlog

from longwire.durable.listing import short
from longwire.durable.record import Record
from longwire.engine.durable_elsewhere import Elsewhere, carried_out, deleting, lost
from longwire.engine.durable_keeping import Keeping
from longwire.engine.durable_producer import DurableRequest
from longwire.protocol.errors import StreamError

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.durable")

# One request from its claim on: with its bytes, or, where those were lost, what was written down of it.
Claim: TypeAlias = DurableRequest | Record


class Requests(Protocol):
    """All durable requests of a daemon. See `DurableRequests`."""

    keeping: Keeping
    elsewhere: Elsewhere

    def here(self, key_id: str) -> DurableRequest | None:
        """The request that is here."""
        ...

    def other(self, key_id: str) -> Record | None:
        """What there is of one that is not."""
        ...

    def other_gone(self, key_id: str) -> None:
        """Nothing is left of it."""
        ...

    def release(self, request: DurableRequest) -> None:
        """It is not this daemon's any more."""
        ...

    def lock(self, key_id: str) -> anyio.Lock:
        """Whoever holds it is alone with this key."""
        ...

    async def look_around(self) -> None:
        """Know of what other daemons have."""
        ...


class Deleting:
    """For all durable requests of one daemon."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def delete(self, key_id: str, error: StreamError) -> bool:
        """Abort what has this key if it runs, and delete what there is of it. False: there is none.

        Its readers are told `error`.

        Raises:
            StreamError: another daemon has it, or the disk fails.
        """
        there = True
        # A page that goes away meanwhile has asked for it.
        with anyio.CancelScope(shield=True):
            async with self._requests.lock(key_id):
                request = self._requests.here(key_id)
                if request is None:
                    there = await self._what_is_not_here(key_id)
                else:
                    await self._what_is_here(request, error)
        return there

    async def delete_claim(self, claim: Claim, error: StreamError) -> None:
        """As `delete`, where that claim still has its key, and nothing of what has it then. A failure is logged."""
        key_id = claim.id if isinstance(claim, Record) else claim.record.id
        try:
            with anyio.CancelScope(shield=True):
                async with self._requests.lock(key_id):
                    if isinstance(claim, DurableRequest):
                        if self._requests.here(key_id) is claim:
                            await self._what_is_here(claim, error)
                    elif await self._requests.keeping.find(claim.key) == claim:
                        await self._what_is_not_here(key_id)
        except StreamError as failed:
            log.warning("durable request not deleted", durable=short(key_id), reason=failed.reason)

    async def _what_is_here(self, request: DurableRequest, error: StreamError) -> None:
        request.deleted = True
        if (exchange := request.exchange) is not None:
            exchange.abort(error.text)
            await exchange.closed.wait()
        request.revoke(error)
        try:
            await self._requests.keeping.delete(request.record.id)
        finally:
            self._requests.release(request)

    async def _what_is_not_here(self, key_id: str) -> bool:
        """What is unknown, or another daemon's."""
        requests = self._requests
        other = requests.other(key_id)
        if other is None or not requests.keeping.runs_elsewhere(other):
            try:
                there = await requests.keeping.delete(key_id)
            except StreamError:
                await requests.look_around()  # another daemon may have it since a moment ago
                other = requests.other(key_id)
                if other is None:
                    raise
            else:
                requests.other_gone(key_id)
                return there
        await self._elsewhere(other)
        return True

    async def _elsewhere(self, record: Record) -> None:
        channel = await self._requests.elsewhere(record.owner)
        if channel is None:
            raise lost()
        await carried_out(channel, deleting(record))
        self._requests.other_gone(record.id)
