"""Why a generation failed: from an HTTP answer, from an error inside an answer, from a connection that broke.

A failure says two different things. `retryable`: asked again later, unchanged, it may go well. `refused`: the provider
has certainly not begun to work on it, so that asking again costs nobody anything. Only `retrying` uses the second.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from longwire.generation.bounds import MAX_FAILURE_BYTES, MAX_QUOTED_CHARS
from longwire.generation.delays import in_words, retry_after
from longwire.generation.words import Said, meaning, said_by
from longwire.protocol.errors import ERRORS, Phase, StreamError, printable
from longwire.protocol.errors import ErrorCode as StreamCode
from longwire.protocol.generation import FailureCode


class Failure(NamedTuple):
    """The end of a generation that did not go well. `message` is for people and has no secret in it.

    `only_whole`: the provider gives this answer in one piece, and does not stream it. `reason`: what is known besides,
    for the log, which may name what no page should know, such as an address.
    """

    code: FailureCode | StreamCode
    message: str
    retryable: bool
    retry_after_ms: int | None = None
    refused: bool = False
    only_whole: bool = False
    reason: str | None = None


_TEXTS: Final[Mapping[FailureCode, str]] = {
    FailureCode.RATE_LIMITED: "The provider has had too many requests for now",
    FailureCode.QUOTA_EXCEEDED: "The provider's quota or credit for this key is used up",
    # Nothing of the provider's own: it quotes parts of the key.
    FailureCode.AUTHENTICATION: "The provider does not accept the key that the policy gives it, or not for this",
    FailureCode.OVERLOADED: "The provider is overloaded",
    FailureCode.PROVIDER_UNAVAILABLE: "The provider cannot be reached or does not work",
    FailureCode.CONTEXT_TOO_LONG: "The input is longer than the model or the provider takes",
    FailureCode.CONTENT_FILTERED: "The provider refuses this content",
    FailureCode.MODEL_UNKNOWN: "The provider does not have this model, or not for this key",
    FailureCode.BAD_REQUEST: "The provider does not accept the request",
    FailureCode.GENERATION_FAILED: "The provider failed",
    FailureCode.ENDED_EARLY: "The answer ended before the provider said that it was whole",
}
_RETRYABLE: Final = frozenset(
    {
        FailureCode.RATE_LIMITED,
        FailureCode.OVERLOADED,
        FailureCode.PROVIDER_UNAVAILABLE,
        FailureCode.GENERATION_FAILED,
        FailureCode.ENDED_EARLY,
    }
)
_BY_STATUS: Final[Mapping[int, FailureCode]] = {
    400: FailureCode.BAD_REQUEST,
    401: FailureCode.AUTHENTICATION,
    402: FailureCode.QUOTA_EXCEEDED,
    403: FailureCode.AUTHENTICATION,
    405: FailureCode.PROVIDER_UNAVAILABLE,
    408: FailureCode.PROVIDER_UNAVAILABLE,
    409: FailureCode.PROVIDER_UNAVAILABLE,
    413: FailureCode.CONTEXT_TOO_LONG,
    422: FailureCode.BAD_REQUEST,
    425: FailureCode.PROVIDER_UNAVAILABLE,
    429: FailureCode.RATE_LIMITED,
    529: FailureCode.OVERLOADED,
}
# What goes wrong on the way to a provider, whose address is the policy's and not the page's to know.
_UNCONNECTED: Final[Mapping[StreamCode, str]] = {
    StreamCode.UPSTREAM_DNS: "The provider's name did not resolve; `longwire logs` says which",
    StreamCode.UPSTREAM_CONNECT: "No connection to the provider was made; `longwire logs` says why",
    StreamCode.UPSTREAM_TLS: "No TLS with the provider; `longwire logs` says why",
    StreamCode.POLICY_DENIED: (
        "The provider is at an address that the policy does not open to it; `longwire logs` says what would"
    ),
}
# Providers quote the ends of a key, with stars between.
_LIKE_A_KEY: Final = re.compile(r"\b(?:sk|pk|xai|gsk)-[^\s,;\"']+|[^\s,;\"']*\*\*\*[^\s,;\"']*")
# The provider says that it did nothing.
_REFUSALS: Final = frozenset({429, 503, 529})
# What an error inside an answer says so of, if it is the first thing that is said.
_REFUSED_IN_WORDS: Final = frozenset({FailureCode.OVERLOADED, FailureCode.RATE_LIMITED})


def failure(
    code: FailureCode, detail: str = "", *, retry_after_ms: int | None = None, refused: bool = False
) -> Failure:
    """One of ours, with `detail` (the provider's words, or the reason) after what the code means."""
    text = _TEXTS[code]
    if detail and code is not FailureCode.AUTHENTICATION:
        text = f"{text}: {_quoted(detail)}"
    return Failure(code, printable(text), code in _RETRYABLE, retry_after_ms, refused)


def of_answer(status: int, headers: Mapping[str, str], body: bytes, now_s: float) -> Failure:
    """Of an HTTP answer that is no success. A redirect is one: a generation follows none.

    `headers`: names in lower case. `body`: as much of it as was read, MAX_FAILURE_BYTES are enough. `now_s`: seconds
    since 1970, for a `retry-after` that is a date.
    """
    said = _said_in(body)
    code = _code_of(status, said)
    detail = said.message
    if 300 <= status < 400:
        detail = "it answers with a redirect, which a generation does not follow; correct its base_url"
    elif code is FailureCode.PROVIDER_UNAVAILABLE and status in (404, 405):
        detail = f"it has nothing at this address (status {status}); correct its base_url or kind"
    elif not detail:
        detail = f"status {status}"
    delay = retry_after(headers, now_s)
    if delay is None and code is FailureCode.RATE_LIMITED:
        delay = in_words(said.message)
    made = failure(code, detail, retry_after_ms=delay, refused=status in _REFUSALS)
    if code is FailureCode.BAD_REQUEST and said.param == "stream":
        return made._replace(only_whole=True)
    wrong_address = code is FailureCode.PROVIDER_UNAVAILABLE and status < 408
    return made._replace(retryable=False) if wrong_address else made


def of_event(said: Said, *, delivered: bool) -> Failure:
    """Of an error inside an answer that began well. `delivered`: content, thoughts or calls came before it."""
    code = meaning(said) or FailureCode.GENERATION_FAILED
    if said.status is not None:
        code = _code_of(said.status, said)
    delay = in_words(said.message) if code is FailureCode.RATE_LIMITED else None
    return failure(code, said.message, retry_after_ms=delay, refused=not delivered and code in _REFUSED_IN_WORDS)


def of_stream(error: StreamError) -> Failure:
    """Of what the host itself failed with. What never became a connection was never asked."""
    unconnected = error.phase is Phase.CONNECT and ERRORS[error.code].retryable
    text = _UNCONNECTED.get(error.code, error.text) if error.phase is Phase.CONNECT else error.text
    return Failure(error.code, text, error.retryable, error.retry_after_ms, unconnected, reason=error.reason)


def without_address(error: StreamError) -> StreamError:
    """The same, as a page may read it that does not know where its provider is."""
    if error.phase is not Phase.CONNECT or error.code not in _UNCONNECTED:
        return error
    return StreamError(
        error.code,
        _UNCONNECTED[error.code],
        error.phase,
        error.reason,
        retryable=error.retryable,
        needed_network=error.needed_network,
        command="longwire logs",
    )


def _code_of(status: int, said: Said) -> FailureCode:
    words = meaning(said)
    if status == 404:
        # Without words of its own it is the address that is wrong, not the model.
        return words if words is FailureCode.MODEL_UNKNOWN else FailureCode.PROVIDER_UNAVAILABLE
    if status >= 500:
        serious = words in (FailureCode.OVERLOADED, FailureCode.QUOTA_EXCEEDED, FailureCode.CONTEXT_TOO_LONG)
        return words if serious and words else _BY_STATUS.get(status, FailureCode.PROVIDER_UNAVAILABLE)
    by_status = _BY_STATUS.get(status, FailureCode.BAD_REQUEST if status >= 400 else FailureCode.PROVIDER_UNAVAILABLE)
    if words is None or words in (FailureCode.BAD_REQUEST, FailureCode.GENERATION_FAILED) or status == 401:
        return by_status
    return words


def _said_in(body: bytes) -> Said:
    try:
        value: Any = orjson.loads(body[:MAX_FAILURE_BYTES])
    except ValueError:
        return Said()
    if (said := said_by(value)) is not None:
        return said
    # FastAPI, on which many servers of models stand; and those that say a message and nothing around it.
    text = (value.get("detail") or value.get("message")) if isinstance(value, dict) else None
    return Said((), text) if isinstance(text, str) else Said()


def _quoted(detail: str) -> str:
    line = _LIKE_A_KEY.sub("[a key]", " ".join(detail[: 4 * MAX_QUOTED_CHARS].split()))
    return line if len(line) <= MAX_QUOTED_CHARS else line[: MAX_QUOTED_CHARS - 1] + "…"
