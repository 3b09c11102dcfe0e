"""What the browser finds where the native host should be: other launchers, another manifest, a signal from outside."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.browser import Browser, stop_worker, wait_ended

MANIFEST = "com.longwire.host.json"


class HostFiles:
    """The installed launcher and manifest of one profile, to be changed and put back."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.manifest = browser.profile / "NativeMessagingHosts" / MANIFEST
        self.launcher = Path(json.loads(self.manifest.read_text())["path"])
        self._installed = {file: file.read_bytes() for file in (self.manifest, self.launcher)}
        self._launcher_mode = self.launcher.stat().st_mode

    @property
    def interpreter_line(self) -> str:
        """The first line of the installed launcher."""
        return self._installed[self.launcher].decode().splitlines()[0]

    def launch(self, script: str, interpreter_line: str | None = None) -> None:
        """Start `script` from now on, by the interpreter of the installed launcher."""
        self.launcher.write_text(f"{interpreter_line or self.interpreter_line}\n{script}\n")

    def change_manifest(self, **fields: Any) -> None:
        """Replace fields of the manifest."""
        self.manifest.write_text(json.dumps({**json.loads(self.manifest.read_text()), **fields}))

    def restore(self) -> None:
        """As installed."""
        for file, content in self._installed.items():
            file.write_bytes(content)
        self.launcher.chmod(self._launcher_mode)


def without_host(browser: Browser, change: Callable[[], object]) -> None:
    """End worker and host, make `change`, and so let the next request find it."""
    hosts = browser.hosts()
    stop_worker(browser)
    wait_ended(hosts)
    change()
