"""GET and HEAD of one durable request, in the words of the Durable Streams protocol, version 1.0 (read side).

    GET  longwire:durable/KEY?offset=N                   what there is from N on, a part at a time
    GET  longwire:durable/KEY?offset=N&live=long-poll    the same; at the end it waits for more
    GET  longwire:durable/KEY?offset=N&live=sse          events for as long as it runs
    HEAD longwire:durable/KEY                            how far it is

Offsets count the bytes of the body, in sixteen digits, so that they sort as texts. Where this is narrower than the
protocol: bytes are exact, so a body of JSON is no list of messages but text, and events carry base64 always. A request
that failed has no end that this protocol knows: 424, with the code.
"""

import re
import secrets
import time
from collections import deque
from typing import Final
from urllib.parse import parse_qs

import anyio
import orjson
import pybase64

from longwire.durable.record import Head
from longwire.durable.spool import SpoolGap, SpoolLost
from longwire.engine.durable_access import Asked, allow
from longwire.engine.durable_answers import OURS, answer, begin, refuse, say
from longwire.engine.durable_producer import DurableRequest
from longwire.engine.exchange import Exchange
from longwire.policy import Policy, filter_response_headers
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.field_types import HeaderPair
from longwire.protocol.limits import KIB
from longwire.protocol.records import Completeness

# Of one answer, and of one event.
PART_BYTES: Final = 256 * KIB
EVENT_BYTES: Final = 32 * KIB
# How long an answer waits for more.
LONG_POLL_S: Final = 30.0
# Section 8.1: twenty seconds each, from 9 October 2024.
_CURSOR_S: Final = 20
_CURSOR_EPOCH: Final = 1_728_432_000
_CURSOR_JITTER: Final = 3600 // _CURSOR_S
_OFFSET: Final = re.compile(r"[0-9]{1,16}")
_DIGITS: Final = 16
# The most of UTF-8.
_CHARACTER_BYTES: Final = 4
_NOW: Final = "now"
_START: Final = "-1"


class _Bad(Exception):
    """What is asked for is nothing that can be asked for."""


class StreamReading:
    """One of these requests. See `Follower`."""

    def __init__(self, request: DurableRequest, exchange: Exchange, grant: str) -> None:
        self._request = request
        self._exchange = exchange
        self._grant = grant
        self.position = 0
        # Where events end in this answer, and which byte of the request's body follows them.
        self._told: deque[tuple[int, int]] = deque()
        self._acknowledged = 0

    @property
    def taken(self) -> int:
        """See `Follower`."""
        while self._told and self._told[0][0] <= self._exchange.taken:
            _, self._acknowledged = self._told.popleft()
        return self._acknowledged

    def feed(self, data: bytes, offset: int) -> None:
        """See `Follower`."""
        self._exchange.wake()

    def wake(self) -> None:
        """See `Follower`."""
        self._exchange.wake()

    def revoke(self, error: StreamError) -> None:
        """See `Follower`."""
        self._exchange.revoke(error)

    async def run(self, query: str, policy: Policy) -> None:
        """Answer it. It is joined to its request meanwhile."""
        exchange, request, grant = self._exchange, self._request, self._grant
        try:
            offset, live, cursor = _question(query, request.end)
        except _Bad as bad:
            await refuse(exchange, grant, 400, ErrorCode.PROTOCOL, str(bad))
            return
        while request.head is None and request.running:
            await exchange.changed()
        error = request.error
        if request.head is None:
            assert error is not None  # noqa: S101  (else it has a head)
            await self._failed(error)
            return
        shown = _content_type(policy, exchange, request, request.head)
        if offset > request.end:
            await refuse(exchange, grant, 400, ErrorCode.PROTOCOL, f"there are {request.end} bytes")
        elif offset < request.spool.first:
            first = request.spool.first
            await refuse(exchange, grant, 410, ErrorCode.GAP, f"bytes are kept from {first} on", first=first)
        elif exchange.start.method == "HEAD":
            ended = [("stream-closed", "true")] if request.record.ending else []
            await answer(exchange, grant, 200, [shown, ("stream-next-offset", _offset(request.end)), *ended, *OURS])
        else:
            self.position = self._acknowledged = offset
            if live == "sse":
                await self._events(cursor, text=_is_text(shown))
            else:
                await self._part(shown, live, cursor, query)

    async def _failed(self, error: StreamError) -> None:
        await refuse(self._exchange, self._grant, 424, error.code, error.text)

    # --- one part --------------------------------------------------------------------------------------------

    async def _part(self, shown: HeaderPair, live: str | None, cursor: str, query: str) -> None:
        exchange, request, text = self._exchange, self._request, _is_text(shown)
        if live is not None:
            with anyio.move_on_after(LONG_POLL_S):
                while request.running and not self._read(_CHARACTER_BYTES, self.position, text=text):
                    await exchange.changed()
        error = request.error
        if self.position == request.end and error is not None and not _asks_now(query):
            await self._failed(error)
            return
        data = self._read(PART_BYTES, self.position, text=text)
        following = self.position + len(data)
        closed = following == request.end and request.record.ending is not None
        # Half a character at the end has not come yet.
        at_end = not self._read(_CHARACTER_BYTES, following, text=text)
        headers = [("stream-next-offset", _offset(following)), *OURS]
        headers += [("stream-up-to-date", "true")] if at_end else []
        headers += [("stream-closed", "true")] if closed else []
        headers += [("stream-cursor", cursor)] if live is not None else []
        if live is not None and not data:
            await answer(exchange, self._grant, 204, headers)
            return
        headers.append(shown)
        if not _asks_now(query):
            tag = f'"{request.record.id[:16]}:{self.position}:{following}{":c" if closed else ""}"'
            headers.append(("etag", tag))
            if live is None and tag in _header(exchange, "if-none-match"):
                await answer(exchange, self._grant, 304, headers)
                return
        await answer(exchange, self._grant, 200, headers, data)

    # --- events ----------------------------------------------------------------------------------------------

    async def _events(self, cursor: str, *, text: bool) -> None:
        exchange, request = self._exchange, self._request
        headers = [
            ("content-type", "text/event-stream"),
            ("stream-sse-data-encoding", "base64"),
            *[(name, "no-cache, no-store" if name == "cache-control" else value) for name, value in OURS],
        ]
        await begin(exchange, self._grant, 200, headers)
        first = True
        while True:
            if data := self._read(EVENT_BYTES, self.position, text=text):
                self.position += len(data)
                await self._tell(b"event: data\ndata:" + pybase64.b64encode(data) + b"\n\n", cursor)
            elif first or not request.running:
                # Where nothing is there yet, or nothing comes any more, that alone is told.
                await self._tell(b"", cursor)
            first = False
            if data and self.position < request.end:
                continue
            if not request.running:
                break
            await exchange.changed()
            request.progressed()
        if (error := request.error) is not None:
            raise error
        exchange.finish(Completeness.CHUNKED)

    async def _tell(self, event: bytes, cursor: str) -> None:
        request = self._request
        at_end = self.position == request.end
        control: dict[str, object] = {"streamNextOffset": _offset(self.position)}
        if at_end and request.record.ending is not None:
            control["streamClosed"] = True
        else:
            control["streamCursor"] = cursor
        if at_end:
            control["upToDate"] = True
        await say(self._exchange, event + b"event: control\ndata:" + orjson.dumps(control) + b"\n\n")
        self._told.append((self._exchange.stream.pushed, self.position))

    def _read(self, size: int, start: int, *, text: bool) -> bytes:
        """Up to so much from `start` on. Of a text no half characters, as long as there may be another half."""
        request = self._request
        try:
            data = request.spool.read(start, size)
        except (SpoolGap, SpoolLost):
            # It is joined, so nothing of it goes but with the request.
            message = "what was kept of the response cannot be read any more"
            raise StreamError(ErrorCode.SPOOL_FULL, message, Phase.BODY) from None
        whole = _whole_characters(data) if text else len(data)
        return data if not request.running and len(data) < size else data[:whole]


