"""What is read of a process is what it does."""

import os
import threading

import psutil
import pytest

from longwire.assets import extension_id
from longwire.protocol.limits import MIB
from tests.soak.sampling import Role, Sample, Sampler, role_of


def sample(sampler: Sampler) -> Sample:
    sampler.take(0.0, "rest")
    return sampler.samples[-1]


def test_memory_descriptors_threads_and_wake_ups_are_counted() -> None:
    sampler = Sampler(psutil.Process())
    before = sample(sampler)
    held = bytearray(os.urandom(MIB) * 32)
    pipe = os.pipe()
    go, gone = threading.Event(), threading.Event()

    def sleepy() -> None:
        for _ in range(200):
            go.wait(0.0001)
        gone.set()
        go.wait()

    thread = threading.Thread(target=sleepy)
    thread.start()
    gone.wait()

    during = sample(sampler)
    go.set()
    thread.join()
    for end in pipe:
        os.close(end)
    after = sample(sampler)

    assert during.memory - before.memory >= len(held)
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
