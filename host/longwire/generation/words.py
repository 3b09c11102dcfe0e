"""What providers call their failures: types, codes and sentences, each with what it is here. One table for all of them,
because servers that speak one vendor's protocol use another's words.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from longwire.protocol.generation import FailureCode

# `type` and `code` of errors, in lower case. Of both, the code is the more exact one and is looked at first.
CODES: Final[Mapping[str, FailureCode]] = {
    # OpenAI, and whoever is compatible
    "insufficient_quota": FailureCode.QUOTA_EXCEEDED,
    "billing_hard_limit_reached": FailureCode.QUOTA_EXCEEDED,
    "billing_not_active": FailureCode.QUOTA_EXCEEDED,
    "credit_balance_exhausted": FailureCode.QUOTA_EXCEEDED,
    "spend_limit_exceeded": FailureCode.QUOTA_EXCEEDED,
    "spending_limit_exceeded": FailureCode.QUOTA_EXCEEDED,
    "rate_limit_exceeded": FailureCode.RATE_LIMITED,
    "rate_limit_reached": FailureCode.RATE_LIMITED,
    "too_many_requests": FailureCode.RATE_LIMITED,
    "context_length_exceeded": FailureCode.CONTEXT_TOO_LONG,
    "string_above_max_length": FailureCode.CONTEXT_TOO_LONG,
    "model_not_found": FailureCode.MODEL_UNKNOWN,
    "invalid_api_key": FailureCode.AUTHENTICATION,
    "invalid_authentication": FailureCode.AUTHENTICATION,
    "content_filter": FailureCode.CONTENT_FILTERED,
    "content_policy_violation": FailureCode.CONTENT_FILTERED,
    "image_content_policy_violation": FailureCode.CONTENT_FILTERED,
    "misalignment_policy_violation": FailureCode.CONTENT_FILTERED,
    "bio_policy": FailureCode.CONTENT_FILTERED,
    "invalid_prompt": FailureCode.CONTENT_FILTERED,  # "your prompt was flagged"
    "moderation_blocked": FailureCode.CONTENT_FILTERED,
    "server_overloaded": FailureCode.OVERLOADED,
    "engine_overloaded": FailureCode.OVERLOADED,
    "slow_down": FailureCode.OVERLOADED,
    "server_error": FailureCode.GENERATION_FAILED,
    "invalid_request_error": FailureCode.BAD_REQUEST,
    # Anthropic
    "rate_limit_error": FailureCode.RATE_LIMITED,
    "authentication_error": FailureCode.AUTHENTICATION,
    "permission_error": FailureCode.AUTHENTICATION,
    "billing_error": FailureCode.QUOTA_EXCEEDED,
    "overloaded_error": FailureCode.OVERLOADED,
    "request_too_large": FailureCode.CONTEXT_TOO_LONG,
    "timeout_error": FailureCode.PROVIDER_UNAVAILABLE,
    "api_error": FailureCode.GENERATION_FAILED,
    # llama.cpp
    "exceed_context_size_error": FailureCode.CONTEXT_TOO_LONG,
    "unavailable_error": FailureCode.PROVIDER_UNAVAILABLE,
    # vLLM
    "badrequesterror": FailureCode.BAD_REQUEST,
    "internalservererror": FailureCode.GENERATION_FAILED,
}

# Sentences, where type and code are missing or say too little. The first that matches decides.
_SENTENCES: Final = (
    # xAI says this with 400.
    (r"(?:incorrect|invalid|missing|no) api[- ]key", FailureCode.AUTHENTICATION),
    # Anthropic says this with 400 and `invalid_request_error`; xAI with 403 or 429.
    (
        r"credit balance is too low|exceeded your current quota|used all available credits"
        r"|spend(?:ing)? limit|out of credits|insufficient (?:quota|balance|credits)",
        FailureCode.QUOTA_EXCEEDED,
    ),
    # OpenAI says this with 429: it is never going to fit, however long one waits.
    (r"request too large", FailureCode.CONTEXT_TOO_LONG),
    (
        r"prompt is too long|maximum context length|context (?:length|size|window)|exceeds? the (?:available )?context"
        r"|input length .{0,40}exceed|too many tokens|longer than the maximum model length",
        FailureCode.CONTEXT_TOO_LONG,
    ),
    (
        r"model\b.{0,120}(?:does not exist|not found|not exist)|(?:no such|unknown) model|^model: ",
        FailureCode.MODEL_UNKNOWN,
    ),
    (
        r"content (?:violates|policy|filter)|usage guidelines|safety (?:system|check)|was flagged",
        FailureCode.CONTENT_FILTERED,
    ),
    (r"overloaded|over capacity|server busy|maximum pending requests", FailureCode.OVERLOADED),
    (r"rate limit", FailureCode.RATE_LIMITED),
)
_PATTERNS: Final = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), code) for pattern, code in _SENTENCES)


class Said(NamedTuple):
    """What an error says of itself; empty where it says nothing. `codes`: its code and its type, in this order."""

    codes: tuple[str, ...] = ()
    message: str = ""
    # A code that is a number is a status of HTTP.
    status: int | None = None
    # The field of the request that is wrong.
    param: str = ""


def said_by(value: Any) -> Said | None:
    """The error in a JSON value; None where there is none.

    The forms: `{"error": {…}}`, `{"error": "text"}`, `{"type": "error", "code", "message"}`, `{"object": "error", …}`,
    `{"code", "error": "text"}` (xAI), and each of them in a list.
    """
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return None
    error = value.get("error")
    if isinstance(error, dict) and error:
        param = error.get("param")
        return Said(_codes(error), _message(error), _status(error), param if isinstance(param, str) else "")
    if isinstance(error, str) and error:
        return Said(_codes(value), error, _status(value))
    # An `error` that is null or empty says nothing: every response of OpenAI's that went well has one.
    if value.get("type") == "error" or value.get("object") == "error":
        return Said(_codes(value), _message(value), _status(value))
    return None


def meaning(said: Said) -> FailureCode | None:
    """What the words mean; None where they mean nothing that is known."""
    known = [CODES[code] for code in said.codes if code in CODES]
    exact = next((code for code in known if code not in _VAGUE), None)
    if exact is not None and exact is not FailureCode.RATE_LIMITED:
        return exact
    for pattern, code in _PATTERNS:
        if pattern.search(said.message, 0, _READ_CHARS):
            return code
    return exact or (known[0] if known else None)


# How far a message is read for a sentence. It may be as long as an event, and one that says "model" all the way takes
# seconds for each of its mebibytes.
_READ_CHARS: Final = 4_096
# What a type says that stands beside a better sentence.
_VAGUE: Final = frozenset({FailureCode.BAD_REQUEST, FailureCode.GENERATION_FAILED})


def _codes(error: dict[str, Any]) -> tuple[str, ...]:
    values = (error.get("code"), error.get("type"))
    return tuple(value.lower() for value in values if isinstance(value, str) and value not in ("", "error"))


def _status(error: dict[str, Any]) -> int | None:
    code = error.get("code")
    return code if isinstance(code, int) and 400 <= code < 600 else None


def _message(error: dict[str, Any]) -> str:
    message = error.get("message")
    return message if isinstance(message, str) else ""