def _question(query: str, end: int) -> tuple[int, str | None, str]:
    """Offset, live mode and the cursor of the answer."""
    values = parse_qs(query, keep_blank_values=True)
    for name in ("offset", "live", "cursor"):
        if len(values.get(name, ())) > 1:
            raise _Bad(f"{name} is there more than once")
    offset, live = values.get("offset", [None])[0], values.get("live", [None])[0]
    if live not in (None, "long-poll", "sse"):
        raise _Bad("live is long-poll or sse")
    if offset is None and live is not None:
        raise _Bad("a live answer needs an offset")
    if offset in (None, _START):
        at = 0
    elif offset == _NOW:
        at = end
    elif _OFFSET.fullmatch(offset):
        at = int(offset)
    else:
        raise _Bad("an offset is what Stream-Next-Offset said, -1 or now")
    return at, live, _next_cursor(values.get("cursor", [""])[0])


def _next_cursor(said: str) -> str:
    now = int(time.time() - _CURSOR_EPOCH) // _CURSOR_S
    if said.isascii() and said.isdecimal() and len(said) <= _DIGITS and int(said) >= now:
        now = int(said) + 1 + secrets.randbelow(_CURSOR_JITTER)
    return str(now)


def _asks_now(query: str) -> bool:
    return _NOW in parse_qs(query).get("offset", ())


def _offset(count: int) -> str:
    return f"{count:0{_DIGITS}d}"


def _header(exchange: Exchange, name: str) -> str:
    return ", ".join(value for each, value in exchange.start.headers if each.lower() == name)


def _content_type(policy: Policy, exchange: Exchange, request: DurableRequest, head: Head) -> HeaderPair:
    """As today's grant shows it. A body of JSON is text: as JSON it would be a list of messages here."""
    found = allow(policy, exchange.start.page, Asked.of(request.record), head)
    exchange.recordable, shows = found.recordable, found.shows
    headers = head.headers if shows is None else filter_response_headers(head.headers, shows, head.status)
    value = next((value for name, value in headers if name.lower() == "content-type"), "application/octet-stream")
    json = value.partition(";")[0].strip().lower() == "application/json"
    return ("content-type", "text/plain; charset=utf-8" if json else value)


def _is_text(shown: HeaderPair) -> bool:
    return shown[1].lower().startswith("text/")


def _whole_characters(data: bytes) -> int:
    """How many of the bytes are whole characters of UTF-8, as far as the last few tell."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if length > back else len(data)
    return len(data)
