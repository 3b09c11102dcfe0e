"""The popup, as the browser opens it for a click on the action, or its page in a tab where more can be seen of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import CDPSession, Page, expect

from longwire.assets import extension_id
from tests.e2e.browser import Browser
from tests.e2e.scripts import script

ORIGIN = f"chrome-extension://{extension_id()}"
POPUP_URL = f"{ORIGIN}/popup.html"
WIDTH = 380
# Chromium makes a popup this high at most.
MAX_HEIGHT = 600


def open_popup(browser: Browser, page: Page) -> Page:
    """The popup's page about `page`, in a tab of the popup's size."""
    popup = browser.context.new_page()
    browser.pages.append(popup)
    popup.set_viewport_size({"width": WIDTH, "height": MAX_HEIGHT})
    # Any file of the extension has its API; the worker has it too, but may be stopped, and must not be started by this.
    popup.goto(f"{ORIGIN}/manifest.json")
    page.bring_to_front()
    tab = popup.evaluate("chrome.tabs.query({ active: true, currentWindow: true }).then(([tab]) => tab.id)")
    popup.bring_to_front()
    popup.goto(f"{POPUP_URL}#tab={tab}")
    return popup


def is_about(popup: Page, badge: str) -> None:
    """Wait until the popup says this of the bridge."""
    popup.wait_for_function("(text) => document.getElementById('badge').textContent === text", arg=badge)


def switch(popup: Page, label: str, *, on: bool) -> None:
    """Move a switch of the site. What the worker said just before may turn it back for a moment."""
    box = popup.get_by_label(label, exact=True)
    expect(box).to_be_checked(checked=not on)
    box.click()
    expect(box).to_be_checked(checked=on)


class Attached:
    """A target that Playwright has no session for: it is spoken to through the browser."""

    def __init__(self, browser_session: CDPSession, target: str) -> None:
        self._browser = browser_session
        self._answers: dict[int, Any] = {}
        self._last_id = 0
        browser_session.on("Target.receivedMessageFromTarget", self._receive)
        # Not flat: Playwright drops messages of sessions that it did not make.
        self._session = browser_session.send("Target.attachToTarget", {"targetId": target, "flatten": False})

    def _receive(self, event: dict[str, Any]) -> None:
        if event["sessionId"] == self._session["sessionId"]:
            message = json.loads(event["message"])
            self._answers[message.get("id", 0)] = message

    def call(self, method: str, **parameters: Any) -> Any:
        """What it answers."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        self._browser.send(
            "Target.sendMessageToTarget", {"sessionId": self._session["sessionId"], "message": json.dumps(message)}
        )
        while self._last_id not in self._answers:
            # Any call lets the answer in.
            self._browser.send("Target.getTargets")
        return self._answers.pop(self._last_id)["result"]


class ActionPopup(Attached):
    """A popup that the action opened, whose page Playwright does not know."""

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the popup's page, or of the promise that it gives."""
        options: dict[str, Any] = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        answer = self.call("Runtime.evaluate", expression=expression, **options)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def text(self, element_id: str) -> str:
        """What an element says, once it is shown and says anything."""
        value: str = self.evaluate(f"({script('visible_text.js')})({json.dumps(element_id)})")
        return value


@contextmanager
def action_popup(browser: Browser, page: Page) -> Iterator[ActionPopup]:
    """Click on the action while `page` is in front."""
    page.bring_to_front()
    assert browser.context.browser is not None
    session = browser.context.browser.new_browser_cdp_session()
    page_session = browser.context.new_cdp_session(page)
    shown = page_session.send("Target.getTargetInfo")["targetInfo"]
    tabs = session.send("Target.getTargets", {"filter": [{"type": "tab"}]})["targetInfos"]
    tab = next(tab["targetId"] for tab in tabs if tab["url"] == shown["url"])
    session.send("Extensions.triggerAction", {"id": extension_id(), "targetId": tab})
    while not (found := [target for target in session.send("Target.getTargets")["targetInfos"] if _is_popup(target)]):
        pass
    try:
        yield ActionPopup(session, found[0]["targetId"])
    finally:
        session.send("Target.closeTarget", {"targetId": found[0]["targetId"]})
        session.detach()


def _is_popup(target: dict[str, Any]) -> bool:
    return bool(target["url"] == POPUP_URL)
