"""A server on 127.0.0.1 that answers as a recording says."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Final

import h11
import orjson

from longwire.recording.reader import RecordedStream, Recording
from longwire.replay.answering import cors, fields_of, is_loopback, is_page_here, length_of, preflight, reason_of
from longwire.replay.exchange import Exchange, Play
from longwire.replay.faults import Faults
from longwire.replay.matching import Matching, target_of
from longwire.replay.pace import Pace
from longwire.replay.sockets import ReplayedSocket
from longwire.replay.steps import Act, Step, steps_of
from longwire.replay.telling import Watcher

HOST: Final = "127.0.0.1"
MAX_CONNECTIONS: Final = 64
_MAX_HEAD_BYTES: Final = 64 * 1024
_READ_BYTES: Final = 64 * 1024
# Without a request for so long a connection is closed.
_IDLE_S: Final = 60.0
# For what is left of a request whose answer is whole; and for a client to take notice of a close.
_LINGER_S: Final = 5.0


class PortTaken(Exception):
    """Nobody can listen there."""


class ReplayServer:
    """Serves while its context lasts."""

    def __init__(self, recording: Recording, faults: Faults, pace: Callable[[], Pace], watcher: Watcher) -> None:
        """`pace` is called at each request, in the loop that serves it."""
        self._streams = recording.streams
        self._matching = Matching(recording.streams)
        self._steps = {each.number: steps_of(each, faults) for each in recording.streams}
        self._pace = pace
        self._watcher = watcher
        self._exchanges = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"http://{HOST}:{self.port}"

    async def open(self, port: int = 0) -> None:
        """Listen; port 0 takes a free one.

        Raises:
            PortTaken: it is somebody else's.
        """
        try:
            self._server = await asyncio.start_server(self._accept, HOST, port, limit=_MAX_HEAD_BYTES)
        except OSError as error:
            raise PortTaken(error.strerror or type(error).__name__) from None
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Break off what is under way."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def __aenter__(self) -> "ReplayServer":
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (asyncio calls this in a task)
        if len(self._connections) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._connections.add(task)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.transport.set_write_buffer_limits(0)  # what was drained has left, and nothing of it is lost by a cut
        try:
            await _Connection(self, reader, writer).serve()
        except (ConnectionError, TimeoutError, h11.ProtocolError):
            pass  # the client is gone, or is none
        except asyncio.CancelledError:
            pass  # the server closes; nobody awaits this task
        finally:
            self._connections.discard(task)
            writer.transport.abort()  # what was to be sent has been: see `_Connection.serve`

    def find(self, method: str, target: str, *, is_socket: bool) -> RecordedStream | None:
        """Which stream answers."""
        return self._matching.find(method, target, socket=is_socket)

    def begin(self, method: str, target: str, stream: RecordedStream) -> tuple[Exchange, list[Step], Pace]:
        """A request is answered."""
        self._exchanges += 1
        self._watcher.began(self._exchanges, method, target, stream)
        return Exchange(self._exchanges, stream, self._watcher), self._steps[stream.number], self._pace()

    def refuse(self, method: str, target: str, why: str) -> bytes:
        """A request is not; gives the text that says what could be asked for."""
        self._watcher.refused(method, target, why)
        known = [{"number": n.number, "method": n.request.method, "target": target_of(n)} for n in self._streams[:100]]
        return orjson.dumps({"error": why, "streams": known}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


class _Connection:
    """Requests of one client, one after another."""

    def __init__(self, server: ReplayServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)

    async def serve(self) -> None:
        """Until it is closed, from either side. All that was sent has left when this returns."""
        while True:
            async with asyncio.timeout(_IDLE_S):
                head = await self._next()
            if not isinstance(head, h11.Request) or not await self._answer(head):
                return
            self._http.start_next_cycle()

    async def _answer(self, head: h11.Request) -> bool:
        """Whether the connection can take another request."""
        fields = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head.headers}
        method, target = head.method.decode("latin-1"), _origin_form(head.target.decode("latin-1"))
        origin = fields.get("origin")
        if not is_loopback(fields.get("host", "")):
            text = self._server.refuse(method, target, f"this server is asked as {self._server.origin} only")
            return await self._reply(421, text)
        if method == "OPTIONS" and "access-control-request-method" in fields:
            wanted = fields["access-control-request-method"], fields.get("access-control-request-headers")
            return await self._reply(204, b"", preflight(origin, *wanted))
        is_socket = fields.get("upgrade", "").lower() == "websocket"
        if is_socket and origin is not None and not is_page_here(origin):
            # No CORS keeps a page from a socket: what it may open, it reads.
            return await self._reply(403, self._server.refuse(method, target, "a socket is for pages of this machine"))
        stream = self._server.find(method, target, is_socket=is_socket)
        if stream is None:
            text = self._server.refuse(method, target, f"no stream of this recording answers {method} {target}")
            return await self._reply(404, text, cors(origin))
        exchange, steps, pace = self._server.begin(method, target, stream)
        began = asyncio.get_running_loop().time()
        try:
            if is_socket and stream.response is not None and stream.response.status == 101:
                return await ReplayedSocket(self._reader, self._writer, self._http).play(
                    [(n.decode("latin-1"), v.decode("latin-1")) for n, v in head.headers], target, stream,
                    lambda do: exchange.play(steps, pace, do),
                )  # fmt: skip
            return await self._play(stream, origin, lambda step_do: exchange.play(steps, pace, step_do))
        finally:
            exchange.over(asyncio.get_running_loop().time() - began)

    async def _play(self, stream: RecordedStream, origin: str | None, play: Play) -> bool:
        async def do(step: Step) -> None:
            if step.act is Act.HEAD:
                await self._send(self._head(stream, origin))
            elif step.act is Act.DATA:
                await self._send(h11.Data(data=step.data))
            elif step.act is Act.FINISH:
                await self._send(h11.EndOfMessage())

        gone = asyncio.create_task(self._request_body())
        playing = asyncio.create_task(play(do))
        try:
            await asyncio.wait((playing, gone), return_when=asyncio.FIRST_COMPLETED)
            if not playing.done():
                # What ends first is the client's half: either it is gone, or it has sent the next request already.
                if not gone.result():
                    return False
                await playing
            act = playing.result()
            if act is Act.STALL:
                await gone
            if act is not Act.FINISH:
                return False
            with contextlib.suppress(TimeoutError):
                # With some of the request unread, closing would take the answer back.
                async with asyncio.timeout(_LINGER_S):
                    while self._http.their_state is h11.SEND_BODY and not gone.done():
                        await asyncio.wait((gone,), timeout=0.05)
            return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        finally:
            for task in (playing, gone):
                task.cancel()
            await asyncio.gather(playing, gone, return_exceptions=True)

    def _head(self, stream: RecordedStream, origin: str | None) -> h11.Response:
        assert stream.response is not None  # noqa: S101  (there is no HEAD without one)
        fields, length = fields_of(stream), length_of(stream)
        framing = ("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))
        no_body = stream.response.status in (204, 304)
        headers = [*fields, *cors(origin, fields), *([] if no_body else [framing])]
        return h11.Response(
            status_code=max(stream.response.status, 200),
            headers=[(name.encode(), value.encode("latin-1")) for name, value in headers],
            reason=reason_of(stream),
        )

    async def _request_body(self) -> bool:
        """Read the request to its end, and then on: True if another one follows, False once the client is gone."""
        while True:
            event = await self._next()
            if event is h11.PAUSED:
                return True
            if isinstance(event, h11.ConnectionClosed):
                return False

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_READ_BYTES))
        return event

    async def _reply(self, status: int, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> bool:
        framing = [] if status == 204 else [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        await self._send(h11.Response(status_code=status, headers=[*framing, ("Connection", "close"), *headers]))
        await self._send(h11.Data(data=body))
        await self._send(h11.EndOfMessage())
        self._writer.write_eof()
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(_LINGER_S):  # for the client to read it, and to close
                while await self._reader.read(_READ_BYTES):
                    pass
        return False

    async def _send(self, event: h11.Event) -> None:
        self._writer.write(self._http.send(event) or b"")
        await self._writer.drain()


def _origin_form(target: str) -> str:
    """Path and query of a target, which a proxy's client gives whole."""
    return target if target.startswith("/") else "/" + target.partition("://")[2].partition("/")[2]
