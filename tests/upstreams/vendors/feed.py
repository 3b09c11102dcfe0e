"""An event stream that can be resumed (HTML, section 9.2), and lines of text as a log is followed."""

from tests.upstreams.vendors.wire import TEXTS, Piece, Wire, compact, event, json_answer

_REFUSAL = json_answer(503, {"title": "Maintenance — back soon"}, {"Retry-After": "1"})

EVENTS = Wire(
    name="events",
    media_type="text/event-stream",
    whole=json_answer(200, {"text": "".join(TEXTS)}),
    pieces=(
        # A client that lost the connection is back in a millisecond, so that no test waits for it.
        Piece(b"retry: 1\n" + event(TEXTS[0], event_id=0), TEXTS[0]),
        *(Piece(event(text, kind="news", event_id=number), text) for number, text in enumerate(TEXTS[1:], 1)),
        Piece(event("end", kind="close", event_id=len(TEXTS))),
    ),
    refusal=_REFUSAL,
    early=b": still there\n\n",
    resumes=True,
)

LINES = Wire(
    name="lines",
    media_type="application/x-ndjson; charset=utf-8",
    whole=json_answer(200, {"text": "".join(TEXTS)}, {"X-Total-Count": "5"}),
    pieces=tuple(Piece(line, line.decode()) for line in (compact({"text": text}).encode() + b"\n" for text in TEXTS)),
    refusal=_REFUSAL,
)
