"""A real host process over real pipes, driven as a browser would: for tests and figures that need no browser."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Self

import orjson
import pybase64

from longwire.assets import extension_id
from longwire.protocol.frames import FrameDecoder, frame
from longwire.protocol.limits import ACK_WINDOW_DIVISOR, MAX_FRAME_TO_BROWSER, PROTOCOL_VERSION, WINDOW_FLOOR_BYTES
from tests.patience import PATIENCE_S

PAGE = {"origin": "http://localhost:5173", "tab": 1, "frame": 0, "document": "d", "private": False}
ENTRY = "from longwire.native.main import main; main()"
TERMINALS = frozenset({"STREAM_END", "STREAM_ERROR", "STREAM_ABORTED"})
# Told of each policy that is put in place, with its home: the next test puts another there.
POLICY_WATCHERS: list[Callable[[str, Path], None]] = []


class HostProcess:
    """One host. A thread reads its frames; `expect` waits for one. Chunk data is given as bytes."""

    def __init__(
        self, home: Path, policy: str | None = None, entry: str = ENTRY, argv: list[str] | None = None
    ) -> None:
        self.home = home
        if policy is not None:
            write_policy(home, policy)
        arguments = [f"chrome-extension://{extension_id()}/"] if argv is None else argv
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", entry, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=home,
            env=environment(home),
        )
        self.raw = b""
        self._messages: Queue[dict[str, Any] | None] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        decoder = FrameDecoder(MAX_FRAME_TO_BROWSER)
        assert self.process.stdout is not None
        while data := os.read(self.process.stdout.fileno(), 1 << 20):
            for payload in decoder.feed(data):
                message = orjson.loads(payload)
                if message["type"] == "STREAM_CHUNK":
                    message["data"] = pybase64.b64decode(message["data"])
                self.arrived(message)
        self._messages.put(None)

    def arrived(self, message: dict[str, Any]) -> None:
        """Put a message where `next` finds it. Called in the thread that reads."""
        self._messages.put(message)

    def feed(self, data: bytes) -> None:
        """Raw bytes to the host's standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, **message: Any) -> None:
        """One message."""
        self.feed(frame(orjson.dumps(message)))

    def hello(self, knows: Sequence[str] = ("writer",)) -> dict[str, Any]:
        """HELLO, as today's extension says it, or as an earlier one that names nothing; returns WELCOME."""
        named = {"knows": list(knows)} if knows else {}
        self.send(type="HELLO", protocol=PROTOCOL_VERSION, extension="0.0.0", **named)
        return self.expect("WELCOME")

    def start(self, stream_id: int, url: str, **changes: Any) -> None:
        """STREAM_START of a GET by the test page; `changes` replace fields."""
        message = {
            "type": "STREAM_START",
            "id": stream_id,
            "page": PAGE,
            "method": "GET",
            "url": url,
            "headers": [],
            "body": {"kind": "none"},
            "redirect": "follow",
            "timeouts": {},
        }
        self.send(**(message | changes))

    def generate(self, stream_id: int, request: bytes, **changes: Any) -> None:
        """STREAM_START of a generation by the test page; `request` is JSON, `changes` replace fields."""
        body = {"kind": "inline", "data": pybase64.b64encode(request).decode()}
        self.start(stream_id, "longwire:generate", method="POST", kind="generation", body=body, **changes)

    def next(self, timeout_s: float = PATIENCE_S) -> dict[str, Any] | None:
        """The next message, or None at the end of output."""
        try:
            return self._messages.get(timeout=timeout_s)
        except Empty:
            raise AssertionError(f"no frame from the host in {timeout_s} s") from None

    def expect(self, kind: str) -> dict[str, Any]:
        """Skip to the next message of this type."""
        skipped: list[dict[str, Any]] = []
        try:
            while (message := self.next()) is not None:
                if message["type"] == kind:
                    return message
                skipped.append(message)
        except AssertionError as silence:
            silence.add_note(f"before {kind} came {skipped[-5:]}")
            raise
        raise AssertionError(f"the host ended before {kind}; stderr: {self.stderr()}")

    def body(self, stream_id: int, on_chunk: Callable[[bytes], object] | None = None) -> tuple[bytes, dict[str, Any]]:
        """Read one stream to its end as a page does, with acknowledgements. Returns (body, terminal frame)."""
        received = bytearray()
        count = acknowledged = 0
        window = WINDOW_FLOOR_BYTES
        while (message := self.next()) is not None:
            if message.get("id") != stream_id:
                continue
            if message["type"] in TERMINALS:
                return bytes(received), message
            if message["type"] == "STREAM_CHUNK":
                assert message["offset"] == count, "offsets are contiguous"
                count += len(message["data"])
                window = message.get("window", window)
                if on_chunk is None:
                    received += message["data"]
                else:
                    on_chunk(message["data"])
                if count - acknowledged >= window // ACK_WINDOW_DIVISOR:
                    acknowledged = count
                    self.send(type="STREAM_ACK", id=stream_id, consumed=count)
        raise AssertionError(f"the host ended inside stream {stream_id}; stderr: {self.stderr()}")

    def stderr(self) -> str:
        """What it said to people, after it ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def close_input(self) -> None:
        """End of input, as when the browser lets go."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.process.stdin,):
            if stream is not None and not stream.closed:
                stream.close()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self._reader.join(PATIENCE_S)
            for output in (self.process.stdout, self.process.stderr):
                assert output is not None
                output.close()


def environment(home: Path) -> dict[str, str]:
    """A bare environment whose every folder lies under `home`."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PATH": os.defpath,
    }


def write_policy(home: Path, text: str) -> Path:
    """Put the user's policy file where a host with `environment(home)` looks."""
    file = home / "config" / "longwire" / "policy.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    for watcher in POLICY_WATCHERS:
        watcher(text, home)
    return file


def grant(*destinations: str, page: str = str(PAGE["origin"]), more: str = "") -> str:
    """A policy with one grant from `page` to loopback destinations."""
    listed = ", ".join(f'"{destination}"' for destination in destinations)
    return f"""\
version = 1

[[grant]]
name = "test"
pages = ["{page}"]
destinations = [{listed}]
methods = ["GET", "POST", "PUT", "HEAD"]
network = "loopback"
{more}
"""


@contextmanager
def greeted_host(home: Path, policy: str) -> Iterator[HostProcess]:
    """A host that has said WELCOME."""
    with HostProcess(home, policy) as host:
        host.hello()
        yield host
