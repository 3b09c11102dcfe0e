"""The doctor beside a real Chromium: both stumble over the same thing, and what is mended works in the browser."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from longwire import __version__
from longwire.protocol.limits import PROTOCOL_VERSION
from longwire.protocol.records import BridgeState
from tests.e2e.browser import STATUS, Browser
from tests.e2e.conftest import Upstream
from tests.e2e.hosts import HostFiles, without_host
from tests.host_process import environment, write_policy


def doctor(browser: Browser, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and findings for the profile of this browser."""
    command = [sys.executable, "-m", "longwire.cli.main", "doctor", "--json", "--user-data-dir", str(browser.profile)]
    done = subprocess.run(
        [*command, *arguments], env=environment(browser.home), capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout)["findings"]


@pytest.fixture(scope="module")
def files_of_module(browser_of_module: Browser) -> HostFiles:
    """As installed."""
    return HostFiles(browser_of_module)


@pytest.fixture
def files(files_of_module: HostFiles) -> Iterator[HostFiles]:
    """To be broken; the doctor mends them, and whatever it missed is put right for the next test."""
    yield files_of_module
    files_of_module.restore()


def status(page: Page) -> dict[str, Any]:
    """What `longwire.status()` says in the page."""
    said: dict[str, Any] = page.evaluate(STATUS)
    return said


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


# Each check once.
@pytest.mark.parametrize(
    ("spoil", "state", "fix", "check"),
    [
        (relative_path, BridgeState.HOST_MISSING, "Run `longwire install`", "manifest"),
        pytest.param(
            another_id, BridgeState.HOST_FORBIDDEN, "Run `longwire install`", "manifest", marks=pytest.mark.long
        ),
        (not_executable, BridgeState.HOST_FAILED, "Run `longwire doctor`", "launcher"),
        pytest.param(
            interpreter_gone, BridgeState.HOST_FAILED, "Run `longwire doctor`", "launcher", marks=pytest.mark.long
        ),
        (stdout_polluted, BridgeState.HOST_FAILED, "Run `longwire doctor`", "host"),
    ],
)
def test_what_the_browser_stumbles_over_the_page_is_told_and_the_doctor_names_and_mends(
    browser: Browser,
    page: Page,
    upstream: Upstream,
    files: HostFiles,
    spoil: Callable[[HostFiles], None],
    state: BridgeState,
    fix: str,
    check: str,
) -> None:
    assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"
    without_host(browser, lambda: spoil(files))
    said = status(page)
    assert (said["state"], said["destinations"]) == (state, [])
    assert fix in said["fix"]

    code, findings = doctor(browser)
    assert code == 1
    assert [finding["check"] for finding in findings if finding["state"] == "fail"] == [check]

    code, findings = doctor(browser, "--fix")
    assert code == 0, findings
    assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"


def test_with_a_host_the_status_of_a_page_is_that_of_its_policy(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))
    ready = status(page)
    assert (ready["state"], ready["host"], ready["protocol"]) == (BridgeState.READY, __version__, PROTOCOL_VERSION)
    assert (ready["destinations"], ready.get("fix")) == ([upstream.root], None)

    policy = write_policy(browser.home, "version = 1\noops = 2\n")
    invalid = status(page)
    assert (invalid["state"], invalid["destinations"]) == (BridgeState.POLICY_INVALID, [])
    assert invalid["fix"].startswith("mend the policy file: line 2, field oops")

    policy.unlink()
    missing = status(page)
    assert (missing["state"], missing["destinations"]) == (BridgeState.READY, [])
    assert "`longwire policy show` says where it belongs" in missing["fix"]


def test_chromium_forgives_a_byte_order_mark_and_the_doctor_mends_it_all_the_same(
    browser: Browser, page: Page, upstream: Upstream, files: HostFiles
) -> None:
    assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"
    without_host(browser, lambda: byte_order_mark(files))
    assert status(page)["state"] == "ready"

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
