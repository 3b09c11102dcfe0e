"""Chromium's debugging protocol over a pair of pipes: no port is opened that another local program could use.

Messages are JSON, each ended by a NUL. The browser reads descriptor 3 and writes descriptor 4, and ends when the pipe
does, so that it cannot outlive a demo that was killed.
"""

import asyncio
import base64
import json
import os
from collections.abc import Sequence
from itertools import count
from types import TracebackType
from typing import Any, Final, Self

# A picture is one message.
_MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
_END: Final = b"\0"
# Puts the two descriptors where the browser looks for them, and becomes the browser.
PLUG: Final = """\
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for target, end in zip((3, 4), ends):
    os.dup2(end, target)
    os.close(end)
os.execv(sys.argv[3], sys.argv[3:])
"""


class DevToolsError(Exception):
    """The browser refused a command, or is gone."""


class DevTools:
    """The demo's end of the pipes. `child_ends` are the browser's, for `PLUG`."""

    def __init__(self) -> None:
        read_by_child, self._write_end = os.pipe()
        self._read_end, written_by_child = os.pipe()
        self.child_ends: Sequence[int] = (read_by_child, written_by_child)
        self._ids = count(1)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._reader = asyncio.StreamReader(limit=_MAX_MESSAGE_BYTES)
        self._incoming, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader), os.fdopen(self._read_end, "rb", 0)
        )
        self._outgoing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(self._write_end, "wb", 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release_child_ends()
        self._incoming.close()
        if not self._outgoing.is_closing():  # it closes itself when the browser ends first
            self._outgoing.abort()

    def release_child_ends(self) -> None:
        """The child has them; while they are open here too, its end would not be seen."""
        for end in self.child_ends:
            os.close(end)
        self.child_ends = ()

    async def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command and its result.

        Raises:
            DevToolsError: see there.
        """
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        self._outgoing.write(json.dumps(message).encode() + _END)
        while True:
            try:
                answer = json.loads((await self._reader.readuntil(_END))[:-1])
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
                raise DevToolsError(f"no answer to {method}") from None
            if answer.get("id") == number:
                break  # the others are events, and nobody here waits for one
        if "error" in answer:
            raise DevToolsError(f"{method}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result


async def screenshot(devtools: DevTools, url: str, width: int = 1120, scale: int = 2) -> bytes:
    """A PNG of the whole page at `url`, `width` CSS pixels wide.

    Raises:
        DevToolsError: there is no such page, or the browser is gone.
    """
    targets = (await devtools.call("Target.getTargets"))["targetInfos"]
    page = next((target["targetId"] for target in targets if target["type"] == "page" and target["url"] == url), None)
    if page is None:
        raise DevToolsError(f"no page at {url}")
    session = (await devtools.call("Target.attachToTarget", targetId=page, flatten=True))["sessionId"]
    metrics = {"width": width, "deviceScaleFactor": scale, "mobile": False}
    await devtools.call("Emulation.setDeviceMetricsOverride", session, height=800, **metrics)
    height = (await devtools.call("Page.getLayoutMetrics", session))["cssContentSize"]["height"]
    await devtools.call("Emulation.setDeviceMetricsOverride", session, height=int(height), **metrics)
    # Two frames, in which what measures itself measures itself again.
    settle = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    await devtools.call("Runtime.evaluate", session, expression=settle, awaitPromise=True)
    picture = await devtools.call("Page.captureScreenshot", session, format="png")
    return base64.b64decode(picture["data"])
