"""Model Context Protocol over streamable HTTP (revision 2025-11-25): one tool that reports its progress.

What a session needs around the call (initialize, the GET stream that this server does not offer, DELETE) is answered
alike whatever the scenario; the call itself is what `stage` plays.
"""

import json
from typing import Any

from tests.upstreams.vendors.wire import TEXTS, WHOLE_TEXT, Answer, Piece, Wire, event, json_answer

SESSION = "1868a90c-8d3f-4a7e-b1f0-2f5a9f1f3d55"
_SESSION_HEADERS = {"Mcp-Session-Id": SESSION}
_VERSION = "2025-11-25"

# The call is the request after initialize, and its progress token is its id (as the SDK numbers them).
_CALL_ID = 1
_RESULT = {
    "jsonrpc": "2.0",
    "id": _CALL_ID,
    "result": {"content": [{"type": "text", "text": WHOLE_TEXT}], "isError": False},
}


def _progress(number: int, text: str) -> bytes:
    params = {"progressToken": _CALL_ID, "progress": number + 1, "total": len(TEXTS), "message": text}
    return event(
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}, kind="message", event_id=number
    )


TOOLS = Wire(
    name="mcp",
    media_type="text/event-stream",
    whole=json_answer(200, _RESULT),
    pieces=(
        Piece(b"retry: 1\n" + _progress(0, TEXTS[0]), TEXTS[0]),
        *(Piece(_progress(number, text), text) for number, text in enumerate(TEXTS[1:], 1)),
        Piece(event(_RESULT, kind="message", event_id=len(TEXTS))),
    ),
    refusal=json_answer(
        400, {"jsonrpc": "2.0", "id": _CALL_ID, "error": {"code": -32000, "message": "Bad Request — no such session"}}
    ),
    failure=event(
        {"jsonrpc": "2.0", "id": _CALL_ID, "error": {"code": -32603, "message": "The tool failed — out of disk"}},
        kind="message",
    ),
    early=b": still there\n\n",
    resumes=True,
)


def around(method: str, headers: dict[str, str], body: bytes) -> Answer | None:
    """The answer to everything but the tool call and its resumption; None for these."""
    if method == "GET" and "last-event-id" in headers:
        return None
    if method == "GET":
        return Answer(405, b"", (("Allow", "POST, DELETE"),))
    if method == "DELETE":
        return Answer(200 if headers.get("mcp-session-id") == SESSION else 404, b"", ())
    message: dict[str, Any] = json.loads(body)
    if message["method"] == "initialize":
        result = {
            "protocolVersion": _VERSION,
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "tools", "version": "1.0.0"},
        }
        return json_answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": result}, _SESSION_HEADERS)
    if headers.get("mcp-session-id") != SESSION:
        return Answer(400, b"", ())
    return Answer(202, b"", ()) if message["method"].startswith("notifications/") else None
