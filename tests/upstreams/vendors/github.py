"""GitHub's REST API: an object, and the contents of a file as a stream of text."""

from tests.upstreams.vendors.wire import TEXTS, Piece, Wire, json_answer

_LIMITS = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4999", "x-github-request-id": "C5A1:2F0E"}

REST = Wire(
    name="github",
    media_type="application/vnd.github.raw+json; charset=utf-8",
    whole=json_answer(
        200,
        {
            "id": 1296269,
            "name": "Hello-World",
            "full_name": "octocat/Hello-World",
            "private": False,
            "description": "Grüße — 🌍",
            "default_branch": "main",
        },
        {**_LIMITS, "etag": 'W/"644b5b0155e6404a9cc4bd9d8b1ae730"', "x-github-media-type": "github.v3; format=json"},
    ),
    pieces=tuple(Piece(text.encode(), text) for text in TEXTS),
    refusal=json_answer(
        403,
        {
            "message": "API rate limit exceeded for user ID 1 — wait.",
            "documentation_url": "https://docs.github.com/rest/rate-limit",
        },
        {**_LIMITS, "x-ratelimit-remaining": "0", "retry-after": "60"},
    ),
    headers=tuple(_LIMITS.items()),
)
