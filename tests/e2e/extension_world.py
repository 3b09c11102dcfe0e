"""The extension's own world in the frames of a tab: what a content script sees there, and no script of the page.

Whoever controls a page's renderer is there, too: a test that speaks from here plays them.
"""

import json
import time
from typing import Any

from playwright.sync_api import Page

from longwire.assets import extension_id
from tests.patience import PATIENCE_S

# Between two looks at what nothing tells of.
LOOK_MS = 20
# What `main.ts` of the writer leaves in its world, under a name that this world alone has.
WRITER = "globalThis[Symbol.for('longwire.writer')]"


class ExtensionWorld:
    """By the frame's name; "" is the top frame. Frames of other sites are in processes of their own, and not here."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)
        self._contexts: dict[str, tuple[int, str]] = {}
        self._session.on("Runtime.executionContextCreated", self._created)
        self._session.on("Runtime.executionContextDestroyed", self._destroyed)
        self._session.on("Runtime.executionContextsCleared", lambda _: self._contexts.clear())
        self._session.send("Runtime.enable")

    def _created(self, event: dict[str, Any]) -> None:
        context = event["context"]
        if context["origin"] == f"chrome-extension://{extension_id()}":
            self._contexts[context["auxData"]["frameId"]] = (context["id"], context["uniqueId"])

    def _destroyed(self, event: dict[str, Any]) -> None:
        for frame, (_, unique) in list(self._contexts.items()):
            if unique == event["executionContextUniqueId"]:
                del self._contexts[frame]

    def frames(self) -> dict[str, str]:
        """Frame ids by frame names."""
        names: dict[str, str] = {}

        def walk(tree: dict[str, Any]) -> None:
            names[tree["frame"].get("name", "")] = tree["frame"]["id"]
            for child in tree.get("childFrames", []):
                walk(child)

        walk(self._session.send("Page.getFrameTree")["frameTree"])
        return names

    def evaluate(self, expression: str, *arguments: Any, frame: str = "") -> Any:
        """The value of a function of the arguments, or of the promise that it gives."""
        context, _ = self._contexts[self.frames()[frame]]
        call = f"({expression})({', '.join(map(json.dumps, arguments))})"
        answer = self._session.send(
            "Runtime.evaluate",
            {"expression": call, "contextId": context, "awaitPromise": True, "returnByValue": True},
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def has_writer(self, frame: str = "") -> bool:
        """Whether the writer is in that frame."""
        found = self._contexts.get(self.frames()[frame])
        return found is not None and bool(self.evaluate(f"() => {WRITER} !== undefined", frame=frame))

    def wait_for_writer(self, *, there: bool = True) -> None:
        """Until the writer is in the top frame, or is there no more. Nothing tells a test of it."""
        deadline = time.monotonic() + PATIENCE_S
        while self.has_writer() is not there:
            assert time.monotonic() < deadline, "no writer" if there else "a writer still"
            self._page.wait_for_timeout(LOOK_MS)

    def writer(self, expression: str, *arguments: Any) -> Any:
        """The value of a function of the writer's host and the arguments; `{code, message}` where it fails."""
        return self.evaluate(
            f"""async (...args) => {{
                try {{ return await ({expression})({WRITER}.host, ...args) }}
                catch ({{ code, message }}) {{ return {{ code, message }} }}
            }}""",
            *arguments,
        )
