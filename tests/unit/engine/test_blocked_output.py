"""A real host whose output nobody reads: it sees that its browser is gone all the same, and holds little meanwhile."""

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import orjson
import psutil
import pytest

from longwire.assets import extension_id
from longwire.protocol.frames import frame
from longwire.protocol.limits import MIB, PROTOCOL_VERSION
from tests.host_process import ENTRY, PAGE, environment, grant, write_policy
from tests.printed import say

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a pipe there does not tell that it was closed")

# Nothing is asked for any more when the host has not taken a byte for so long.
STUCK_AFTER_S = 1.0
# I10 gives a host 1.5 s, which a quiet machine keeps by far, as what is printed shows. A host that does not see the end
# never ends: that is told apart on a machine, too, that has ten processes for each of its cores.
GONE_WITHIN_S = 10.0
QUESTIONS = b"".join(
    frame(orjson.dumps({"type": "STATUS_REQUEST", "request": number, "page": PAGE})) for number in range(1, 500)
)


def destinations(count: int) -> list[str]:
    """Long ones, which every STATUS lists."""
    return [f"http://127.0.0.1:9/{number}/{'x' * 1000}/" for number in range(count)]


@pytest.mark.parametrize("listed", [1, 200], ids=["small answers", "large answers"])
def test_the_end_of_input_ends_a_host_whose_output_is_not_read(tmp_path: Path, listed: int) -> None:
    write_policy(tmp_path, grant(*destinations(listed)))
    with subprocess.Popen(
        [sys.executable, "-I", "-c", ENTRY, f"chrome-extension://{extension_id()}/"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env=environment(tmp_path),
    ) as host:
        try:
            assert host.stdin is not None and host.stdout is not None
            host.stdin.write(frame(orjson.dumps({"type": "HELLO", "protocol": PROTOCOL_VERSION, "extension": "0"})))
            host.stdin.flush()
            assert b"WELCOME" in os.read(host.stdout.fileno(), 4096)
            process = psutil.Process(host.pid)
            before = process.memory_info().rss
            asked = ask_until_stuck(host.stdin.fileno())
            grown = process.memory_info().rss - before
            began = time.monotonic()
            host.stdin.close()
            assert host.wait(GONE_WITHIN_S) == 0
            ended_s = time.monotonic() - began
        finally:
            host.kill()
    say(f"{asked / MIB:.1f} MiB of questions, no answer read: {grown / MIB:.0f} MiB more, gone after {ended_s:.2f} s")
    # The answers that wait, the frames of one write, the input that was read and not looked at, and what Python keeps.
    assert grown < 48 * MIB


def ask_until_stuck(descriptor: int) -> int:
    """Ask until the host takes no more; returns how many bytes it took."""
    os.set_blocking(descriptor, False)
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    taken = 0
    while poll.poll(STUCK_AFTER_S * 1000):
        start = taken % len(QUESTIONS)
        taken += os.write(descriptor, QUESTIONS[start:])
        assert taken < 64 * MIB, "the host takes input without end"
    return taken
