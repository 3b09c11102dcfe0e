"""The whole demo: prepare, run, judge, and say it in one line."""

import asyncio
import secrets
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import platformdirs

from longwire.assets import extension_folder
from longwire.console.errors import CommandError
from longwire.console.output import complain, say, say_json
from longwire.demo import chat, counting, download, feed, models, talk, upload
from longwire.demo.browser import Profile, check_display, end_daemon, running_browser
from longwire.demo.chromium import Chromium, Machine, ensure_chromium
from longwire.demo.clock import command_started_at
from longwire.demo.devtools import DevTools, DevToolsError, screenshot
from longwire.demo.judge import Verdict
from longwire.demo.page import DemoPage
from longwire.demo.pages import socket_origin
from longwire.demo.screen import Screen, choose_screen
from longwire.demo.server import LoopbackServer
from longwire.demo.upstream import Upstream
from longwire.install.browsers import browser_table
from longwire.install.installation import Installation
from longwire.install.launcher import check_interpreter
from longwire.policy import Locations, PolicyStore, default_locations
from longwire.protocol.errors import StreamError
from longwire.protocol.records import Page

# The browser takes a few seconds to start, the streams five; the rest is patience with a busy machine. With the checks
# before and the clearing up after, the demo ends within a minute whatever happens.
TIMEOUT_S: Final = 38.0
PICTURE_TIMEOUT_S: Final = 8.0
_PICTURE: Final = "demo.png"

_POLICY: Final = """\
version = 1

[[grant]]
name = "demo"
pages = ["{page}"]
destinations = ["{upstream}/v1/", "{sockets}/v1/"]
methods = ["GET", "POST", "PUT"]
network = "loopback"
inject = {{ Authorization = "Bearer {{secret:demo}}" }}
generate = ["quick", "careful"]
durable = {{}}

{models}
[secret.demo]
file = "{secret}"
"""

# What the two pages ask for.
_REQUESTS: Final = (
    ("POST", chat.PATH),
    ("POST", chat.ESSAY_PATH),
    ("GET", download.PATH),
    ("GET", feed.PATH),
    ("PUT", upload.PATH),
)
_SOCKETS: Final = (talk.PATH, counting.PATH)


def run_demo(*, headed: bool = False, keep: bool = False, as_json: bool = False) -> int:
    """Run it and print it. Returns the exit code: 0 if every byte arrived and the page never saw the key.

    Raises:
        CommandError, AssetError: something that the demo needs is missing.
    """
    if headed:
        check_display()
    extension = extension_folder()
    check_interpreter(sys.executable)
    chromium = ensure_chromium(Machine.here())
    with tempfile.TemporaryDirectory(prefix="longwire-demo-", ignore_cleanup_errors=True) as folder:
        demo = _Demo(Path(folder), chromium, extension, headed=headed, as_json=as_json)
        try:
            asyncio.run(demo.run(keep=keep))
        except KeyboardInterrupt:
            if demo.verdict is None:
                raise
        finally:
            demo.clear_up()
    return 0 if demo.verdict is not None and demo.verdict.ok else 1


