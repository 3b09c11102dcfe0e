"""Secrets for requests, read anew for each hop, without ever holding up the other streams."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import anyio

from longwire.policy.secret_reader import SecretReader
from longwire.policy.secrets import Secret, SecretSource

# How long a person has to unlock a keyring before the request is given up.
KEYRING_TIMEOUT_S: Final = 60.0
# Reads of a keyring at once, in threads of their own; the keyring asks its person once for all of them. A read cannot
# be interrupted: one that nobody waits for any more counts until the keyring lets its thread go.
_KEYRING_THREADS: Final = 4


class SecretSupply:
    """Reads by one reader. One per engine, because the threads for keyrings are shared."""

    def __init__(self, reader: SecretReader) -> None:
        self._reader = reader
        self._threads = ThreadPoolExecutor(_KEYRING_THREADS, "longwire-keyring")
        self._free = anyio.Semaphore(_KEYRING_THREADS)

    async def read_all(self, sources: Sequence[SecretSource]) -> dict[str, Secret]:
        """The values by name. Files and variables at once; a keyring in a thread, because it may ask a person.

        Raises:
            StreamError: SECRET_UNAVAILABLE.
        """
        waits = next((source for source in sources if source.may_block), None)
        if waits is None:
            return self._reader.read_all(sources)
        with anyio.move_on_after(KEYRING_TIMEOUT_S):
            # Without the semaphore, the executor would queue what is long aborted.
            await self._free.acquire()
            reading = self._threads.submit(self._reader.read_all, sources)
            reading.add_done_callback(self._release(asyncio.get_running_loop()))
            return await asyncio.wrap_future(reading)
        raise waits.unavailable(f"was not given within {KEYRING_TIMEOUT_S:g} s: unlock the keyring and try again")

    def _release(self, loop: asyncio.AbstractEventLoop) -> Callable[[Future[dict[str, Secret]]], None]:
        def done(_: Future[dict[str, Secret]]) -> None:
            with suppress(RuntimeError):  # the loop is closed: the process is ending
                loop.call_soon_threadsafe(self._free.release)

        return done
