"""The writer's panel: in a closed shadow root of another world, so seen and pressed through the debugger alone."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from playwright.sync_api import Page

from tests.e2e.scripts import script
from tests.patience import PATIENCE_S


class WriterPanel:
    """The panel of one tab, whichever document is in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._session = page.context.new_cdp_session(page)

    def roots(self) -> list[int]:
        """The closed shadow roots of the document, by their ids in the browser."""
        document = self._session.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"]
        return [node["backendNodeId"] for node in _nodes(document) if node.get("shadowRootType") == "closed"]

    def evaluate(self, function: str, *values: Any) -> Any:
        """What a function gives for the panel's root as `this`; None if there is no panel."""
        for root in self.roots():
            found = self._session.send("DOM.resolveNode", {"backendNodeId": root})["object"]["objectId"]
            answer = self._session.send(
                "Runtime.callFunctionOn",
                {
                    "objectId": found,
                    "functionDeclaration": function,
                    "arguments": [{"value": value} for value in values],
                    "returnByValue": True,
                    "awaitPromise": True,
                },
            )
            assert "exceptionDetails" not in answer, answer
            return answer["result"].get("value")
        return None

    def shown(self) -> dict[str, Any]:
        """What a person sees and hears of it; empty if there is none."""
        return self.evaluate(script("writer_shown.js")) or {}

    def until(self, condition: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """What is shown, once it is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition(shown := self.shown()):
            assert time.monotonic() < deadline, shown
        return shown

    def line(self, text: str) -> dict[str, Any]:
        """What is shown, once its line begins so."""
        return self.until(lambda shown: shown.get("line", "").startswith(text))

    def press(self, name: str) -> None:
        """A real click in the middle of that button, once it is there."""
        self.until(lambda shown: name in shown.get("buttons", ()))
        x, y = self.evaluate(script("writer_button.js"), name)
        self.page.mouse.click(x, y)

    def write_why(self, text: str) -> None:
        """Type into its field, once it is there."""
        self.until(bool)
        x, y = self.evaluate(script("writer_button.js"), "Why?")
        self.page.mouse.click(x, y)
        self.page.keyboard.type(text)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in (*node.get("children", ()), *node.get("shadowRoots", ())):
        yield from _nodes(below)
