"""What is read of a process is what it does."""

import subprocess
import sys

import psutil
import pytest

from longwire.assets import extension_id
from longwire.protocol.limits import MIB
from tests.soak.sampling import Role, Sample, Sampler, role_of


def sample(sampler: Sampler) -> Sample:
    sampler.take(0.0, "rest")
    return sampler.samples[-1]


# A process of its own, since threads that other tests left behind come and go in this one. A line for each step.
WATCHED = f"""
import os, sys, threading
def step():
    print(flush=True)
    sys.stdin.readline()
step()
held = bytearray(os.urandom({MIB}) * 32)
pipe = os.pipe()
go, gone = threading.Event(), threading.Event()
def sleepy():
    for _ in range(200):
        go.wait(0.0001)
    gone.set()
    go.wait()
thread = threading.Thread(target=sleepy)
thread.start()
gone.wait()
step()
go.set()
thread.join()
for end in pipe:
    os.close(end)
step()
"""


def test_memory_descriptors_threads_and_wake_ups_are_counted() -> None:
    with subprocess.Popen([sys.executable, "-c", WATCHED], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as watched:
        assert watched.stdin is not None
        assert watched.stdout is not None
        sampler = Sampler(psutil.Process(watched.pid))
        seen = []
        for _ in range(3):
            watched.stdout.readline()
            seen.append(sample(sampler))
            watched.stdin.write(b"\n")
            watched.stdin.flush()
    before, during, after = seen
    assert during.memory - before.memory >= 32 * MIB
    assert during.rss >= during.memory
    assert during.descriptors == before.descriptors + 2
    assert during.threads == before.threads + 1
    # Those of a thread that has ended stay counted.
    assert during.wakeups >= before.wakeups + 200
    assert after.wakeups >= during.wakeups
    assert (after.descriptors, after.threads) == (before.descriptors, before.threads)


@pytest.mark.parametrize(
    ("arguments", "is_root", "role"),
    [
        (["python", "-m", "host", f"chrome-extension://{extension_id()}/"], False, "host"),
        (["chromium", "--headless=new"], True, "browser"),
        (["chromium", "--type=renderer", "--extension-process"], False, "worker"),
        (["chromium", "--type=renderer"], False, "page"),
        (["chromium", "--type=utility"], False, None),
        (["chromium", "--type=gpu-process"], False, None),
    ],
)
def test_a_process_is_known_by_its_command_line(arguments: list[str], is_root: bool, role: Role | None) -> None:
    assert role_of(arguments, is_root=is_root) == role
