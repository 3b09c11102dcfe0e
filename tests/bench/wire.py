"""`python -m tests.bench.wire [--against COMMIT]`: what a host says in a recorded session, frame by frame, as it is.

With another commit: both builds' sessions beside each other; exit code 1 if a frame differs. The session has a stream
of every outcome, one after another, so that its order is the protocol's and not the machine's. Of the frames' text only
what cannot be the same is put aside: milliseconds, the port, and how a body was cut into chunks.
"""

import argparse
import difflib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pybase64
from rich.console import Console

from tests.host_process import PAGE, TERMINALS, HostProcess, grant
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

# Milliseconds, and the digest of a policy whose destinations have the port in them.
_VARIES = re.compile(r'("(?:\w+_ms|digest)":)(?:\d+|"[0-9a-f]+")|(?<=127\.0\.0\.1:)\d+')
_BODY = pybase64.b64encode(b"a body of a request").decode()


class _Recorder:
    """A greeted host, and everything it said."""

    def __init__(self, host: HostProcess) -> None:
        self.host = host
        self.frames: list[str] = []
        self._ids = iter(range(1, 1000))
        self._offset = 0

    def next(self) -> dict[str, Any]:
        """The next message; a body is recorded as one."""
        message = self.host.next()
        assert message is not None, self.host.stderr()
        if message["type"] != "STREAM_CHUNK":
            self.frames.append(masked(orjson.dumps(message).decode()))
        elif self.frames[-1].startswith("body "):
            self.frames[-1] += message["data"].hex()
        else:
            self.frames.append(f"body {message['data'].hex()}")
        return message

    def until(self, *kinds: str) -> dict[str, Any]:
        """On to the next message of one of these types."""
        while (message := self.next())["type"] not in kinds:
            pass
        return message

    def whole(self, url: str, **changes: Any) -> None:
        """A stream from its start to its terminal message."""
        number = next(self._ids)
        self.host.start(number, url, **changes)
        received = 0
        while (message := self.next())["type"] not in TERMINALS:
            if message["type"] == "STREAM_CHUNK":
                received += len(message["data"])
                self.host.send(type="STREAM_ACK", id=number, consumed=received)

    def start(self, url: str, **changes: Any) -> int:
        """A stream that goes on."""
        number = next(self._ids)
        self.host.start(number, url, **changes)
        return number


def masked(frame: str) -> str:
    """A message's text without what no two runs have in common."""
    return _VARIES.sub(lambda match: f"{match[1] or ''}0", frame)


def record(folder: Path) -> list[str]:
    """One session of a host of this interpreter's build, as text: a line for each message, and one for each body."""
    app = make_app()
    app.site.put("/", "<p>hello</p>")
    with ThreadedServer(lambda: Server(app.routes)) as server:
        policy = grant(server.url("/"), more='response_headers = ["content-type", "x-request-id"]\n')
        with HostProcess(folder, policy) as host:
            recorder = _Recorder(host)
            host.send(type="HELLO", protocol=2, extension="0.0.0")
            recorder.until("WELCOME")
            _bodies(recorder, server)
            _refusals(recorder, server)
            _uploads(recorder, server)
            _ends(recorder, server)
            host.send(type="HELLO", protocol=2, extension="0.0.0")  # once is enough: FATAL
            recorder.until("FATAL")
            assert host.next() is None
            return recorder.frames


def _bodies(recorder: _Recorder, server: ThreadedServer) -> None:
    recorder.whole(server.url("/"))
    recorder.whole(server.url("/bytes?size=9"))
    recorder.whole(server.url("/bytes?size=200000"))
    recorder.whole(server.url("/bytes?size=5000&framing=chunked"))
    recorder.whole(server.url("/coded?coding=gzip&size=5000"))
    recorder.whole(server.url("/countdown?n=2"))
    recorder.whole(server.url("/echo"), method="HEAD")
    recorder.whole(server.url("/nowhere"))


def _refusals(recorder: _Recorder, server: ThreadedServer) -> None:
    recorder.whole(server.url("/"), method="DELETE")
    recorder.whole("https://elsewhere.test/")
    recorder.whole(server.url("/"), page={**PAGE, "origin": "https://stranger.test"})
    recorder.whole(server.url("/"), page={**PAGE, "private": True})
    recorder.whole(server.url("/"), body={"kind": "inline", "data": _BODY})
    recorder.whole(server.url("/redirect?to=https://elsewhere.test/"))
    recorder.whole(server.url("/redirect?to=/"), redirect="error")
    recorder.whole(server.url("/"), headers=[["Cookie", "a=b"]])
    recorder.whole(server.url("/"), nothing="of the protocol")


def _uploads(recorder: _Recorder, server: ThreadedServer) -> None:
    recorder.whole(server.url("/mirror"), method="POST", body={"kind": "inline", "data": _BODY})
    number = recorder.start(server.url("/mirror"), method="POST", body={"kind": "stream", "size": None})
    recorder.until("STREAM_BODY_ACK")
    recorder.host.send(type="STREAM_BODY", id=number, offset=0, data=_BODY)
    recorder.host.send(type="STREAM_BODY_END", id=number, bytes=19)
    recorder.until(*TERMINALS)
    number = recorder.start(server.url("/mirror"), method="POST", body={"kind": "stream", "size": None})
    recorder.until("STREAM_BODY_ACK")
    recorder.host.send(type="STREAM_BODY", id=number, offset=7, data=_BODY)  # a gap
    recorder.until(*TERMINALS)


def _ends(recorder: _Recorder, server: ThreadedServer) -> None:
    number = recorder.start(server.url("/sse"))
    recorder.until("STREAM_HEADERS")
    recorder.host.send(type="STREAM_ABORT", id=number, reason="signal")
    recorder.until("STREAM_ABORTED")
    number = recorder.start(server.url("/fault/body-silent"))
    recorder.until("STREAM_CHUNK")
    recorder.host.send(type="STREAM_ACK", id=number, consumed=1_000_000)  # of bytes that were never sent
    recorder.until(*TERMINALS)
    for name in ("length-cut", "chunked-bad", "two-lengths", "garbage", "close-at-once"):
        recorder.whole(server.url(f"/fault/{name}"))
    for request, private in enumerate((False, True), 1):
        recorder.host.send(type="STATUS_REQUEST", request=request, page={**PAGE, "private": private})
        recorder.until("STATUS")
    recorder.host.send(type="STREAM_ACK", id=999, consumed=1)  # late, or never was: no answer


def _of(python: Path) -> list[str]:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([str(python), "-m", "tests.bench.wire"], cwd=root, capture_output=True, text=True, check=True)
    frames: list[str] = json.loads(done.stdout)
    return frames


def main() -> None:
    """Record, or record both and compare."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.wire", description=__doc__)
    parser.add_argument("--against", metavar="COMMIT", help="compare with this build's")
    options = parser.parse_args()
    if not options.against:
        with tempfile.TemporaryDirectory(prefix="longwire-bench-") as folder:
            print(json.dumps(record(Path(folder)), indent=1))
        return
    from tests.bench.against import built, python_of

    console = Console()
    this, other = _of(Path(sys.executable)), _of(python_of(built(options.against, Console(file=sys.stderr))))
    for line in difflib.unified_diff(other, this, options.against, "this build", n=0, lineterm=""):
        console.print(line[:400], markup=False, style="red" if line[0] == "-" else "green" if line[0] == "+" else "dim")
    console.print(
        f"{len(this)} frames and bodies here, {len(other)} there: {'the same' if this == other else 'not the same'}"
    )
    sys.exit(this != other)


if __name__ == "__main__":
    main()
