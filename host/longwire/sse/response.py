"""The response: an ASGI application for one answer, and what Starlette and FastAPI want of something returned."""

import contextlib
import functools
import sys
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, Self, TypeAlias, cast

from longwire.sse.delivery import Delivery, Receive, Send, close
from longwire.sse.events import WrittenEvent

# Gets the `Last-Event-ID` of the request, None if there is none: events behind that one are asked for.
Producer: TypeAlias = Callable[[str | None], AsyncIterable[WrittenEvent]]

_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # No cache may keep it, no proxy compress it and wait for more to compress.
    (b"cache-control", b"no-store, no-transform"),
    # nginx, and what imitates it, passes each piece on at once.
    (b"x-accel-buffering", b"no"),
)


class EventResponse:
    """Streams the events of a producer: `return` it from a route, or call it as an ASGI application.

        async def answer(last_event_id):
            yield Event("text", "Hello")
            yield Event("done")

        return EventResponse(answer)

    The producer is closed within moments when the client leaves; a failure of it becomes one `error` event without its
    text, and is raised to the server once that was sent. A function serves any number of requests, a generator that it
    made (`EventResponse(answer(None))`) one.

    `raw_headers` may be added to. `background`, if set, is awaited at the end, as in Starlette.
    """

    status_code: Final = 200

    def __new__(cls, *_: object, **__: object) -> Self:
        return cast("Self", object.__new__(_for_frameworks(cls)))

    def __init__(self, source: Producer | AsyncIterable[WrittenEvent], *, heartbeat_s: float = 30.0) -> None:
        """Prepare it; nothing of the producer runs before the response is sent.

        Raises:
            TypeError: the source is neither an asynchronous iterable nor a function.
            ValueError: `heartbeat_s`, the seconds of silence after which a comment is sent, is not above 0.
        """
        if not callable(source):
            _check_iterable(source)
        if not heartbeat_s > 0:
            raise ValueError("heartbeat_s is a number of seconds above 0")
        self._source = source
        self._heartbeat_s = heartbeat_s
        self._used = False
        self.raw_headers: list[tuple[bytes, bytes]] = list(_HEADERS)
        self.background: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            TypeError: it is no HTTP request, or what the producer gave is no asynchronous iterable.
            RuntimeError: the generator has served another request.
            Exception: whatever the producer failed with, when the response is over.
        """
        if scope["type"] != "http":
            raise TypeError(f"an EventResponse answers HTTP requests, and this is {scope['type']!r}")
        if scope["method"] == "HEAD":
            await self._answer_head(send)
        else:
            events = self._opened(_last_event_id(scope))
            failure = await Delivery(receive, send, self._heartbeat_s).run(self.raw_headers, events)
            if failure is not None:
                raise failure
        if self.background is not None:
            await self.background()

    def _opened(self, last_event_id: str | None) -> AsyncIterator[object]:
        if callable(self._source):
            source = self._source(last_event_id)
            _check_iterable(source)
            return aiter(source)
        if self._used:
            raise RuntimeError("this generator has served a request: give EventResponse the function that makes it")
        self._used = True
        return aiter(self._source)

    async def _answer_head(self, send: Send) -> None:
        if not callable(self._source):
            await close(self._source)  # it would have nobody to speak to
        with contextlib.suppress(OSError):
            await send({"type": "http.response.start", "status": 200, "headers": list(self.raw_headers)})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _check_iterable(source: object) -> None:
    if not isinstance(source, AsyncIterable):
        raise TypeError(
            f"a producer is an `async def` with `yield` in it, called or not, and this is a {type(source).__name__}"
        )


def _last_event_id(scope: Mapping[str, Any]) -> str | None:
    for name, value in scope["headers"]:
        if name.lower() == b"last-event-id":
            # HTML, 9.2.3: browsers send it in UTF-8. What is none was no id of ours.
            return bytes(value).decode("utf-8", "replace") or None
    return None


def _for_frameworks(cls: type) -> type:
    """`cls`, as a subclass of Starlette's Response where Starlette is in use.

    Starlette calls whatever a route returns. FastAPI asks whether it is a Response, and makes JSON of anything else:
    the answer would be `{}`, with status 200.
    """
    base = getattr(sys.modules.get("starlette.responses"), "Response", None)
    return cls if base is None or issubclass(cls, base) else _joined(cls, base)


@functools.cache
def _joined(cls: type, base: type) -> type:
    return type(cls.__name__, (cls, base), {"__module__": cls.__module__, "__doc__": cls.__doc__})
