"""The folder of durable requests, from a loop: what takes the disk's time has threads, and changes are written soon.

A request changes more often than it need be written: only the latest record counts, so each is written once however
many changes came meanwhile.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread
import structlog

from longwire.durable.listing import short
from longwire.durable.record import Key, Record, RecordState
from longwire.durable.spool import SpoolFull
from longwire.durable.store import KeyRefused, Store, StoreUnusable
from longwire.engine.durable_producer import DurableRequest
from longwire.protocol.errors import ErrorCode, Phase, StreamError

T = TypeVar("T")

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.durable")

# Beside each other, of what requests wait for. The folder has a lock, so more would wait for it.
_THREADS: Final = 2
_DOCTOR: Final = "longwire doctor"


class Keeping:
    """Of one daemon."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._changed: dict[DurableRequest, None] = {}
        self._work = anyio.Event()
        self._failed: dict[DurableRequest, None] = {}
        self._threads = anyio.CapacityLimiter(_THREADS)
        self._thread = anyio.CapacityLimiter(1)

    def changed(self, request: DurableRequest) -> None:
        """Its record is to be written."""
        self._changed[request] = None
        self._work.set()

    def runs_elsewhere(self, record: Record) -> bool:
        """Of one that is not here: another daemon carries it out. One of its own was kept from being deleted."""
        return record.state is RecordState.RUNNING and record.owner != self.store.owner

    def try_again(self) -> None:
        """What could not be written may be by now."""
        for request in self._failed:
            self.changed(request)
        self._failed.clear()

    async def run(self) -> None:
        """Write what changed. Runs until it is cancelled."""
        while True:
            while self._changed:
                request = next(iter(self._changed))
                del self._changed[request]
                if not request.deleted:
                    await self._save(request)
            self._work = anyio.Event()
            await self._work.wait()

    async def all_saved(self) -> None:
        """Write what is to be written, before an end."""
        while self._changed:
            request, _ = self._changed.popitem()
            if not request.deleted:
                await self._save(request)

    async def find(self, key: Key) -> Record | None:
        """See `Store`.

        Raises:
            StreamError: a newer Longwire has it, or the disk fails.
        """
        return await self._in_thread(lambda: self.store.find(key))

    async def claim(self, record: Record) -> None:
        """See `Store`.

        Raises:
            KeyTaken: there is one.
            StreamError: a newer Longwire has it, or the disk fails.
        """
        await self._in_thread(lambda: self.store.claim(record))

    async def delete(self, key_id: str) -> bool:
        """See `Store`.

        Raises:
            StreamError: a newer Longwire or another daemon has it, or the disk fails.
        """
        return await self._in_thread(lambda: self.store.delete(key_id))

    async def retire(self) -> None:
        """See `Store`.

        Raises:
            StreamError: the disk fails.
        """
        await self._in_thread(self.store.retire)

    async def records(self) -> list[Record]:
        """All of them, after what others left was taken over; those of before where the disk fails."""

        def look() -> list[Record]:
            self.store.adopt()
            return self.store.records()

        try:
            return await self._in_thread(look)
        except StreamError as error:
            log.warning("durable requests cannot be looked at", reason=error.reason)
            return []

    async def _save(self, request: DurableRequest) -> None:
        record = request.record

        def save() -> None:
            if record.over:
                request.spool.sync()
            self.store.save(record)

        try:
            await anyio.to_thread.run_sync(save, limiter=self._thread)
        except anyio.get_cancelled_exc_class():
            self._changed[request] = None  # it may not have begun; `all_saved` comes
            raise
        except (StoreUnusable, SpoolFull) as error:
            if request.deleted:
                return  # meanwhile, with its files
            self._failed[request] = None
            log.warning("durable request not written down", durable=short(record.id), reason=error.text)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        # To its end, also where whoever asked goes away: what it did is known only then.
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._threads)
        except KeyRefused as refused:
            message = "a newer Longwire made the durable request with this key; update this one, or use another key"
            reason = f"{refused.text}; {refused.fix}"
            raise StreamError(ErrorCode.VERSION_MISMATCH, message, Phase.POLICY, reason) from None
        except StoreUnusable as unusable:
            message = f"durable requests cannot be kept on this computer just now; `{_DOCTOR}` says why"
            reason = f"{unusable.text}; {unusable.fix}"
            raise StreamError(ErrorCode.SPOOL_FULL, message, Phase.POLICY, reason, command=_DOCTOR) from None
