"""How long a provider asks to wait: headers, and words where there are no headers. Results are milliseconds."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

# Go's durations, as OpenAI and Groq write them: "1h0m5s", "2m59.56s", "120ms".
_GO_UNITS: Final = {"h": 3_600_000.0, "m": 60_000.0, "s": 1_000.0, "ms": 1.0, "us": 0.001, "µs": 0.001, "ns": 0.000001}
_GO_PART: Final = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)(ms|us|µs|ns|h|m|s)", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,16}(?:\.\d{1,12})?", re.ASCII)
_TRY_AGAIN: Final = re.compile(
    r"(?:try again|retry) (?:in|after) ((?:\d{1,12}(?:\.\d{1,12})?(?:ms|h|m|s))+)\b", re.IGNORECASE | re.ASCII
)
_LIMIT: Final = re.compile(
    r"(?:anthropic-ratelimit-(?P<a>[a-z-]+)-reset|x-ratelimit-reset(?:-(?P<x>[a-z-]+))?)", re.ASCII
)
# A year. Whoever says more says nothing.
LONGEST_MS: Final = 366 * 24 * 3_600_000
# Numbers above these are points in time: seconds, and milliseconds, since 1970.
_EPOCH_S: Final = 1e9
_EPOCH_MS: Final = 1e11


def retry_after(headers: Mapping[str, str], now_s: float) -> int | None:
    """Milliseconds that the headers ask to wait, None where they say nothing that can be understood.

    `headers`: names in lower case. `now_s`: seconds since 1970, for answers without a `Date` of their own; the server's
    clock is the one by which its dates are meant.
    """
    now_s = _date_s(headers.get("date", "")) or now_s
    if (text := _NUMBER.fullmatch(headers.get("retry-after-ms", "").strip())) is not None:
        return _bounded(float(text[0]))
    value = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(value):
        return _bounded(float(value) * 1_000)
    if (date_s := _date_s(value)) is not None:
        return _bounded((date_s - now_s) * 1_000)
    return _of_limits(headers, now_s)


def in_words(message: str) -> int | None:
    """Of "Please try again in 1.2s": events inside an answer have no headers."""
    match = _TRY_AGAIN.search(message)
    return None if match is None else _go_duration(match[1])


def _of_limits(headers: Mapping[str, str], now_s: float) -> int | None:
    """When the limit that was met is lifted; of several that may be it, the last."""
    delays: dict[str, int] = {}
    exhausted: set[str] = set()
    for name, value in headers.items():
        match = _LIMIT.fullmatch(name)
        if match is None or (delay := _reset(value.strip(), now_s)) is None:
            continue
        delays[name] = delay
        if _remaining(headers, match) == 0:
            exhausted.add(name)
    return max((delays[name] for name in exhausted or delays), default=None)


def _remaining(headers: Mapping[str, str], match: re.Match[str]) -> int | None:
    if match["a"] is not None:
        name = f"anthropic-ratelimit-{match['a']}-remaining"
    else:
        name = f"x-ratelimit-remaining-{match['x']}" if match["x"] else "x-ratelimit-remaining"
    value = headers.get(name, "").strip()
    return int(value) if re.fullmatch(r"\d{1,18}", value, re.ASCII) else None


def _reset(value: str, now_s: float) -> int | None:
    if _NUMBER.fullmatch(value):
        number = float(value)
        if number >= _EPOCH_MS:
            return _bounded(number - now_s * 1_000)
        return _bounded((number - now_s) * 1_000 if number >= _EPOCH_S else number * 1_000)
    if (delay := _go_duration(value)) is not None:
        return delay
    try:
        date = datetime.fromisoformat(value)
    except ValueError:
        return None
    return _bounded(((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now_s) * 1_000)


def _go_duration(text: str) -> int | None:
    parts: Iterable[tuple[str, str]] = _GO_PART.findall(text)
    if not text or "".join(number + unit for number, unit in parts) != text:
        return None
    return _bounded(sum(float(number) * _GO_UNITS[unit] for number, unit in parts))


def _date_s(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # of a year, an hour or a zone with twenty digits
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _bounded(delay_ms: float) -> int:
    return int(min(max(delay_ms, 0.0), LONGEST_MS))
