"""The level of a line says what came of it: a real host, and `longwire logs` over what it wrote."""

import json
import socket
import subprocess
import sys
from pathlib import Path

from tests.host_process import HostProcess, environment, grant
from tests.patience import PATIENCE_S

NO_CONTENT = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def shown(home: Path, level: str) -> list[tuple[int, str]]:
    """Stream and event of each line that `--level` shows of streams."""
    done = subprocess.run(
        [sys.executable, "-m", "longwire.cli.main", "logs", "--json", "--level", level],
        env=environment(home),
        capture_output=True,
        check=True,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [(event["stream"], event["event"]) for event in events if "stream" in event]


def test_refusals_are_warnings_failures_are_errors_and_the_rest_is_information(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as gone:
        url, closed = (f"http://127.0.0.1:{each.getsockname()[1]}/" for each in (server, gone))
        gone.close()
        server.settimeout(PATIENCE_S)
        with HostProcess(tmp_path, grant(url, closed)) as host:
            host.hello()
            host.start(1, url)
            peer, _ = server.accept()
            peer.sendall(NO_CONTENT)
            peer.close()
            host.expect("STREAM_END")
            host.start(2, "http://127.0.0.1:1/")
            host.expect("STREAM_ERROR")
            host.start(3, closed)
            host.expect("STREAM_ERROR")
            host.start(4, url)
            peer, _ = server.accept()
            host.send(type="STREAM_ABORT", id=4, reason="signal")
            host.expect("STREAM_ABORTED")
            peer.close()

    assert shown(tmp_path, "error") == [(3, "error")]
    assert shown(tmp_path, "warning") == [(2, "error"), (3, "error")]
    everything = shown(tmp_path, "info")
    assert {(1, "start"), (1, "end"), (2, "error"), (3, "error"), (4, "start"), (4, "abort")} <= set(everything)
