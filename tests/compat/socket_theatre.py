"""One page and the servers of all clients, in which one is run once over Longwire and once over the browser's own."""

import json
import re
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import trustme
from playwright.sync_api import Page

from tests.compat.socket_rows import ROWS, SocketRow, SocketScenario
from tests.compat.theatre import HERE, bundled, node
from tests.e2e.browser import Browser
from tests.host_process import write_policy
from tests.patience import PATIENCE_S

Through: TypeAlias = Literal["longwire", "browser"]

KEY_FILE: Final = "sockets.key"
CA_FILE: Final = "sockets.pem"

# What a client makes anew each time: names of messages, and when.
_NEW_EACH_TIME: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z")


@dataclass(frozen=True)
class SocketRun:
    """What came of one run."""

    # As src/socket-page.ts reports it: `value` or `error`, what the client `told`, and `unhandled` rejections.
    report: dict[str, Any]
    # As servers/stage.mjs has it: for each socket its `url`, protocols, what it `received`, its `close`.
    sockets: list[dict[str, Any]]
    # Handshakes that were refused.
    refused: int
    # Kinds of keys that requests came with.
    keys: set[str]


class SocketTheatre:
    """Runs clients. Made by `socket_theatre`."""

    def __init__(self, page: Page, ports: Mapping[str, int]) -> None:
        self._page = page
        self._ports = ports
        self._load()

    def _load(self) -> None:
        self._page.goto(f"http://localhost:{self._ports['ws']}/")
        self._page.wait_for_function("typeof run === 'function'")

    def play(self, row: SocketRow, scenario: SocketScenario, through: Through) -> SocketRun:
        """One client, once."""
        host = "localhost" if through == "browser" else "127.0.0.1"
        order = {
            "module": row.module,
            "through": through,
            "url": f"{row.scheme}://{host}:{self._ports[row.scheme]}/{row.module}",
            "scenario": scenario.value,
            "texts": row.texts,
        }
        report: dict[str, Any] = self._page.evaluate("(order) => run(order)", order)
        record = report.pop("record")
        if record is None:
            # Whatever is still going on there must not show in the next case.
            self._load()
            return SocketRun(report, [], 0, set())
        sockets = json.loads(_NEW_EACH_TIME.sub("NEW", json.dumps(record["sockets"])))
        return SocketRun(report, sockets, record["refused"], set(record["keys"]))


@contextmanager
def socket_theatre(browser: Browser, folder: Path) -> Iterator[SocketTheatre]:
    """Bundle the clients into `folder`, start their servers, and grant these with a key."""
    bundled(folder, "socket-page", "socket-clients")
    key = f"key-{secrets.token_urlsafe(24)}"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(browser.home / CA_FILE))
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    process = subprocess.Popen(
        [node(), str(HERE / "servers" / "main.mjs"), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        tls = {
            "cert": certificate.cert_chain_pems[0].bytes().decode(),
            "key": certificate.private_key_pem.bytes().decode(),
        }
        process.stdin.write(json.dumps({"key": key, "tls": tls}).encode() + b"\n")
        process.stdin.flush()
        ports = dict(zip(("ws", "wss"), json.loads(process.stdout.readline()), strict=True))
        write_policy(browser.home, _policy(browser.home, ports, key))
        yield SocketTheatre(browser.open("about:blank"), ports)
        browser.close_pages()
    finally:
        process.stdin.close()
        process.wait(PATIENCE_S)
        process.stdout.close()


def _policy(home: Path, ports: Mapping[str, int], key: str) -> str:
    file = home / KEY_FILE
    file.write_text(key)
    file.chmod(0o600)
    destinations = [f"{row.scheme}://127.0.0.1:{ports[row.scheme]}/{row.module}" for row in ROWS]
    destinations += [f"{destination}/" for destination in destinations]
    destinations.append(f"http://127.0.0.1:{ports['ws']}/jupyterlab/")
    return f"""
version = 1

[[grant]]
name = "sockets"
pages = ["http://localhost:{ports["ws"]}"]
destinations = {json.dumps(destinations)}
methods = ["GET", "POST", "DELETE"]
network = "loopback"
ca_file = "{home / CA_FILE}"
inject = {{ Authorization = "Bearer {{secret:sockets}}" }}

[secret.sockets]
file = "{file}"
"""
