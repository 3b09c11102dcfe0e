"""What the browser's administrator sets for the extension, shown to one browser alone.

The administrator's file is at its real place, but in this browser's view of the file system only: a mount namespace. So
no other browser of the machine sees it, and nothing is left behind however the test ends.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from longwire.assets import extension_id
from tests.e2e.browser import chromium_path

ETC = Path("/etc/chromium")
# Replaces ETC by the folder that is the first argument, and becomes the browser.
LAUNCHER = """#!/bin/sh
exec unshare --mount --propagation private sh -c 'mount --bind "$0" {etc} && exec {chromium} "$@"' {folder} "$@"
"""


def mounts_are_ours() -> bool:
    """Whether this user may have a view of the file system of their own."""
    if not ETC.is_dir() or shutil.which("unshare") is None:
        return False
    command = ["unshare", "--mount", "--propagation", "private", "mount", "--bind", str(ETC), str(ETC)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Managed:
    """A browser's administrator: their folder, and the way to start a browser that obeys it."""

    def __init__(self, home: Path) -> None:
        folder = home / "etc-chromium"
        self._file = folder / "policies" / "managed" / "longwire.json"
        self._file.parent.mkdir(parents=True)
        self.launcher = home / "chromium"
        self.launcher.write_text(LAUNCHER.format(etc=ETC, chromium=chromium_path(), folder=folder))
        self.launcher.chmod(0o755)

    def set(self, **settings: Any) -> None:
        """Write the file: what is set for the extension."""
        self.browser(**{"3rdparty": {"extensions": {extension_id(): settings}}})

    def browser(self, **policies: Any) -> None:
        """Write the file: policies of the browser's own."""
        self._file.write_text(json.dumps(policies))
