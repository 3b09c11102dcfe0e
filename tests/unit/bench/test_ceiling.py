"""The bare host: what it sends is random and as much as was ordered, and it goes no further ahead than it may."""

import base64
import itertools
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from tests.bench import ceiling
from tests.bench.ceiling import FORMS, Form, Order

HOST = Path(ceiling.__file__).parent / "host.py"


class Bare:
    """A bare host over its pipes."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None and process.stdout is not None
        self._input: IO[bytes] = process.stdin
        self._output: IO[bytes] = process.stdout

    def say(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode()
        self._input.write(struct.pack("=I", len(data)) + data)
        self._input.flush()

    def hear(self) -> dict[str, Any]:
        (size,) = struct.unpack("=I", self._output.read(4))
        message: dict[str, Any] = json.loads(self._output.read(size))
        return message

    def rest(self) -> list[dict[str, Any]]:
        """All that comes after nothing more is said."""
        self._input.close()
        data = self._output.read()
        heard = []
        while data:
            (size,) = struct.unpack("=I", data[:4])
            heard.append(json.loads(data[4 : 4 + size]))
            data = data[4 + size :]
        return heard

    def until_end(self) -> list[dict[str, Any]]:
        heard = [self.hear()]
        while heard[-1].get("type") != "END":
            heard.append(self.hear())
        return heard


@contextmanager
def bare() -> Iterator[Bare]:
    process = subprocess.Popen([sys.executable, "-I", str(HOST)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        yield Bare(process)
        assert process.stdin is not None
        process.stdin.close()


def test_downwards_it_sends_what_was_ordered_and_no_two_frames_alike() -> None:
    with bare() as host:
        host.say(asdict(Order(1, 64 * 1024)))
        *frames, _ = host.until_end()
    bodies = [base64.b64decode(frame["data"]) for frame in frames]
    assert [len(body) for body in bodies] == [65536] * (1_000_000 // 65536)
    assert len(set(bodies)) == len(bodies)
    assert [frame["offset"] for frame in frames] == [65536 * number for number in range(len(frames))]


def test_small_messages_leave_beside_frames_and_by_themselves() -> None:
    with bare() as host:
        host.say(asdict(Order(0, 64 * 1024, events=5, per_second=1000)))
        alone = host.until_end()
        host.say(asdict(Order(1, 64 * 1024, events=5, per_second=1000)))
        beside = host.until_end()
    assert sum("at" in message for message in alone) == 5 == len(alone) - 1
    assert sum("at" in message for message in beside) == 5
    assert sum("offset" in message for message in beside) >= 15
    due = [message["at"] for message in beside if "at" in message]
    assert [round(later - first) for first, later in itertools.pairwise(due)] == [1, 1, 1, 1]


def test_it_goes_no_further_ahead_than_it_may() -> None:
    with bare() as host:
        host.say(asdict(Form(64, 1).order(2)))
        host.say({"taken": 4})
        # Nothing more is said, ever: what is there until its end is as much as may be ahead, and one.
        offsets = [message["offset"] for message in host.rest()]
    assert offsets == [65536 * number for number in range(4 + 16 + 1)]


def test_upwards_it_says_how_far_it_has_read() -> None:
    order = Order(1, 128 * 1024, up=True)
    with bare() as host:
        host.say(asdict(order))
        for number in range(1_000_000 // order.body_bytes):
            host.say({"type": "STREAM_BODY", "offset": number, "data": "x" * order.body_bytes})
        read, end = host.hear(), host.hear()
    assert read == {"read": 4}
    assert end["type"] == "END" and end["milliseconds"] >= 0


def test_forms_are_told_apart() -> None:
    assert len({form.name for form in FORMS}) == len(FORMS)
    assert Form(64, 2).name == "bare channel, 64 KiB frames, 2 MiB ahead"
    assert Form(64, 2).order(8) == Order(8, 65536, ahead_bytes=2 << 20)
