"""One exchange, from an accepted start to its one terminal message: the life that every kind shares.

    by its kind: allowed ──► headers ──► room? push … ──► finish, or an error
    from outside: wake, abort, end, revoke

It runs as one task in one cancel scope. What a kind does in it is in a file of the kind's own (`http.py`). Whatever
ends it, its socket is closed before the slot is free (`aborting.py`).
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

import anyio
import anyio.lowlevel
import structlog

from longwire.audit.processors import without_query
from longwire.audit.vocabulary import PRIVATE, audit_fields, failure_fields
from longwire.engine.outlet import Outlet
from longwire.engine.waiting import Once, Pulse
from longwire.protocol.errors import ErrorCode, LongwireError, Phase, StreamError
from longwire.protocol.messages import DEFAULT_KIND, StreamHeaders, StreamStart
from longwire.protocol.records import Completeness, InlineRequestBody, Timings
from longwire.streams.state import State
from longwire.streams.upload import BadUpload, decode_base64

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.stream")

T = TypeVar("T")

_COMPLETED: Final = {"outcome": "completed", "code": None}

# Carries out one exchange: returns when it has said `finish` and its socket is closed, or raises StreamError. It may be
# cancelled at every `await`.
Kind: TypeAlias = Callable[["Exchange"], Awaitable[None]]
# By the name that STREAM_START has.
Kinds: TypeAlias = Mapping[str, Kind]


@dataclass(slots=True)
class Clock:
    """Milliseconds since the start was accepted, at each point of a stream's life.

    `content_ms` is when the first of an answer's content came, where that is not its first byte. `waited_s` are the
    seconds that were the upstream's; None where nobody counts them.
    """

    started: float
    connected_ms: int | None = None
    headers_ms: int | None = None
    first_byte_ms: int | None = None
    content_ms: int | None = None
    waited_s: float | None = None

    def since_start_ms(self, moment: float) -> int:
        """A moment of the loop's clock."""
        return max(0, round((moment - self.started) * 1000))

    def elapsed_ms(self) -> int:
        """Now."""
        return self.since_start_ms(anyio.current_time())

    async def waiting(self, upstream: Awaitable[T]) -> T:
        """Wait for it: its time, and not the host's."""
        began = time.monotonic()  # a third of what anyio's takes, and there is one for each piece of a body
        try:
            return await upstream
        finally:
            self.waited_s = (self.waited_s or 0.0) + time.monotonic() - began

    def fields(self, ms: int, page_s: float) -> dict[str, int]:
        """For the log: what is known, of a stream that took `ms`, of which `page_s` were its page's.

        `host_ms` is what is left: the time that Longwire itself took, a secret's that it waited for among it.
        """
        points = {"headers_ms": self.headers_ms, "first_byte_ms": self.first_byte_ms, "content_ms": self.content_ms}
        fields = {name: point for name, point in points.items() if point is not None}
        if self.waited_s is not None:
            fields["host_ms"] = max(0, ms - round(1000 * (self.waited_s + page_s)))
        return fields

    def timings(self) -> Timings:
        """For STREAM_END."""
        return Timings(
            connected_ms=self.connected_ms,
            headers_ms=self.headers_ms,
            first_byte_ms=self.first_byte_ms,
            total_ms=self.elapsed_ms(),
        )


