"""The doctor beside a real Chromium: both stumble over the same thing, and what is mended works in the browser."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.browser import Browser, longwire
from tests.e2e.conftest import Upstream
from tests.e2e.hosts import HostFiles, without_host
from tests.host_process import environment


def doctor(browser: Browser, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and findings for the profile of this browser."""
    command = [sys.executable, "-m", "longwire.cli.main", "doctor", "--json", "--user-data-dir", str(browser.profile)]
    done = subprocess.run(
        [*command, *arguments], env=environment(browser.home), capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout)["findings"]


def status(page: Page) -> str:
    return str(page.evaluate("longwire.status().then((status) => status.state)"))


def byte_order_mark(files: HostFiles) -> None:
    files.manifest.write_bytes(b"\xef\xbb\xbf" + files.manifest.read_bytes())


def relative_path(files: HostFiles) -> None:
    files.change_manifest(path=os.path.relpath(files.launcher, files.manifest.parent))


def not_executable(files: HostFiles) -> None:
    files.launcher.chmod(0o644)


def interpreter_gone(files: HostFiles) -> None:
    files.launch("", interpreter_line="#!/nonexistent/python")


def stdout_polluted(files: HostFiles) -> None:
    files.launch("print('hello, world', flush=True)\ninput()")


def another_id(files: HostFiles) -> None:
    files.change_manifest(allowed_origins=["chrome-extension://" + "a" * 32 + "/"])


@pytest.mark.parametrize(
    ("spoil", "state", "check"),
    [
        (relative_path, "host-missing", "manifest"),
        (another_id, "host-forbidden", "manifest"),
        (not_executable, "host-failed", "launcher"),
        (interpreter_gone, "host-failed", "launcher"),
        (stdout_polluted, "host-failed", "host"),
    ],
)
def test_what_the_browser_stumbles_over_the_doctor_names_and_mends(
    browser: Browser, page: Page, upstream: Upstream, spoil: Callable[[HostFiles], None], state: str, check: str
) -> None:
    longwire(browser.home, "install", "--user-data-dir", str(browser.profile))
    files = HostFiles(browser)
    assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"
    without_host(browser, lambda: spoil(files))
    assert status(page) == state

    code, findings = doctor(browser)
    assert code == 1
    assert [finding["check"] for finding in findings if finding["state"] == "fail"] == [check]

    code, findings = doctor(browser, "--fix")
    assert code == 0, findings
    assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"


def test_chromium_forgives_a_byte_order_mark_and_the_doctor_mends_it_all_the_same(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    longwire(browser.home, "install", "--user-data-dir", str(browser.profile))
    files = HostFiles(browser)
    assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"
    without_host(browser, lambda: byte_order_mark(files))
    assert status(page) == "ready"

    code, findings = doctor(browser)
    (manifest,) = [finding for finding in findings if finding["check"] == "manifest"]
    assert (code, manifest["state"]) == (0, "warn")
    doctor(browser, "--fix")
    assert files.manifest.read_bytes().startswith(b"{")


def test_the_extension_of_a_browser_that_was_closed_is_found_in_its_profile(browser: Browser) -> None:
    """A running browser writes its preferences late, so this only asks that nothing is taken for broken."""
    _, findings = doctor(browser)
    states = {
        Path(finding["subject"] or "").name: finding["state"] for finding in findings if finding["check"] == "extension"
    }
    assert set(states.values()) <= {"ok", "warn"}
