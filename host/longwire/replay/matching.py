"""Which stream of a recording answers a request."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from longwire.recording.reader import RecordedStream

_BY_NUMBER: Final = re.compile(r"/stream/([0-9]{1,6})")


def target_of(stream: RecordedStream) -> str:
    """Path and query of its request; of a generation, `/generate`."""
    parts = urlsplit(stream.request.url)
    path = parts.path if parts.netloc else f"/{parts.path}"
    return f"{path or '/'}{'?' + parts.query if parts.query else ''}"


class Matching:
    """Of one recording. Requests that several streams could answer are answered by each in turn, over and over."""

    def __init__(self, streams: Sequence[RecordedStream]) -> None:
        self._streams = streams
        self._asked: Counter[tuple[int, ...]] = Counter()

    def find(self, method: str, target: str, *, socket: bool) -> RecordedStream | None:
        """By number (`/stream/2`), else by method, path and query, else by method and path.

        A recording of one stream answers whatever is asked. None: no stream does.
        """
        streams = [each for each in self._streams if (each.request.kind == "websocket") == socket]
        if (numbered := _BY_NUMBER.fullmatch(target.partition("?")[0])) is not None:
            return next((each for each in streams if each.number == int(numbered[1])), None)
        path = target.partition("?")[0]
        same_method = [each for each in streams if each.request.method == method]
        found = (
            [each for each in same_method if target_of(each) == target]
            or [each for each in same_method if target_of(each).partition("?")[0] == path]
            or (streams if len(self._streams) == 1 else [])
        )
        if not found:
            return None
        key = tuple(each.number for each in found)
        self._asked[key] += 1
        return found[(self._asked[key] - 1) % len(found)]
