"""The frames of one WebSocket, without I/O: bytes in, events out, and bytes to send.

Why `wsproto` and not `websockets`, by test (wsproto 1.3.2, websockets 17.4). It gives a frame piece by piece as it
comes: of a frame of 16 MiB it holds 66 KiB, where the other holds all of it before there is an event, for each socket
that a server chooses. It refuses what the other lets through here: text that is no UTF-8 (which the other leaves to its
own readers above), and a length in more bytes than it needs. 100,000 fragments of a byte take it 0.6 s against 0.3; the
event loop turns in between.

No compression is offered: permessage-deflate inflates 1,030 to 1, and wsproto makes 64 MiB of one read of 64 KiB. Fed
in slices of 512 bytes it makes 0.5 MiB at once, so it can be bounded; what it would save is between server and host.

What browsers do otherwise than the library is done here: any close code but 1005, 1006 and 1015 is taken from a server
(Chromium, `WebSocketChannel::ParseClose`; the library refuses 1014, and 1016 to 2999), and of the pings that wait only
the newest is answered (RFC 6455 section 5.5.3).
"""

from codecs import getincrementaldecoder
from typing import Final

from wsproto.frame_protocol import Frame, FrameDecoder, FrameProtocol, MessageDecoder, Opcode, ParseFailed

from longwire.protocol.errors import ErrorCode
from longwire.upstream.model import NO_CLOSE_CODE, FrameViolation, SocketClosed, SocketEvent, SocketFragment

_PROTOCOL_ERROR: Final = 1002
_NOT_UTF8: Final = 1007
_NOT_SENT: Final = frozenset({1005, 1006, 1015})  # RFC 6455 section 7.4.1: no endpoint may send them


_VIOLATIONS: Final = {
    _PROTOCOL_ERROR: "the server broke the rules of a WebSocket's frames (RFC 6455 section 5)",
    _NOT_UTF8: "the server sent text that is not UTF-8",
}


class WebSocketFrames:
    """From the end of the handshake on, of the client."""

    def __init__(self) -> None:
        self._frames = FrameDecoder(client=True)
        self._messages = MessageDecoder()
        self._out = FrameProtocol(client=True, extensions=[])
        self._utf8 = getincrementaldecoder("utf-8")()
        self._closed = False
        self._failure: FrameViolation | None = None
        self.more = False  # whether `take` stopped before it had seen all
        self.ping: bytes | None = None  # the newest that is not answered

    def feed(self, data: bytes) -> None:
        """Bytes from the server. What follows a close frame is nothing any more."""
        if not self._closed:
            self._frames.receive_bytes(data)

    def take(self, most: int) -> list[SocketEvent]:
        """What can be made of what was fed, of at most `most` frames. While there is `more`, call it again.

        Raises:
            FrameViolation: UPSTREAM_PROTOCOL. What came before it was given by the call before.
        """
        events: list[SocketEvent] = []
        self.more = False
        if self._failure is not None:
            raise self._failure
        try:
            for _ in range(most):
                if self._closed or (frame := self._frames.process_buffer()) is None:
                    return events
                self._on_frame(frame, events)
        except ParseFailed as failure:
            self._failure = _violation(int(failure.code))
        except FrameViolation as failure:
            self._failure = failure
        if self._failure is not None and not events:
            raise self._failure
        self.more = True
        return events

    def _on_frame(self, frame: Frame, events: list[SocketEvent]) -> None:
        if not frame.opcode.iscontrol():
            message = self._messages.process_frame(frame)
            data = message.payload
            # What was decoded as UTF-8 can be encoded so.
            content = data.encode() if isinstance(data, str) else bytes(data)  # type: ignore[arg-type]
            events.append(SocketFragment(isinstance(data, str), content, message.message_finished))
        elif frame.opcode is Opcode.CLOSE and isinstance(frame.payload, bytes):
            events.append(self._close(frame.payload))
        elif frame.opcode is Opcode.PING and isinstance(frame.payload, bytes):
            self.ping = frame.payload

    def _close(self, payload: bytes) -> SocketClosed:
        self._closed = True
        if not payload:
            return SocketClosed(NO_CLOSE_CODE, "")
        code = int.from_bytes(payload[:2], "big")
        if len(payload) == 1 or code in _NOT_SENT:
            raise _violation(_PROTOCOL_ERROR)
        try:
            return SocketClosed(code, payload[2:].decode())
        except UnicodeDecodeError:
            raise _violation(_NOT_UTF8) from None

    def message(self, fragment: SocketFragment) -> bytes:
        """A frame of a message, to send; characters may be cut.

        Raises:
            UnicodeDecodeError: a text that is not UTF-8.
        """
        last = fragment.last
        content: bytes | str = self._utf8.decode(fragment.data, last) if fragment.text else fragment.data
        if last:
            self._utf8.reset()
        return bytes(self._out.send_data(content, fin=last))

    def pong(self) -> bytes:
        """The answer to the newest ping; b"" if there is none to answer."""
        payload, self.ping = self.ping, None
        return b"" if payload is None else bytes(self._out.pong(payload))

    def close(self, code: int, reason: str = "") -> bytes:
        """A close frame, without a code for NO_CLOSE_CODE."""
        return bytes(self._out.close() if code == NO_CLOSE_CODE else self._out.close(code, reason))


def _violation(code: int) -> FrameViolation:
    message = f"{_VIOLATIONS[code]}; the server must be fixed"
    return FrameViolation(ErrorCode.UPSTREAM_PROTOCOL, message, code)
