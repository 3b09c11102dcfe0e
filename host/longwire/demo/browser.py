"""A real Chromium with the extension, in a profile of its own that knows nothing of the user's."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from longwire.console.errors import CommandError
from longwire.demo.devtools import PLUG, DevTools

_EXIT_TIMEOUT_S: Final = 3.0
_STOP_TIMEOUT_S: Final = 10.0

_FLAGS: Final = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",  # containers give it 64 MB
    "--password-store=basic",
    "--remote-debugging-pipe",
)
_HEADLESS: Final = ("--headless=new", "--hide-scrollbars")
_HEADED: Final = ("--window-size=1180,1000",)
# What a window needs to find its display; the browser's own HOME is not the one where Xauthority lies.
_DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY")
_DISPLAY_VARIABLES: Final = (*_DISPLAYS, "XDG_RUNTIME_DIR", "XAUTHORITY", "XDG_SESSION_TYPE")


class Profile:
    """A folder with everything that the browser and the host would otherwise look for in the user's home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user_data = folder / "profile"
        self.config = folder / "config"
        self.state = folder / "state"
        self.log = folder / "browser.log"
        for path in (self.user_data, self.config / "longwire", self.state, folder / "home"):
            path.mkdir(parents=True)

    @property
    def policy(self) -> Path:
        """The policy file that the host will find."""
        return self.config / "longwire" / "policy.toml"

    def environment(self, *, headed: bool) -> dict[str, str]:
        """What the browser, and so the host, is started with."""
        names = ("PATH", "LANG", "LC_ALL", "TMPDIR", *(_DISPLAY_VARIABLES if headed else ()))
        kept = {name: os.environ[name] for name in names if name in os.environ}
        if headed and "DISPLAY" in kept:
            kept.setdefault("XAUTHORITY", str(Path.home() / ".Xauthority"))
        return {
            **kept,
            "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.config),
            "XDG_STATE_HOME": str(self.state),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }

    def log_tail(self, lines: int = 5) -> str:
        """The end of what the browser and the host wrote to stderr."""
        if not self.log.is_file():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def check_display() -> None:
    """Make sure that a window can open.

    Raises:
        CommandError: there is no display.
    """
    if sys.platform == "linux" and not any(os.environ.get(name) for name in _DISPLAYS):
        raise CommandError("there is no display to show a window on", "run it without --headed")


@contextlib.asynccontextmanager
async def running_browser(
    program: str, profile: Profile, extension: Path, url: str, *, headed: bool = False
) -> AsyncIterator[tuple[asyncio.subprocess.Process, DevTools]]:
    """Open `url`. On leaving, the browser and everything it started are gone."""
    flags = [
        *_FLAGS,
        *(_HEADED if headed else _HEADLESS),
        f"--user-data-dir={profile.user_data}",
        f"--load-extension={extension}",
        f"--disable-extensions-except={extension}",
    ]
    if sys.platform != "win32" and os.geteuid() == 0:
        flags.append("--no-sandbox")  # as root Chromium does not start with one
    async with DevTools() as devtools:
        with profile.log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-c", PLUG, *map(str, devtools.child_ends)),
                *(program, *flags, url),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=devtools.child_ends,
                env=profile.environment(headed=headed),
                start_new_session=True,
            )
        devtools.release_child_ends()
        try:
            yield process, devtools
        finally:
            await _stop(process)


def end_daemon(profile: Profile) -> None:
    """End the daemon of this profile's hosts, if there is one, with all that it carries out."""
    command = [sys.executable, "-m", "longwire.cli.main", "durable", "stop", "--force"]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(  # noqa: S603  (this very program)
            command, env=profile.environment(headed=False), capture_output=True, check=False, timeout=_STOP_TIMEOUT_S
        )


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _EXIT_TIMEOUT_S)
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)  # what is left of its session
    await process.wait()
