"""What `longwire replay` prints."""

import sys
from datetime import datetime
from typing import Any, Final

import orjson

from longwire.console import output
from longwire.recording.reader import RecordedStream, Recording
from longwire.replay.matching import target_of
from longwire.replay.steps import Act, Step, content_type

_STYLES: Final = {"whole": "green", "stalled": "yellow", "broken off": "yellow", "left by the client": "dim"}
_SHOWN_STREAMS: Final = 20
_TARGET_CHARS: Final = 60


class Words:
    """For people."""

    def __init__(self, *, by_key: bool) -> None:
        self._by_key = by_key

    def opened(self, origin: str, recording: Recording) -> None:
        """The server listens."""
        _say(f"Answers at {origin} as recorded by {_clean(recording.head.made_by)}. Ctrl-C ends it.")
        for stream in recording.streams[:_SHOWN_STREAMS]:
            _say(f"  {stream.number:>3}  {_describe(stream)}")
        if len(recording.streams) > _SHOWN_STREAMS:
            _say(f"       and {len(recording.streams) - _SHOWN_STREAMS} more; each is at /stream/NUMBER too")
        if self._by_key:
            _say("Each Enter sends the next piece.")

    def began(self, exchange: int, method: str, target: str, stream: RecordedStream) -> None:
        """See Watcher."""
        _say_marked("asked", f"#{exchange} {_short(f'{method} {target}')}: stream {stream.number}", "cyan")

    def refused(self, method: str, target: str, why: str) -> None:
        """See Watcher."""
        _say_marked("refused", _short(f"{method} {target}: {why}"), "red")

    def waits(self, exchange: int, step: Step) -> None:
        """See Watcher."""
        if self._by_key:
            _say_marked("Enter", f"#{exchange} {_next(step)}", "bold")

    def did(self, exchange: int, step: Step, late_ms: float) -> None:
        """See Watcher."""

    def ended(self, exchange: int, **figures: Any) -> None:
        """See Watcher."""
        how = str(figures["how"])
        late = "" if self._by_key else f", at most {figures['late_worst_ms']:.1f} ms late"
        _say_marked(
            "ended", f"#{exchange} {how}: {figures['bytes']:,} bytes in {figures['seconds']:.1f} s{late}", _STYLES[how]
        )


class JsonLines:
    """For machines: each thing that happens as one line."""

    def opened(self, origin: str, recording: Recording) -> None:
        """The server listens."""
        streams = [
            {"number": each.number, "method": each.request.method, "target": target_of(each), "bytes": each.size}
            for each in recording.streams
        ]
        _put(event="opened", origin=origin, streams=streams)

    def began(self, exchange: int, method: str, target: str, stream: RecordedStream) -> None:
        """See Watcher."""
        _put(event="asked", exchange=exchange, method=method, target=target, stream=stream.number)

    def refused(self, method: str, target: str, why: str) -> None:
        """See Watcher."""
        _put(event="refused", method=method, target=target, why=why)

    def waits(self, exchange: int, step: Step) -> None:
        """See Watcher."""

    def did(self, exchange: int, step: Step, late_ms: float) -> None:
        """See Watcher."""
        act = step.act.name.lower()
        _put(event="did", exchange=exchange, act=act, t=step.t, bytes=len(step.data), late_ms=round(late_ms, 3))

    def ended(self, exchange: int, **figures: Any) -> None:
        """See Watcher."""
        _put(event="ended", exchange=exchange, **figures)


def _say(text: str) -> None:
    output.say(text)
    sys.stdout.flush()  # whoever reads it by a pipe waits for it


def _say_marked(word: str, rest: str, style: str) -> None:
    output.say_marked(word, rest, style)
    sys.stdout.flush()


def _put(**line: Any) -> None:
    sys.stdout.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE).decode())
    sys.stdout.flush()


def _describe(stream: RecordedStream) -> str:
    what = _short(f"{stream.request.method} {target_of(stream)}")
    if stream.response is None:
        return f"{what}  no answer, {stream.end.code if stream.end else 'given up'}"
    kind = "websocket" if stream.request.kind == "websocket" else content_type(stream).partition(";")[0]
    pieces = f"{len(stream.down)} {'messages' if kind == 'websocket' else 'pieces'}"
    seconds = max(stream.last_t.values()) / 1000
    at = datetime.fromisoformat(stream.request.at).strftime("%Y-%m-%d %H:%M")
    return f"{what}  {stream.response.status} {_clean(kind)}, {stream.size:,} bytes in {pieces}, {seconds:.1f} s, {at}"


def _next(step: Step) -> str:
    if step.act is Act.DATA:
        text = _short(step.data[:200].decode("utf-8", "replace"))
        return f"sends {len(step.data):,} bytes of {step.t / 1000:.3f} s: {text}"
    words = {Act.HEAD: "sends the head", Act.FINISH: "ends the answer", Act.STALL: "stalls", Act.BREAK: "breaks off"}
    return words[step.act]


def _short(text: str) -> str:
    text = _clean(text)
    return text if len(text) <= _TARGET_CHARS else text[: _TARGET_CHARS - 1] + "…"


def _clean(text: str) -> str:
    """What a console would obey is shown as what it is."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
