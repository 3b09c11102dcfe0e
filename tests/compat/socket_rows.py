"""The matrix of clients of sockets: which clients, which scenarios, and where one does something else over Longwire."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class SocketScenario(StrEnum):
    """What is done in one case."""

    TALK = "talk"
    BINARY = "binary"
    LARGE = "large"
    CLOSED = "closed"
    LOST = "lost"
    REFUSED = "refused"
    LEFT = "left"


# As columns of the published table.
COLUMNS: Final[Mapping[SocketScenario, str]] = {
    SocketScenario.TALK: "text",
    SocketScenario.BINARY: "binary",
    SocketScenario.LARGE: "large message",
    SocketScenario.CLOSED: "server closes",
    SocketScenario.LOST: "connection lost",
    SocketScenario.REFUSED: "handshake refused",
    SocketScenario.LEFT: "client closes",
}

TEXTS: Final = ("Grüße", "日本語 and 🌍")
# Of a clipboard that has no more (RFC 6143 section 7.5.6).
LATIN: Final = ("Grüße", "ÄÖÜ")


@dataclass(frozen=True)
class SocketRow:
    """A client. `module` is its file in src/socket-clients, `packages` what of package.json it is."""

    name: str
    module: str
    packages: tuple[str, ...]
    # Its server, as the table names it.
    server: str
    # What the client, or its protocol, does not have.
    without: frozenset[SocketScenario] = frozenset()
    texts: tuple[str, str] = TEXTS
    # After a loss it connects again by itself.
    reconnects: bool = True
    # It wants TLS.
    scheme: str = "ws"
    # How it says that its first handshake was refused; one that says nothing tries again.
    gives_up: str | None = None


_TEXT: Final = frozenset({SocketScenario.BINARY})
_OURS: Final = "of the tests"

ROWS: Final = (
    SocketRow("reconnecting-websocket", "reconnecting-websocket", ("reconnecting-websocket",), "ws"),
    SocketRow("partysocket", "partysocket", ("partysocket",), "ws"),
    SocketRow("graphql-ws", "graphql-ws", ("graphql-ws",), "graphql-ws, graphql", _TEXT),
    SocketRow("@trpc/client", "trpc", ("@trpc/client",), "@trpc/server", _TEXT),
    SocketRow("socket.io-client", "socket.io-client", ("socket.io-client",), "socket.io"),
    SocketRow("@rails/actioncable", "actioncable", ("@rails/actioncable",), _OURS, _TEXT),
    SocketRow("mqtt", "mqtt", ("mqtt",), "aedes"),
    SocketRow("@jupyterlab/services, kernels", "jupyterlab", ("@jupyterlab/services",), _OURS),
    SocketRow(
        "@novnc/novnc", "novnc", ("@novnc/novnc",), _OURS, texts=LATIN, reconnects=False, gives_up="disconnected"
    ),
    SocketRow(
        "@microsoft/signalr", "signalr", ("@microsoft/signalr",), _OURS, _TEXT, gives_up="WebSocket failed to connect"
    ),
    SocketRow("y-websocket", "y-websocket", ("y-websocket",), "y-websocket 2"),
    SocketRow("phoenix", "phoenix", ("phoenix",), _OURS),
    SocketRow("@supabase/realtime-js", "supabase", ("@supabase/realtime-js",), _OURS),
    SocketRow(
        "openai, realtime",
        "openai",
        ("openai",),
        _OURS,
        _TEXT,
        reconnects=False,
        scheme="wss",
        gives_up="unknown error",
    ),
)

# What `make test` runs: a talk that the server breaks off, and the end by the client, in one.
QUICK: Final = frozenset({SocketScenario.CLOSED})

# Where a client does something else than over the browser's own socket, by row and scenario: the number of the note in
# docs/compatibility.md that says what and why.
DIFFERENCES: Final[Mapping[tuple[str, SocketScenario], int]] = {("openai, realtime", SocketScenario.REFUSED): 1}

CELLS: Final = [(row, scenario) for row in ROWS for scenario in COLUMNS if scenario not in row.without]
