"""A user of an administrator's machine: a browser of their own, and one page in it. Prints what came of it, as JSON.

`python -m tests.e2e.users_browser HOME PAGE SERVER ELSEWHERE`, as that user.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from longwire.assets import extension_folder
from tests.e2e.browser import QUIET, STATUS, chromium_path
from tests.e2e.scripts import script

_ASK = script("ask_twice.js")
_OWN_POLICY = """version = 1
[[grant]]
name = "mine"
pages = ["http://localhost:*"]
destinations = ["http://127.0.0.1:*/"]
methods = ["GET"]
network = "loopback"
"""


def main() -> None:
    """Do it."""
    home, page_url, server, elsewhere = Path(sys.argv[1]), *sys.argv[2:]
    began = time.monotonic()
    policy = home / ".config" / "longwire" / "policy.toml"
    policy.parent.mkdir(parents=True)
    policy.write_text(_OWN_POLICY)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(home / "profile"),
            executable_path=chromium_path(),
            headless=True,
            env={**os.environ, "HOME": str(home)},
            ignore_default_args=["--disable-extensions"],
            args=[
                "--no-sandbox",
                *QUIET,
                f"--load-extension={extension_folder()}",
                f"--disable-extensions-except={extension_folder()}",
            ],
        )
        page = context.new_page()
        page.goto(page_url)
        seen = page.evaluate(_ASK, [server, elsewhere])
        seen["status"] = page.evaluate(STATUS)
        context.close()
    browsed = time.monotonic()
    asked = ("policy", "check", "--page", page_url.rstrip("/"), "--url", elsewhere)
    check = subprocess.run(
        [sys.executable, "-m", "longwire.cli.main", *asked],
        capture_output=True,
        text=True,
        check=False,
    )
    seen["check"] = check.stdout
    seen["times"] = {"a user's page": browsed - began, "policy check": time.monotonic() - browsed}
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