class Exchange:
    """Couples one stream to what carries its request out."""

    def __init__(
        self, start: StreamStart, outlet: Outlet, body: bytes | None = None, *, at_most_once: bool = False
    ) -> None:
        """`body` is the request body where it has come whole, and not with the start.

        `at_most_once`: what may have been sent is not sent again, whatever its method.
        """
        self.stream = outlet.stream
        self.at_most_once = at_most_once
        self.asker = asker_of(start)
        self.clock = Clock(anyio.current_time())
        self.closed = Once()  # the task is over: socket closed, places given back
        # Apart from the start, which lives as long as the stream: a body is released once it was sent.
        self._inline, self.start = _without_inline_body(start)
        self._body = body
        self._outlet = outlet
        self._scope = anyio.CancelScope()
        self._changed = Pulse()
        self._log = log.bind(**audit_fields(start), grant=None)
        self._grant: str | None = None
        self._audited = False
        self._reads = False
        self.abort_reason: str | None = None  # as the protocol has it, where the page gave up
        self.recordable = True  # what allows it lets recordings have it; known before the head is told
        self.begun = False  # the policy let it be carried out: from here on something may have been sent

    # --- from the connection ---------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something changed that the task may be waiting for: credit, body bytes, a chunk that left."""
        # Both bodies may wait, each for something else.
        self._changed.beat()

    def abort(self, reason: str) -> None:
        """The page gave up: cancelling the task closes its socket."""
        self.abort_reason = reason
        self._audit_end("abort", outcome="aborted", code=None, reason=reason)
        self._scope.cancel()

    def end(self, error: StreamError) -> None:
        """The stream ended with `error`, which the page is told already."""
        self._audit_failure(error)
        self._scope.cancel()

    # --- for its kind ----------------------------------------------------------------------------------------

    def take_body(self) -> bytes | None:
        """The request body that is here whole; None if there is none, or the second time.

        Raises:
            BadUpload: it is not base64.
        """
        inline, body = self._inline, self._body
        self._inline = self._body = None
        return decode_base64(inline) if body is None and inline is not None else body

    def body_gone(self) -> None:
        """The request body that came whole is held no longer."""
        self._outlet.body_gone()

    def acknowledge_body(self, consumed: int, window: int) -> None:
        """Upload credit."""
        self._outlet.acknowledge_body(consumed, window)

    def ask_body_again(self, again: int) -> None:
        """The request body is wanted once more, from its first byte."""
        self._outlet.ask_body_again(again)

    def allowed(self, grant: str) -> None:
        """The policy lets it be carried out, by that grant."""
        self.begun = True
        self._grant = grant
        self._outlet.allowed(grant)
        self._log = self._log.bind(grant=grant)
        self._log.info("start", outcome="allowed")

    def nothing_sent(self) -> None:
        """No server was reached, so that it is as if it had not begun."""
        self.begun = False

    def attach(self, grant: str, **fields: object) -> None:
        """It only reads what another exchange carries out, by that grant: the log says attach and detach of it."""
        self._reads = True
        self._grant = grant
        self._outlet.allowed(grant)
        self._log = self._log.bind(grant=grant, **fields)
        self._log.info("attach", outcome="allowed")

    def bind(self, **fields: object) -> None:
        """Have every line of the log about it say this too."""
        self._log = self._log.bind(**fields)

    def note(self, event: str, **fields: object) -> None:
        """A line of the log about something between start and end."""
        self._log.info(event, **fields)

    def look(self) -> dict[str, Any]:
        """What `longwire top` shows of it: as the log has it, and how far it has come. Bytes, and milliseconds."""
        fields = audit_fields(self.start)
        if fields["destination"] != PRIVATE:
            fields["destination"] = without_query(fields["destination"])
        stream, upload = self.stream, self.stream.upload
        waits_for = "upstream" if self.begun or self._reads else "host"
        return {
            **fields,
            "kind": self.start.kind or DEFAULT_KIND,
            "grant": self._grant,
            "state": stream.state.name.lower(),
            "waits_for": "page" if stream.spent and stream.state is State.BODY else waits_for,
            "down": stream.pushed,
            "up": 0 if upload is None else upload.received,
            "age_ms": self.clock.elapsed_ms(),
        }

    async def may_begin(self) -> None:
        """Wait until the response's head may be queued."""
        await self._outlet.may_begin()

    def headers(self, head: StreamHeaders, grant: str) -> None:
        """The response's head, and the grant that led there in the end."""
        self._grant = grant
        self._log = self._log.bind(grant=grant)
        told = {"grant": grant} if self.recordable else {"grant": grant, "recordable": False}
        self._outlet.headers(head.model_copy(update=told))
        if not self._reads:
            self._log.info("headers", status=head.status, ms=self.clock.headers_ms)

    async def room(self, unless: Callable[[], bool] = lambda: False) -> int:
        """Wait until the page's credit and the read-ahead allow to read; returns how many bytes.

        0 as soon as `unless` is true, which is asked whenever something changed.
        """
        while not (room := self._outlet.wants()) and not unless():
            if not self.stream.spent:
                await self._changed.wait()
                continue
            began = anyio.current_time()
            await self._changed.wait()
            self.stream.counters.credit_wait_s += anyio.current_time() - began
        return room

    @property
    def has_room(self) -> bool:
        """Whether `room` would return at once."""
        return self._outlet.wants() > 0

    @property
    def room_now(self) -> int:
        """What `room` would give now, possibly 0."""
        return self._outlet.wants()

    @property
    def taken(self) -> int:
        """How many bytes of the body the page says to have taken."""
        return self._outlet.taken()

    async def changed(self) -> None:
        """Wait until the page sent body bytes or gave credit, or a chunk left."""
        await self._changed.wait()

    def first_byte(self) -> None:
        """The first of the body is here."""
        self.clock.first_byte_ms = self.clock.elapsed_ms()
        if not self._reads:
            self._log.info("first byte", ms=self.clock.first_byte_ms)

    def push(self, data: bytes) -> None:
        """The next bytes of the body."""
        self._outlet.push(data)

    def finish(self, completeness: Completeness) -> None:
        """The body is whole."""
        timings = self.clock.timings()
        if not self._audited:
            self._audited = True
            # The line is written when the last chunk has left and with it what was counted. What comes between, an
            # abort among it, finds a body that is whole.
            pushed, ms = self.stream.pushed, timings.total_ms
            self.stream.when_over = lambda: self._log_end(
                "end", **_COMPLETED, completeness=completeness, bytes=pushed, ms=ms
            )
        self._outlet.finish(completeness, timings)

    def revoke(self, error: StreamError) -> None:
        """What allowed it does so no longer: nothing more of it reaches the page."""
        if self._outlet.waits_out(error):
            return
        if self.stream.state in (State.OPEN, State.BODY):
            error = error.in_phase(self.stream.phase)
            self._audit_failure(error)
            self._outlet.fail_now(error)
        self._scope.cancel()

    # --- the task --------------------------------------------------------------------------------------------

    async def run(self, kinds: Kinds) -> None:
        """Carry the request out. Returns when the socket is closed; never raises but on cancellation from outside."""
        try:
            with self._scope:
                # Aborted in the very batch that started it: nothing was decided, no place, rate or secret is touched.
                await anyio.lowlevel.checkpoint_if_cancelled()
                await _kind_of(self.start, kinds)(self)
            if not self._audited:
                raise RuntimeError("an exchange came back from its kind without an end")
        except StreamError as error:
            self._fail(error)
        except LongwireError as error:
            self._fail(StreamError(error.code, error.text, Phase.POLICY))
        except BadUpload as error:
            self._fail(StreamError(ErrorCode.PROTOCOL, str(error), Phase.POLICY))
        except Exception as error:  # noqa: BLE001  (one stream's defect must not take the others down)
            self._log.error("defect", exc_info=error)
            message = "the host failed inside and dropped this stream; its log says where (`longwire logs`)"
            self._fail(StreamError(ErrorCode.HOST_LOST, message, Phase.CLOSE))
        finally:
            self.gone()

    def gone(self) -> None:
        """The task is over, whether or not it came to `run`. Idempotent."""
        self.closed.happen()
        # Without effect but where the task was cancelled from outside, with all of its connection.
        self._audit_end("abort", outcome="aborted", code=None, reason=self._outlet.gone)

    def _fail(self, error: StreamError) -> None:
        if self.stream.state not in (State.OPEN, State.BODY):
            return
        self._audit_failure(error)
        self._outlet.fail(error)

    def _audit_failure(self, error: StreamError) -> None:
        self._audit_end("error", **failure_fields(error, private=self.start.page.private))

    def _audit_end(self, event: str, **fields: object) -> None:
        """The one line about how the stream ended."""
        if not self._audited:
            self._audited = True
            self._log_end(event, **fields, bytes=self.stream.pushed, ms=self.clock.elapsed_ms())

    def _log_end(self, event: str, *, ms: int, **fields: object) -> None:
        counters = self.stream.counters
        event = "detach" if self._reads else event
        timed = self.clock.fields(ms, counters.credit_wait_s)
        self._log.info(event, **fields, ms=ms, **timed, **counters.fields())


def asker_of(start: StreamStart) -> str:
    """Whose request it is, to whatever is not shared. See `Page.asker`."""
    return start.page.asker


def _kind_of(start: StreamStart, kinds: Kinds) -> Kind:
    name = start.kind or DEFAULT_KIND
    if (kind := kinds.get(name)) is not None:
        return kind
    raise StreamError(
        ErrorCode.PROTOCOL,
        f'this native host has no exchanges of the kind "{name}", but of {", ".join(sorted(kinds))}: update it, '
        "then reload the extension",
        Phase.POLICY,
    )


def _without_inline_body(start: StreamStart) -> tuple[str | None, StreamStart]:
    if not isinstance(start.body, InlineRequestBody):
        return None, start
    emptied = start.body.model_copy(update={"data": ""})
    return start.body.data, start.model_copy(update={"body": emptied})
