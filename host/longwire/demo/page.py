"""The demo's site: serves its pages, and hears from the first what arrived in it."""

import asyncio
import json
import time
from typing import Any, Final, Protocol

from pydantic import ValidationError

from longwire.demo.judge import Failure, Report, Stop, Verdict, judge_failure, judge_run, judge_stop
from longwire.demo.pages import served_files
from longwire.demo.server import Request, Responder
from longwire.demo.upstream import Upstream

# At two attempts a second: a browser that is slow to start still gets its extension loaded in that time.
_MAX_RELOADS: Final = 20


class Audience(Protocol):
    """Who watches a run."""

    def text(self, words: str) -> None:
        """This came out of the chat's stream in the page."""

    def download(self, received: int, seconds: float) -> None:
        """So many bytes of the download are in the page, after so much time."""


class DemoPage:
    """Answers the page. `verdict` is set once, by the first run; later runs are judged for the page alone."""

    def __init__(self, upstream: Upstream, upstream_origin: str, key: str, audience: Audience) -> None:
        self._upstream = upstream
        self._key = key
        self._audience = audience
        self._files = served_files(upstream_origin, upstream.file.size)
        self._reloads = 0
        self._first_text_at_s: float | None = None
        self.loaded = False
        self.first_text_at: float | None = None
        self.events = 0
        self.verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self.shown = asyncio.Event()

    async def handle(self, request: Request, responder: Responder) -> None:
        """Serve one request of the page."""
        if request.method == "POST":
            await self._hear(request, responder)
        elif request.method == "GET" and (file := self._files.get(request.path)) is not None:
            self.loaded = True
            await responder.reply(200, file.body, file.content_type, [("Content-Security-Policy", file.policy)])
        else:
            await responder.reply(404, b"not here\n")

    async def _hear(self, request: Request, responder: Responder) -> None:
        try:
            answer = await self._note(request.path, await request.body())
        except ValidationError:
            answer = self._settle(Verdict(f"the page's report to {request.path} makes no sense", "report it as a bug"))
        await responder.reply(200, json.dumps(answer).encode(), "application/json")

    async def _note(self, path: str, body: bytes) -> dict[str, Any]:
        if path == "/start":
            self._first_text_at_s = None
        elif path == "/events":
            deltas = json.loads(body)
            self._first_text_at_s = self._first_text_at_s or time.monotonic()
            self.first_text_at = self.first_text_at or time.time()
            self.events += len(deltas)
            self._audience.text("".join(deltas))
        elif path == "/progress":
            content = json.loads(body)
            self._audience.download(content["received"], content["seconds"])
        elif path == "/without-longwire":
            self._reloads += 1
            if self._reloads > _MAX_RELOADS:
                missing = Failure(code="NO_EXTENSION", message="the extension is not in the page: no window.longwire")
                return self._settle(judge_failure(missing))
        elif path == "/shown":
            self.shown.set()
        elif path == "/done":
            report = Report.model_validate_json(body)
            self._audience.download(report.download.bytes, report.download.total_ms / 1000)
            return self._settle(judge_run(report, self._upstream, self._first_text_at_s, self._key))
        elif path == "/failed":
            return self._settle(judge_failure(Failure.model_validate_json(body)))
        elif path == "/stopped":
            return await self._stopped(Stop.model_validate_json(body))
        return {}

    async def _stopped(self, stop: Stop) -> dict[str, Any]:
        """Tell the page when the upstream noticed; that is the half of a stop that a page cannot see."""
        heard_at_s = time.monotonic()
        sent = self._upstream.chat
        ended_at_s = await sent.wait_ended() if sent else None
        closed_ms = None if ended_at_s is None else max(0.0, (ended_at_s - heard_at_s) * 1000)
        return {**self._settle(judge_stop(stop, self._upstream)), "closedMs": closed_ms}

    def _settle(self, verdict: Verdict) -> dict[str, Any]:
        if not self.verdict.done():
            self.verdict.set_result(verdict)
        return {"ok": verdict.ok, "reason": verdict.reason, "fix": verdict.fix, "keySeen": verdict.key_seen}
