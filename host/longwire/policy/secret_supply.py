"""Secrets for requests, read anew for each hop, without ever holding up the other streams.

What a command printed is kept until a server refuses it: running one takes long, and what it prints holds for a while.
That one failed is kept for two seconds: a page that asks again and again must not have it run each time.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import anyio

from longwire.policy.secret_reader import SecretReader
from longwire.policy.secrets import Secret, SecretSource
from longwire.protocol.errors import StreamError

# How long a person has to unlock a keyring before the request is given up.
KEYRING_TIMEOUT_S: Final = 60.0
# Reads of a keyring at once, in threads of their own; the keyring asks its person once for all of them. A read cannot
# be interrupted: one that nobody waits for any more counts until the keyring lets its thread go.
_KEYRING_THREADS: Final = 4
# Commands at once: each secret's runs once, for all who want it. Their time is bounded, so others wait.
_COMMAND_THREADS: Final = 4
# So long after a refused value was forgotten, no other one is: a page whose requests are all refused must not have a
# command run for each of them.
FORGET_AGAIN_S: Final = 10.0
# So long after a run that failed, the command is not run again: a person who mended it needs longer to ask again.
FAILED_AGAIN_S: Final = 2.0


class SecretSupply:
    """Reads by one reader. One per engine, because threads and what commands printed are shared."""

    def __init__(self, reader: SecretReader, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._clock = clock
        self._threads = ThreadPoolExecutor(_KEYRING_THREADS, "longwire-keyring")
        self._free = anyio.Semaphore(_KEYRING_THREADS)
        self._command_threads = ThreadPoolExecutor(_COMMAND_THREADS, "longwire-command")
        self._printed: dict[SecretSource, Secret] = {}
        self._forgotten_s: dict[SecretSource, float] = {}
        self._failed: dict[SecretSource, tuple[float, StreamError]] = {}  # when, and how
        self._running: dict[SecretSource, asyncio.Task[Secret]] = {}

    async def read_all(self, sources: Sequence[SecretSource]) -> dict[str, Secret]:
        """The values by name. Files and variables at once; a keyring or a command in a thread, because it takes time.

        Raises:
            StreamError: SECRET_UNAVAILABLE.
        """
        if not any(source.may_block for source in sources):
            return self._reader.read_all(sources)
        secrets = await self._read([source for source in sources if source.kind != "command"])
        for source in sources:
            if source.kind == "command":
                secrets[source.name] = await self._of_command(source)
        return secrets

    def forget(self, source: SecretSource, refused: Secret) -> bool:
        """A server refused this value of the secret; whether reading it again may give another.

        Of a command, the next read runs it again: unless that was done meanwhile, or just before for the same reason.
        """
        if source.kind != "command":
            return False
        printed = self._printed.get(source)
        if printed is None or printed.reveal() != refused.reveal():
            return True
        now_s = self._clock()
        if now_s - self._forgotten_s.get(source, -math.inf) < FORGET_AGAIN_S:
            return False
        del self._printed[source]
        self._forgotten_s[source] = now_s
        return True

    def forget_all(self, refused: Iterable[tuple[SecretSource, Secret]]) -> bool:
        """`forget` for each; whether reading one of them again may give another value."""
        forgotten = [self.forget(source, secret) for source, secret in refused]
        return any(forgotten)

    def release(self) -> None:
        """Keep nothing of what commands printed: nobody is there who would ask for it soon."""
        self._printed.clear()

    def close(self) -> None:
        """End commands that run, and begin no other. For a process that ends without waiting for its threads."""
        self._command_threads.shutdown(wait=False, cancel_futures=True)
        if self._running:
            from longwire.policy.secret_command import end_commands  # imported already: one runs

            end_commands()

    async def _of_command(self, source: SecretSource) -> Secret:
        if (printed := self._printed.get(source)) is not None:
            return printed
        running = self._running.get(source)
        if running is None:
            self._check_failed(source)
            # Not a task of whoever asks: it may be aborted, and the others wait for the same run.
            running = self._running[source] = asyncio.ensure_future(self._run(source))
            running.add_done_callback(lambda _: self._over(source))
        return await asyncio.shield(running)

    def _check_failed(self, source: SecretSource) -> None:
        failed = self._failed.get(source)
        if failed is None:
            return
        failed_s, error = failed
        if self._clock() - failed_s < FAILED_AGAIN_S:
            raise error.with_traceback(None)
        del self._failed[source]

    def _over(self, source: SecretSource) -> None:
        running = self._running.pop(source)
        if not running.cancelled() and isinstance(error := running.exception(), StreamError):
            self._failed[source] = self._clock(), error  # those who still waited had it, too

    async def _run(self, source: SecretSource) -> Secret:
        loop = asyncio.get_running_loop()
        secret = await loop.run_in_executor(self._command_threads, self._reader.read, source)
        self._printed[source] = secret
        return secret

    async def _read(self, sources: Sequence[SecretSource]) -> dict[str, Secret]:
        """None of them is a command."""
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
