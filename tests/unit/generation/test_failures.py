"""What a provider says when it does not answer: a code, whether and when to ask again, and words that are safe."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.generation.delays import LONGEST_MS, in_words, retry_after
from longwire.generation.failures import Failure, failure, of_answer, of_stream
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.generation import FailureCode
from longwire.protocol.limits import MAX_MESSAGE_CHARS

NOW = 1_764_500_000.0  # 30 November 2025, 10:53:20 GMT
Code = FailureCode


def _of(status: int, value: Any, **headers: str) -> Failure:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return of_answer(status, {name.replace("_", "-"): text for name, text in headers.items()}, body, NOW)


def _openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _anthropic(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


# Status, body, code, retryable, refused.
ANSWERS: dict[str, tuple[int, Any, FailureCode, bool, bool]] = {
    # OpenAI
    "openai-rate": (429, _openai("Rate limit reached for gpt-5. You can add a payment method at /account/billing.",
                                 "rate_limit_exceeded", "requests"), Code.RATE_LIMITED, True, True),
    "openai-too-large-for-the-rate": (429, _openai("Request too large for gpt-5 on tokens per min: Limit 3",
                                                   "rate_limit_exceeded"), Code.CONTEXT_TOO_LONG, False, True),
    "openai-quota": (429, _openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota"),
                     Code.QUOTA_EXCEEDED, False, True),
    "openai-key": (401, _openai("Incorrect API key provided: sk-abc***xyz", "invalid_api_key"),
                   Code.AUTHENTICATION, False, False),
    "openai-country": (403, _openai("Country not supported", "unsupported_country_region_territory"),
                       Code.AUTHENTICATION, False, False),
    "openai-model": (404, _openai("The model `gpt-9` does not exist or you do not have access to it.",
                                  "model_not_found"), Code.MODEL_UNKNOWN, False, False),
    "openai-long": (400, _openai("Your input exceeds the context window of this model.", "context_length_exceeded"),
                    Code.CONTEXT_TOO_LONG, False, False),
    "openai-flagged": (400, _openai("Invalid prompt: your prompt was flagged", "invalid_prompt"),
                       Code.CONTENT_FILTERED, False, False),
    "openai-parameter": (400, _openai("Unsupported value: 'temperature'", "unsupported_value"),
                         Code.BAD_REQUEST, False, False),
    "openai-500": (500, _openai("The server failed", None, "server_error"), Code.PROVIDER_UNAVAILABLE, True, False),
    "openai-503": (503, _openai("The engine is overloaded", None, "server_error"), Code.OVERLOADED, True, True),
    "azure-filter": (400, _openai("The response was filtered", "content_filter"), Code.CONTENT_FILTERED, False, False),
    # Anthropic
    "anthropic-rate": (429, _anthropic("rate_limit_error", "Number of tokens has exceeded your per-minute rate limit"),
                       Code.RATE_LIMITED, True, True),
    "anthropic-overloaded": (529, _anthropic("overloaded_error", "Overloaded"), Code.OVERLOADED, True, True),
    "anthropic-credit": (400, _anthropic("invalid_request_error", "Your credit balance is too low to access the API"),
                         Code.QUOTA_EXCEEDED, False, False),
    "anthropic-billing": (402, _anthropic("billing_error", "Payment required"), Code.QUOTA_EXCEEDED, False, False),
    "anthropic-key": (401, _anthropic("authentication_error", "invalid x-api-key"), Code.AUTHENTICATION, False, False),
    "anthropic-permission": (403, _anthropic("permission_error", "Not for this workspace"),
                             Code.AUTHENTICATION, False, False),
    "anthropic-model": (404, _anthropic("not_found_error", "model: claude-9"), Code.MODEL_UNKNOWN, False, False),
    "anthropic-long": (400, _anthropic("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
                       Code.CONTEXT_TOO_LONG, False, False),
    "anthropic-large": (413, _anthropic("request_too_large", "Request exceeds the maximum size"),
                        Code.CONTEXT_TOO_LONG, False, False),
    "anthropic-500": (500, _anthropic("api_error", "Internal server error"), Code.PROVIDER_UNAVAILABLE, True, False),
    # Ollama
    "ollama-model": (404, {"error": "model 'llama9' not found"}, Code.MODEL_UNKNOWN, False, False),
    "ollama-busy": (503, {"error": "server busy, please try again.  maximum pending requests exceeded"},
                    Code.OVERLOADED, True, True),
    "ollama-no-tools": (400, {"error": "registry.ollama.ai/library/x does not support tools"},
                        Code.BAD_REQUEST, False, False),
    "ollama-memory": (500, {"error": "model requires more system memory (8 GiB) than is available"},
                      Code.PROVIDER_UNAVAILABLE, True, False),
    # xAI
    "xai-credits": (403, {"code": "permission denied", "error": "Your team has used all available credits"},
                    Code.QUOTA_EXCEEDED, False, False),
    "xai-guidelines": (403, {"code": "forbidden", "error": "Content violates usage guidelines."},
                       Code.CONTENT_FILTERED, False, False),
    "xai-key": (400, {"code": "invalid argument", "error": "Incorrect API key provided: xa***yz."},
                Code.AUTHENTICATION, False, False),
    # vLLM, llama.cpp, LM Studio
    "vllm-long": (400, {"object": "error", "message": "This model's maximum context length is 4096 tokens.",
                        "type": "BadRequestError", "code": 400}, Code.CONTEXT_TOO_LONG, False, False),
    "vllm-model": (404, {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError"},
                   Code.MODEL_UNKNOWN, False, False),
    "fastapi-detail": (422, {"detail": "Not this way"}, Code.BAD_REQUEST, False, False),
    "fastapi-detail-list": (422, {"detail": [{"loc": ["body"], "msg": "x"}]}, Code.BAD_REQUEST, False, False),
    "llama-cpp-loading": (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
                          Code.PROVIDER_UNAVAILABLE, True, True),
    "llama-cpp-long": (400, {"error": {"code": 400, "type": "exceed_context_size_error", "message": "It is"}},
                       Code.CONTEXT_TOO_LONG, False, False),
    "lm-studio": (404, {"error": "Unexpected endpoint or method."}, Code.PROVIDER_UNAVAILABLE, False, False),
    # Nobody's words
    "gemini-list": (429, [{"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED"}}],
                    Code.RATE_LIMITED, True, True),
    "page-502": (502, b"<html>Bad Gateway</html>", Code.PROVIDER_UNAVAILABLE, True, False),
    "page-504": (504, b"", Code.PROVIDER_UNAVAILABLE, True, False),
    "page-503": (503, b"<html>", Code.PROVIDER_UNAVAILABLE, True, True),
    "page-404": (404, b"<html>Not Found</html>", Code.PROVIDER_UNAVAILABLE, False, False),
    "page-405": (405, b"", Code.PROVIDER_UNAVAILABLE, False, False),
    "redirect": (302, b"", Code.PROVIDER_UNAVAILABLE, False, False),
    "teapot": (418, b"", Code.BAD_REQUEST, False, False),
    "timeout": (408, b"", Code.PROVIDER_UNAVAILABLE, True, False),
    "conflict": (409, b"", Code.PROVIDER_UNAVAILABLE, True, False),
    "bare-429": (429, b"", Code.RATE_LIMITED, True, True),
    "bare-529": (529, b"", Code.OVERLOADED, True, True),
}  # fmt: skip


@pytest.mark.parametrize(("status", "body", "code", "retryable", "refused"), ANSWERS.values(), ids=ANSWERS)
def test_a_refusal_is_what_status_and_words_say_together(
    status: int, body: Any, code: FailureCode, retryable: bool, refused: bool
) -> None:
    made = _of(status, body)
    assert (made.code, made.retryable, made.refused) == (code, retryable, refused)
    assert made.retry_after_ms is None


def test_the_providers_words_are_quoted_in_one_short_line() -> None:
    made = _of(400, _openai("Wrong:\n  it\x1b[31m is  " + "x" * 1000))
    assert made.message.startswith("The provider does not accept the request: Wrong: it\\x1b[31m is x")
    assert made.message.endswith("…") and len(made.message) < 400


def test_a_message_is_read_for_a_sentence_so_far_and_no_further() -> None:
    near, far = (_of(400, _openai("." * size + " context window")).code for size in (4_000, 4_100))
    assert (near, far) == (Code.CONTEXT_TOO_LONG, Code.BAD_REQUEST)


def test_nothing_is_quoted_where_a_key_may_be() -> None:
    made = _of(401, _openai("Incorrect API key provided: sk-abc***wxyz. Find it at …", "invalid_api_key"))
    assert made.message == failure(FailureCode.AUTHENTICATION).message
    # Nor where the status says something else of it.
    for words in ("No access for sk-proj-abc123.", "Key 'xai-12***34' is blocked", "The key ab***yz may not"):
        made = _of(400, _openai(words))
        assert "[a key]" in made.message and not any(part in made.message for part in ("abc123", "34", "ab", "yz"))


DELAYS: dict[str, tuple[dict[str, str], int | None]] = {
    "none": ({}, None),
    "seconds": ({"retry-after": "20"}, 20_000),
    "decimal": ({"retry-after": "1.5"}, 1_500),
    "milliseconds-first": ({"retry-after": "20", "retry-after-ms": "150.7"}, 150),
    "date": ({"retry-after": "Sun, 30 Nov 2025 10:54:20 GMT"}, 60_000),
    "date-by-the-servers-clock": (
        {"retry-after": "Sun, 30 Nov 2025 12:00:05 GMT", "date": "Sun, 30 Nov 2025 12:00:00 GMT"}, 5_000),
    "date-that-is-over": ({"retry-after": "Sun, 30 Nov 2025 10:00:00 GMT"}, 0),
    "an-hour": ({"retry-after": "3600"}, 3_600_000),
    "for-ever": ({"retry-after": "9999999999999999"}, LONGEST_MS),
    "nonsense": ({"retry-after": "soon"}, None),
    "year-without-end": ({"retry-after": "Sun, 30 Nov 20259999999999999999 10:54:20 GMT"}, None),
    "hour-without-end": ({"date": "Sun, 30 Nov 2025 10999999999999999999:54:20 GMT", "retry-after": "1"}, 1_000),
    "negative": ({"retry-after": "-1"}, None),
    "openai": ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s",
                "x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "900"}, 1_000),
    "openai-unknown-which": ({"x-ratelimit-reset-requests": "8.64s", "x-ratelimit-reset-tokens": "120ms"}, 8_640),
    "groq": ({"x-ratelimit-reset-tokens": "2m59.56s"}, 179_560),
    "hours": ({"x-ratelimit-reset-requests": "1h0m5s"}, 3_605_000),
    "bare-seconds": ({"x-ratelimit-reset-tokens": "7"}, 7_000),
    "epoch-milliseconds": ({"x-ratelimit-reset": "1764500003000"}, 3_000),
    "epoch-seconds": ({"x-ratelimit-reset": "1764500004"}, 4_000),
    "anthropic": ({"anthropic-ratelimit-requests-reset": "2025-11-30T10:53:30Z",
                   "anthropic-ratelimit-requests-remaining": "4",
                   "anthropic-ratelimit-input-tokens-reset": "2025-11-30T10:54:20Z",
                   "anthropic-ratelimit-input-tokens-remaining": "0"}, 60_000),
    "header-before-limits": ({"retry-after": "2", "x-ratelimit-reset-tokens": "6m0s"}, 2_000),
    "not-a-duration": ({"x-ratelimit-reset-tokens": "6x"}, None),
}  # fmt: skip


@pytest.mark.parametrize(("headers", "delay"), DELAYS.values(), ids=DELAYS)
def test_a_delay_is_read_as_each_vendor_writes_it(headers: dict[str, str], delay: int | None) -> None:
    assert retry_after(headers, NOW) == delay
    assert of_answer(429, headers, b"", NOW).retry_after_ms == delay


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("Please try again in 1.242s.", 1_242),
        ("please try again in 6ms. Visit", 6),
        ("Try again in 7m12s", 432_000),
        ("Retry after 30s", 30_000),
        ("Please try again later", None),
        ("try again in 5 minutes", None),
    ],
)
def test_a_delay_may_be_in_the_words(text: str, delay: int | None) -> None:
    assert in_words(text) == delay
    assert _of(429, _openai(text, "rate_limit_exceeded")).retry_after_ms == delay


def test_a_connection_that_was_never_made_was_never_asked() -> None:
    unmade = of_stream(StreamError(ErrorCode.UPSTREAM_CONNECT, "10.0.0.1:80 refused", Phase.CONNECT))
    text = "No connection to the provider was made; `longwire logs` says why"
    assert unmade == Failure(ErrorCode.UPSTREAM_CONNECT, text, True, None, True, reason="10.0.0.1:80 refused")
    for code, phase in (
        (ErrorCode.UPSTREAM_RESET, Phase.HEADERS),
        (ErrorCode.HEADER_TIMEOUT, Phase.HEADERS),
        (ErrorCode.UPSTREAM_TRUNCATED, Phase.BODY),
        (ErrorCode.UPSTREAM_TLS, Phase.CONNECT),
        (ErrorCode.POLICY_DENIED, Phase.POLICY),
    ):
        assert not of_stream(StreamError(code, "x", phase)).refused


@pytest.mark.parametrize("code", FailureCode)
def test_every_code_has_its_words(code: FailureCode) -> None:
    assert failure(code).message


headers = st.dictionaries(
    st.sampled_from(
        ["retry-after", "retry-after-ms", "date", "x-ratelimit-reset", "x-ratelimit-reset-tokens",
         "anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-remaining"]
    ),
    st.text(max_size=30) | st.from_regex(r"\A[0-9.]{0,20}(ms|s|m|h)?\Z") | st.datetimes().map(str),
)  # fmt: skip


@given(status=st.integers(300, 599), headers=headers, body=st.binary(max_size=50))
def test_anything_is_a_failure_that_fits_the_wire(status: int, headers: dict[str, str], body: bytes) -> None:
    made = of_answer(status, headers, body, NOW)
    assert made.message.isprintable() and len(made.message) <= MAX_MESSAGE_CHARS
    assert made.retry_after_ms is None or 0 <= made.retry_after_ms <= LONGEST_MS
