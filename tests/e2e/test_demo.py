"""The first thing a visitor does: `longwire demo`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from longwire.cli.demo.chat import TEXT

pytestmark = pytest.mark.e2e

ENDS_WITHIN_S = 60


def demo(**environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "longwire.cli.main", "demo"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=ENDS_WITHIN_S,
        check=False,
    )


def leftovers() -> list[str]:
    """Command lines of processes that a demo started."""
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    return [line for line in lines if "longwire-demo-" in line]


def test_the_demo_shows_the_text_as_the_page_got_it_and_ends_well(tmp_path: Path) -> None:
    done = demo(TMPDIR=str(tmp_path))

    assert done.returncode == 0, done.stdout + done.stderr
    assert TEXT in done.stdout
    assert re.search(
        r"^ok: [\d,]+ bytes in \d+ events, SHA-256 equal; first text after \d+ ms", done.stdout, re.MULTILINE
    )
    assert leftovers() == []
    assert list(tmp_path.glob("longwire-demo-*")) == []


def test_a_chromium_that_does_not_run_is_told_with_its_own_words(tmp_path: Path) -> None:
    program = tmp_path / "chromium"
    program.write_text(
        '#!/bin/sh\ncase "$1" in --version) echo Chromium 156.0.0.0;; *) echo no display >&2; exit 1;; esac\n'
    )
    program.chmod(0o755)
    done = demo(PATH=f"{tmp_path}:/usr/bin:/bin")

    assert done.returncode == 1
    assert "Chromium ended before it opened the page" in done.stderr
    assert "no display" in done.stderr
    assert "fix: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="as root on Debian the demo would install it")
def test_without_chromium_it_says_how_to_get_one(tmp_path: Path) -> None:
    done = demo(PATH=str(tmp_path))

    assert done.returncode == 1
    assert "Chromium is not installed" in done.stderr
