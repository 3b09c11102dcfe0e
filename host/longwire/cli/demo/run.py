"""The whole demo: prepare, run, judge, and say it in one line."""

import asyncio
import secrets
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from longwire.assets import extension_folder
from longwire.cli.browsers import browser_table
from longwire.cli.chromium import Chromium, Machine, ensure_chromium
from longwire.cli.demo.browser import Profile, running_browser
from longwire.cli.demo.chat import PATH, TEXT, ChatService
from longwire.cli.demo.page import DemoPage
from longwire.cli.demo.server import LoopbackServer
from longwire.cli.errors import CommandError
from longwire.cli.installation import Installation
from longwire.cli.launcher import check_interpreter
from longwire.cli.output import complain, say
from longwire.policy import Locations, PolicyStore, default_locations
from longwire.policy.reflection import secret_forms
from longwire.protocol.errors import StreamError
from longwire.protocol.parts import Page

# The browser takes a few seconds to start, the text three; the rest is patience with a busy machine. With the checks
# before and the clearing up after, the demo ends within a minute whatever happens.
TIMEOUT_S: Final = 35.0

_POLICY: Final = """\
version = 1

[[grant]]
name = "demo"
pages = ["{page}"]
destinations = ["{upstream}/v1/"]
methods = ["POST"]
network = "loopback"
inject = {{ Authorization = "Bearer {{secret:demo}}" }}

[secret.demo]
file = "{secret}"
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is None when all went well; then `summary` is the line to print."""

    summary: str
    reason: str | None = None
    fix: str = ""


def run_demo() -> int:
    """Run it and print it. Returns the exit code.

    Raises:
        CommandError, AssetError: something that the demo needs is missing.
    """
    extension = extension_folder()
    check_interpreter(sys.executable)
    chromium = ensure_chromium(Machine.here())
    with tempfile.TemporaryDirectory(prefix="longwire-demo-", ignore_cleanup_errors=True) as folder:
        verdict = asyncio.run(_run(Path(folder), chromium, extension))
    say()
    if verdict.reason is None:
        say(verdict.summary)
        return 0
    complain(f"the demo failed: {verdict.reason}")
    complain(f"  fix: {verdict.fix}")
    return 1


async def _run(folder: Path, chromium: Chromium, extension: Path) -> Verdict:
    key = "lw-demo-" + secrets.token_urlsafe(24)
    profile = Profile(folder)
    chat = ChatService(key)
    async with LoopbackServer(chat.handle) as upstream:
        page = DemoPage(upstream.origin + PATH, _print_text)
        async with LoopbackServer(page.handle) as site:
            _prepare(profile, key, site.origin, upstream.origin)
            say(f"upstream  {upstream.origin}{PATH}: wants a key, sends no CORS headers")
            say(f"page      {site.origin} in Chromium {chromium.version}")
            say("policy    the page may POST there, and the host adds the key\n")
            async with running_browser(chromium.program, profile, extension, site.origin + "/") as browser:
                exited = asyncio.create_task(browser.wait())
                either: list[asyncio.Future[Any]] = [page.outcome, exited]
                await asyncio.wait(either, timeout=TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
                exited.cancel()
            if not page.outcome.done():
                return _silence(page, profile, chat, ended=browser.returncode)
            return judge(page.outcome.result(), chat, page, key)


def _prepare(profile: Profile, key: str, page: str, upstream: str) -> None:
    secret = profile.folder / "key"
    secret.touch(mode=0o600)
    secret.write_text(key + "\n", encoding="utf-8")
    profile.policy.write_text(_POLICY.format(page=page, upstream=upstream, secret=secret), encoding="utf-8")
    # An administrator's policy decides on this machine too; better to hear it now than from the page.
    store = PolicyStore(Locations(default_locations().administrator, profile.policy))
    asking = Page(origin=page, tab=0, frame=0, document="", private=False)
    try:
        store.current().decide(asking, "POST", upstream + PATH)
    except StreamError as error:
        raise CommandError(
            f"the policy of this machine does not let the demo run: {error.message}",
            f"{store.locations.administrator} decides here; user_grants = true in it lets the demo add its grant",
        ) from None
    installation = Installation(profile.folder / "host", browser_table().host_name)
    installation.write([profile.user_data / "NativeMessagingHosts"], sys.executable)


def _print_text(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def judge(outcome: Mapping[str, Any], chat: ChatService, page: DemoPage, key: str) -> Verdict:
    """What the page said against what the upstream knows."""
    if outcome["failed"]:
        return _page_failed(outcome)
    in_time = (
        page.first_text_at_s is not None
        and chat.finished_at_s is not None
        and (page.first_text_at_s < chat.finished_at_s)
    )
    seen_key = any(form.decode("latin-1") in outcome["seen"] for form in secret_forms(key.encode()))
    whole = (outcome["bytes"], outcome["digest"], outcome["text"]) == (chat.bytes_sent, chat.digest, TEXT)
    promises = (
        (outcome["ownFetch"] == "refused", "the browser let the page reach the upstream without Longwire"),
        (whole, f"the page received {outcome['bytes']} bytes, the upstream sent {chat.bytes_sent}, and they differ"),
        ((chat.keys_accepted, chat.keys_refused) == (1, 0), "the upstream did not get the key that the host adds"),
        (not seen_key, "the page could see the key"),
        (in_time, "the text arrived only after the upstream had sent all of it"),
    )
    for kept, broken in promises:
        if not kept:
            return _failed(broken, "report this as a bug, with the output of the demo")
    return Verdict(
        f"ok: {chat.bytes_sent:,} bytes in {chat.events_sent} events, SHA-256 equal; first text after "
        f"{outcome['firstTextMs']:.0f} ms, all after {outcome['totalMs'] / 1000:.1f} s; the page never saw the key"
    )


def _page_failed(outcome: Mapping[str, Any]) -> Verdict:
    status = outcome.get("status") or {}
    fix = status.get("fix") or "run `longwire policy check`, and look at the extension's errors in chrome://extensions"
    if outcome["code"] == "NO_EXTENSION":
        fix = "build the extension with `make build`; Chrome with its own brand ignores --load-extension"
    state = f" (bridge: {status['state']})" if "state" in status else ""
    return _failed(f"{outcome['code']}: {outcome['message']}{state}", fix)


def _silence(page: DemoPage, profile: Profile, chat: ChatService, *, ended: int | None) -> Verdict:
    tail = profile.log_tail()
    if ended is not None and not page.loaded:
        return _failed(f"Chromium ended before it opened the page:\n{tail}", "start `chromium` by hand and see why")
    if not page.loaded:
        return _failed(f"Chromium did not open the page in {TIMEOUT_S:.0f} s:\n{tail}", "try again on a calmer machine")
    return _failed(
        f"the page fell silent after {page.events} of {chat.events_sent} events:\n{tail}", "report this as a bug"
    )


def _failed(reason: str, fix: str) -> Verdict:
    return Verdict("", reason, fix)
