"""The demo's page: serves it, and hears from it what arrived in it."""

import asyncio
import json
import time
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

from longwire.cli.demo.server import Request, Responder

# At two attempts a second: a browser that is slow to start still gets its extension loaded in that time.
_MAX_RELOADS: Final = 20


class DemoPage:
    """Answers the page. `outcome` is set once: a report of success or failure, as the page sent it."""

    def __init__(self, upstream_url: str, on_text: Callable[[str], None]) -> None:
        self._html = files("longwire.cli.demo").joinpath("page.html").read_text("utf-8")
        self._html = self._html.replace("{{upstream}}", upstream_url)
        self._on_text = on_text
        self._reloads = 0
        self.loaded = False
        self.first_text_at_s: float | None = None
        self.events = 0
        self.outcome: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    async def handle(self, request: Request, responder: Responder) -> None:
        """Serve one request of the page."""
        if request.method == "GET" and request.path == "/":
            self.loaded = True
            await responder.reply(200, self._html.encode(), "text/html; charset=utf-8")
        elif request.method == "POST":
            self._hear(request.path, json.loads(request.body))
            await responder.reply(204)
        else:
            await responder.reply(404, b"not here\n")

    def _hear(self, path: str, content: Any) -> None:
        if path == "/events":
            self.first_text_at_s = self.first_text_at_s or time.monotonic()
            self.events += len(content)
            self._on_text("".join(content))
        elif path == "/without-longwire":
            self._reloads += 1
            if self._reloads > _MAX_RELOADS:
                self._settle({"failed": True, "code": "NO_EXTENSION", "message": "the page has no window.longwire"})
        elif path in ("/done", "/failed"):
            self._settle({**content, "failed": path == "/failed"})

    def _settle(self, outcome: dict[str, Any]) -> None:
        if not self.outcome.done():
            self.outcome.set_result(outcome)
