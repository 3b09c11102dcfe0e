"""How what a connection has to send leaves by its channel: from where it arose if that can be, else by a task."""

import asyncio
from collections.abc import Callable

import anyio

from longwire.audit.last_words import LAST_WORDS
from longwire.engine.channel import Channel, ChannelLost
from longwire.streams.connection import Connection
from longwire.streams.stream import Stream


class Sender:
    """Of one connection and its channel. At most one write is under way."""

    def __init__(
        self,
        connection: Connection,
        channel: Channel,
        left: Callable[[Stream], None],
        lost: Callable[[str], None],
        greeted: Callable[[], None],
    ) -> None:
        """`left` hears of each stream whose chunk was taken; `lost`, why the channel cannot be written to any more;
        `greeted`, once, that WELCOME leaves.
        """
        self._connection = connection
        self._channel = channel
        self._left = left
        self._lost = lost
        self._greeted = greeted
        self._work = anyio.Event()  # something to send
        self._unsent = b""  # of what the connection gave, what the channel did not take at once
        self._sent_at_once = False  # in this round of the loop
        self._written = anyio.Event()  # a write is over
        self._writing = False
        self.welcomed = False  # the channel took WELCOME

    def soon(self) -> None:
        """There is something to send; the task sends it."""
        self._work.set()

    def at_once(self) -> None:
        """Send what is next from here, as far as the channel takes it at once; the task does the rest.

        An event then need not wait for the task, behind all else that this round of the loop still does. Only once a
        round: where more comes in it, one chunk carries it all.
        """
        if self._writing or self._work.is_set() or self._sent_at_once:
            self._work.set()
            return
        if not (data := self._next()):
            return
        self._sent_at_once = True
        asyncio.get_running_loop().call_soon(self._round_over)
        try:
            taken = self._channel.write_at_once(data)
        except ChannelLost as lost:
            self._lost(str(lost))
            return
        if taken < len(data):
            self._unsent = data[taken:]
            self._work.set()

    async def room(self) -> None:
        """Wait until a large message may be queued: at once, but where the browser does not read."""
        while self._connection.backlogged:
            await self._written.wait()

    async def all_left(self) -> None:
        """Wait until nothing is to be sent any more."""
        while self._writing or self._unsent or not self._connection.idle:
            await self._written.wait()

    async def run(self) -> None:
        """The task. Returns when the channel is lost."""
        while True:
            data = self._next()
            if not data:
                self._work = anyio.Event()
                await self._work.wait()
                continue
            self._writing = True
            # Before the write: the browser may have read it, and ended this process, before this task goes on.
            before, before_in_process = self.welcomed, LAST_WORDS.welcomed
            self.welcomed = self._connection.greeted
            LAST_WORDS.welcomed = before_in_process or self.welcomed
            if self.welcomed and not before:
                self._greeted()
            try:
                await self._channel.write(data)
            except ChannelLost as lost:
                # The receive loop would see the end of input as well, but it may be waiting for this loop.
                self.welcomed, LAST_WORDS.welcomed = before, before_in_process
                self._lost(str(lost))
                return
            self._writing = False
            self._written.set()
            self._written = anyio.Event()

    def _next(self) -> bytes:
        """What leaves next, b"" if nothing waits."""
        if self._unsent:
            data, self._unsent = self._unsent, b""
            return data
        data, streams = self._connection.data_to_send()
        for stream in streams:
            self._left(stream)
        return data

    def _round_over(self) -> None:
        self._sent_at_once = False
