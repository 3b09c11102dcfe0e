"""A replayed WebSocket: wsproto's, the recorded messages at their times, whatever the client says."""

import asyncio
import codecs
import contextlib
from collections.abc import Sequence
from typing import Final

import h11
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Ping, Request, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from longwire.recording.reader import RecordedStream
from longwire.replay.exchange import Play
from longwire.replay.steps import Act, Step

_READ_BYTES: Final = 64 * 1024
_CLOSE_S: Final = 5.0
_NO_STATUS: Final = 1005


class ReplayedSocket:
    """One connection whose next bytes are a handshake's, or a socket's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, http: h11.Connection) -> None:
        self._reader = reader
        self._writer = writer
        self._http = http
        self._socket = WSConnection(ConnectionType.SERVER)
        self._text = codecs.getincrementaldecoder("utf-8")("replace")

    async def play(
        self,
        fields: Sequence[tuple[str, str]],
        target: str,
        stream: RecordedStream,
        play: Play,
    ) -> bool:
        """Answer the handshake and go through the steps. Always False: the connection takes no other request."""
        try:
            self._socket.initiate_upgrade_connection([(n.encode(), v.encode("latin-1")) for n, v in fields], target)
            request = next(self._socket.events())
        except RemoteProtocolError:
            await self._write(self._http.send(h11.Response(status_code=400, headers=[("Content-Length", "0")])) or b"")
            return False
        assert isinstance(request, Request)  # noqa: S101  (wsproto's first event)
        accepted = AcceptConnection(subprotocol=_subprotocol(stream, request.subprotocols))
        early, _ = self._http.trailing_data

        async def do(step: Step) -> None:
            with contextlib.suppress(LocalProtocolError):  # the client has closed, and waits for no more
                if step.act is Act.HEAD:
                    await self._write(self._socket.send(accepted))
                elif step.act is Act.DATA:
                    await self._write(self._socket.send(self._event(step)))

        playing = asyncio.create_task(play(do))
        listening = asyncio.create_task(self._listen(early))
        try:
            await asyncio.wait((playing, listening), return_when=asyncio.FIRST_COMPLETED)
            if playing.done() and playing.result() is not Act.BREAK:
                stalled = playing.result() is Act.STALL
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(None if stalled else _CLOSE_S):
                        await listening
            return False
        finally:
            for task in (playing, listening):
                task.cancel()
            await asyncio.gather(playing, listening, return_exceptions=True)

    async def _listen(self, data: bytes) -> None:
        """Until the client has closed."""
        while True:
            if data:
                try:
                    self._socket.receive_data(data)
                except RemoteProtocolError:
                    return
                for event in self._socket.events():
                    if isinstance(event, Ping):
                        await self._write(self._socket.send(event.response()))
                    elif isinstance(event, CloseConnection):
                        with contextlib.suppress(LocalProtocolError):  # the second one of two
                            await self._write(self._socket.send(event.response()))
                        return
            if not (data := await self._reader.read(_READ_BYTES)):
                return

    def _event(self, step: Step) -> Event:
        if step.opcode == 8:
            code = int.from_bytes(step.data[:2], "big") if len(step.data) >= 2 else _NO_STATUS
            return CloseConnection(code=code, reason=step.data[2:].decode("utf-8", "replace") or None)
        if step.opcode == 1:
            # A part may end inside a character, which goes with the next one then.
            return TextMessage(data=self._text.decode(step.data, step.last), message_finished=step.last)
        return BytesMessage(data=step.data, message_finished=step.last)

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


def _subprotocol(stream: RecordedStream, offered: Sequence[str]) -> str | None:
    """The recorded one where it is offered; else the first, for a token that was replaced is none."""
    headers = stream.response.headers if stream.response is not None else []
    recorded = next((value for name, value in headers if name.lower() == "sec-websocket-protocol"), None)
    if recorded is None:
        return None
    return recorded if recorded in offered else next(iter(offered), None)
