"""The first thing a visitor does: `longwire demo`."""

import os
import re
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from longwire.demo.chat import TEXT
from longwire.demo.run import PICTURE_TIMEOUT_S

pytestmark = pytest.mark.e2e

ENDS_WITHIN_S = 240


def demo(*options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "longwire.cli.main", "demo", *options],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=ENDS_WITHIN_S,
        check=False,
    )


def leftovers(temporary: Path) -> list[str]:
    """Command lines of processes that a demo started whose temporary files lie there: named, or their home."""
    left = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            line, home = " ".join(process.cmdline()), process.environ().get("HOME", "")
            if f"{temporary}/longwire-demo-" in f"{line} {home}":
                left.append(line)
    return left


def printed_text(output: str) -> list[str]:
    """The words of the lines that came before the figures."""
    lines = output.partition("\n\n")[0].splitlines()
    return " ".join(line.removeprefix("text") for line in lines if line.startswith("text")).split()


def test_the_demo_shows_the_text_as_the_page_got_it_and_ends_well(tmp_path_factory: pytest.TempPathFactory) -> None:
    # A short one: below it the browser makes a socket, whose path has an end at 108 characters.
    tmp_path = tmp_path_factory.mktemp("t")
    done = demo(TMPDIR=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert printed_text(done.stdout) == TEXT.split()
    assert re.search(
        r"^ok: first text after \d+ ms, every byte arrived, page never saw the key$", done.stdout, re.MULTILINE
    )
    lines = [line for line in done.stdout.splitlines()[4:] if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 80
    picture = tmp_path / "cache" / "longwire" / "demo.png"
    assert f"picture   {picture}\n" in done.stdout
    assert struct.unpack(">I", picture.read_bytes()[16:20]) == (2 * 1120,)
    assert leftovers(tmp_path) == []
    assert list(tmp_path.glob("longwire-demo-*")) == []


def test_a_window_without_a_display_is_refused_with_the_fix() -> None:
    done = demo("--headed", DISPLAY="", WAYLAND_DISPLAY="")

    assert done.returncode == 1
    assert "no display" in done.stderr
    assert "without --headed" in done.stderr


def test_a_chromium_that_does_not_run_is_told_with_its_own_words(tmp_path: Path) -> None:
    program = tmp_path / "chromium"
    program.write_text(
        f"""#!/bin/sh
case "$1" in --version) echo Chromium 156.0.0.0; exit;; esac
echo no display >&2
touch "{tmp_path}/ended"
exit 1
"""
    )
    program.chmod(0o755)
    done = demo(PATH=f"{tmp_path}:/usr/bin:/bin")
    waited_s = time.time() - (tmp_path / "ended").stat().st_mtime

    assert done.returncode == 1
    assert "Chromium ended before it opened the page" in done.stderr
    assert "no display" in done.stderr
    assert "fix: " in done.stderr
    assert "Traceback" not in done.stderr
    assert waited_s < PICTURE_TIMEOUT_S, "of a browser that is gone no picture is waited for"


@pytest.mark.skipif(os.geteuid() == 0, reason="as root on Debian the demo would install it")
def test_without_chromium_it_says_how_to_get_one(tmp_path: Path) -> None:
    done = demo(PATH=str(tmp_path))

    assert done.returncode == 1
    assert "Chromium is not installed" in done.stderr
