"""A generation on a console: text as it comes, what is going on beside it, and JSON where a machine reads."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final, Protocol

import orjson
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from longwire.at_console.page import StreamFailed, console_page
from longwire.at_console.printing import CONTROLS, put
from longwire.console.errors import CommandError
from longwire.protocol.errors import ErrorCode


class Screen(Protocol):
    """Shows one answer."""

    def event(self, event: dict[str, Any]) -> None:
        """One of its events, in order."""

    def close(self) -> None:
        """Nothing comes any more."""


class JsonLines:
    """Each event as one line."""

    def event(self, event: dict[str, Any]) -> None:
        """Print it."""
        put(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Nothing."""


class Words:
    """Text on stdout. On stderr, where that is a console: a line about what is going on, and one about the whole."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._began = time.monotonic()
        self._status = Text("Asking", "dim")
        self._live: Live | None = None
        if self._console.is_terminal:
            self._live = Live(Spinner("dots", self._status), console=self._console, transient=True)
            self._live.start()
        self._ends_line = True

    def event(self, event: dict[str, Any]) -> None:
        """Print what it has to say."""
        kind = event["type"]
        if kind == "content":
            self._hide()
            text = event["text"].translate(CONTROLS)
            put(text)
            if text:
                self._ends_line = text.endswith("\n")
        elif kind == "status":
            self._say(event["message"])
        elif kind == "metadata" and event.get("truncated"):
            cut, whole = event["truncatedSize"], event["originalSize"]
            self._note(f"The input is cut to {cut:,} of {whole:,} bytes", "yellow")
        elif kind == "tool_call":
            self._note(f"The model calls {event['name']}({event.get('rawArguments') or _one_line(event)})", "cyan")
        elif kind == "complete":
            self._note(_summary(event), "dim")

    def close(self) -> None:
        """Leave the line."""
        self._hide()
        if not self._ends_line:
            self._ends_line = True  # whether it can be written or not
            put("\n")

    def _say(self, text: str) -> None:
        """What is going on. Once text came, the text shows it."""
        self._status.plain = f"{text.translate(CONTROLS)} …"

    def _note(self, text: str, style: str) -> None:
        self._hide()
        if self._console.is_terminal:
            if not self._ends_line:
                self._ends_line = True
                put("\n")
            self._console.print(Text(text.translate(CONTROLS), style), soft_wrap=True)

    def _hide(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


async def show_answer(request: dict[str, Any], screen: Screen) -> None:
    """Ask as the page `longwire:terminal`, and show what comes.

    Raises:
        CommandError: there is no answer, or not the whole of it.
    """
    try:
        async with console_page() as page, aclosing(page.generate(request)) as answer:
            async for event in _events(answer):
                screen.event(event)
                if event["type"] == "error":
                    raise CommandError(event["message"], _fix(event["code"], event.get("retryAfter")))
    except StreamFailed as failed:
        screen.event({"type": "error", "code": failed.code, "message": failed.text, "retryable": False})
        too_long = failed.code is ErrorCode.LIMIT_EXCEEDED  # a budget is an event: this came before anybody was asked
        raise CommandError(failed.text, "ask with less text" if too_long else _fix(failed.code, None)) from None
    finally:
        screen.close()


async def _events(pieces: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """Our own events: each the data of one line, and comments between them."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                yield orjson.loads(line[6:])


_FIXES: Final = {
    ErrorCode.POLICY_DENIED: "`longwire policy check --page longwire:terminal --generate NAME` says what is missing",
    ErrorCode.POLICY_INVALID: "`longwire policy show` says what is wrong with the policy",
    ErrorCode.LIMIT_EXCEEDED: "`longwire policy budgets` shows what is spent",
    ErrorCode.SECRET_UNAVAILABLE: "`longwire doctor` says which secret cannot be read",
    "AUTHENTICATION": "store the right key with `longwire secret set`, and name it in the [[provider]]",
    "QUOTA_EXCEEDED": "raise it at the provider, or ask another one with --provider or --fallback",
    "MODEL_UNKNOWN": "name another with --model; the provider's `models` in the policy are what may be asked for",
    "CONTEXT_TOO_LONG": "ask with less text, or set max_input in the [[provider]] to have it cut",
    "BAD_REQUEST": "the message names the field",
}


def _fix(code: str, retry_after_s: float | None) -> str:
    if (fix := _FIXES.get(code)) is not None:
        return fix
    if retry_after_s is not None:
        return f"ask again in {retry_after_s:g} s"
    return "ask again later, or another provider with --provider; `longwire logs` has the request"


def _one_line(event: dict[str, Any]) -> str:
    return orjson.dumps(event.get("arguments") or {}).decode()


def _summary(event: dict[str, Any]) -> str:
    usage, timings = event["usage"], event["timings"]
    about = "about " if usage["estimated"] else ""
    parts = [
        f"{event['provider']} · {event['model']}",
        f"{about}{usage.get('inputTokens', '?')} tokens in, {usage.get('outputTokens', '?')} out",
        f"{timings['total'] / 1000:.1f} s",
    ]
    if "firstContent" in timings:
        parts.append(f"first text after {timings['firstContent'] / 1000:.1f} s")
    if "cost" in event:
        parts.append(f"{event['cost']['amount']} {event['cost']['currency']}")
    if event["finishReason"] != "stop":
        parts.append(f"ended by {event['finishReason']}")
    return " · ".join(parts)