class _Demo:
    """One run in `folder`. `verdict` is there when it was said."""

    def __init__(self, folder: Path, chromium: Chromium, extension: Path, *, headed: bool, as_json: bool) -> None:
        self._profile = Profile(folder)
        self._chromium = chromium
        self._extension = extension
        self._headed = headed
        self._as_json = as_json
        self._key = "lw-demo-" + secrets.token_urlsafe(24)
        self._upstream = Upstream(self._key)
        self._screen: Screen = choose_screen(download.SIZE_BYTES, silent=as_json)
        self.verdict: Verdict | None = None

    async def run(self, *, keep: bool) -> None:
        """Everything up to the verdict; with `keep` until the browser ends."""
        async with LoopbackServer(self._upstream.handle) as upstream:
            page = DemoPage(self._upstream, upstream.origin, self._key, self._screen)
            async with LoopbackServer(page.handle) as site:
                self._prepare(site.origin, upstream.origin)
                self._screen.facts(
                    [
                        ("upstream", f"{upstream.origin}/v1/: wants a key, sends no CORS headers"),
                        ("page", f"{site.origin} in Chromium {self._chromium.version}"),
                        ("policy", "this page may go there, and the host adds the key"),
                    ]
                )
                url = site.origin + "/"
                async with running_browser(
                    self._chromium.program, self._profile, self._extension, url, headed=self._headed
                ) as (browser, devtools):
                    ended = asyncio.create_task(browser.wait())
                    either: list[asyncio.Future[Any]] = [page.verdict, ended]
                    await asyncio.wait(either, timeout=TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
                    verdict = page.verdict.result() if page.verdict.done() else self._silence(page, browser.returncode)
                    self._screen.close()
                    picture = None if self._headed or ended.done() else await self._picture(devtools, page, url)
                    self._conclude(verdict, page, picture)
                    if keep and not ended.done():
                        self._screen.facts([("kept", f"{url}, files in {self._profile.folder}; Ctrl-C ends it")])
                        await ended
                    ended.cancel()

    def clear_up(self) -> None:
        """What outlives the browser does not outlive the demo."""
        end_daemon(self._profile)

    def _prepare(self, page: str, upstream: str) -> None:
        """Write the key, the policy and the installation into the profile's folder."""
        profile = self._profile
        secret = profile.folder / "key"
        secret.touch(mode=0o600)
        secret.write_text(self._key + "\n", encoding="utf-8")
        sockets, providers = socket_origin(upstream), models.policy_lines(upstream)
        text = _POLICY.format(page=page, upstream=upstream, sockets=sockets, secret=secret, models=providers)
        profile.policy.write_text(text, encoding="utf-8")
        # An administrator's policy decides on this machine too; better to hear it now than from the page.
        store = PolicyStore(Locations(default_locations().administrator, profile.policy))
        asking = Page(origin=page, tab=0, frame=0, document="", private=False)
        try:
            for method, path in _REQUESTS:
                store.current().decide(asking, method, upstream + path)
            for path in _SOCKETS:
                store.current().decide(asking, "GET", sockets + path)
        except StreamError as error:
            raise CommandError(
                f"the policy of this machine does not let the demo run: {error.text}",
                f"{store.locations.administrator} decides here; user_grants = true in it lets the demo add its grant",
            ) from None
        installation = Installation(profile.folder / "host", browser_table().host_name)
        installation.write([profile.user_data / "NativeMessagingHosts"], sys.executable)

    async def _picture(self, devtools: DevTools, page: DemoPage, url: str) -> Path | None:
        """Save what the page looks like in the end. Without a picture the demo is as good."""
        file = platformdirs.user_cache_path("longwire", appauthor=False) / _PICTURE
        try:
            async with asyncio.timeout(PICTURE_TIMEOUT_S):
                await page.shown.wait()
                picture = await screenshot(devtools, url)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(picture)
        except (TimeoutError, DevToolsError, OSError):
            return None
        return file

    def _conclude(self, verdict: Verdict, page: DemoPage, picture: Path | None) -> None:
        started_at = command_started_at()
        first_text_s = None if page.first_text_at is None else page.first_text_at - started_at
        self.verdict = verdict
        if self._as_json:
            say_json(
                {
                    "ok": verdict.ok,
                    "reason": verdict.reason,
                    "fix": verdict.fix,
                    "first_text_after_start_s": None if first_text_s is None else round(first_text_s, 2),
                    "page_saw_the_key": verdict.key_seen,
                    **(verdict.figures or {}),
                    "screenshot": None if picture is None else str(picture),
                    "chromium": self._chromium.version,
                }
            )
            return
        self._screen.facts(_rows(verdict.figures, first_text_s, picture))
        if verdict.ok and verdict.figures is not None:
            first_ms = verdict.figures["text"]["first_text_ms"]
            words = f"first text after {first_ms:.0f} ms, every byte arrived, page never saw the key"
            self._screen.verdict(f"ok: {words}", ok=True)
            return
        say()
        complain(f"the demo failed: {verdict.reason}")
        complain(f"  fix: {verdict.fix}")

    def _silence(self, page: DemoPage, ended: int | None) -> Verdict:
        """The verdict on a page that never came to an end."""
        tail = self._profile.log_tail()
        if not page.loaded and ended is not None:
            return Verdict(
                f"Chromium ended before it opened the page:\n{tail}", f"start `{self._chromium.program}` by hand"
            )
        if not page.loaded:
            return Verdict(
                f"Chromium did not open the page in {TIMEOUT_S:.0f} s:\n{tail}", "try again on a calmer machine"
            )
        if ended is not None:
            return Verdict(f"the browser ended after {page.events} events:\n{tail}", "leave it open until the end")
        return Verdict(f"the page fell silent after {page.events} events:\n{tail}", "report this as a bug")


def _rows(figures: dict[str, Any] | None, first_text_s: float | None, picture: Path | None) -> list[tuple[str, str]]:
    """`first_text_s`: seconds since the command began, nearly all of them the browser's."""
    rows = []
    if first_text_s is not None:
        rows.append(("start", f"{first_text_s:.1f} s to the first text, with the browser's own start"))
    if figures is not None:
        text, file = figures["text"], figures["download"]
        words = (
            f"first after {text['first_text_ms']:.0f} ms, {text['events']} events in {text['total_ms'] / 1000:.1f} s"
        )
        size = f"{file['bytes'] / 2**20:.1f} MiB in {file['seconds']:.1f} s ({file['mb_per_s']:.0f} MB/s)"
        rows += [
            ("text", f"{words}, longest pause {text['longest_gap_ms']:.0f} ms"),
            ("download", f"{size}, SHA-256 {file['sha256'][:8]}…"),
        ]
    if picture is not None:
        rows.append(("picture", str(picture)))
    return rows
