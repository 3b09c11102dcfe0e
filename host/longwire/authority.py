"""Host and port as one text (RFC 3986 section 3.2), and the ports that the schemes have by themselves."""

from typing import Final, Literal

DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
# Those of WebSockets (RFC 6455 section 3), and those of everything else.
SOCKET_SCHEMES: Final = frozenset({"ws", "wss"})
HTTP_SCHEMES: Final = frozenset({"http", "https"})
# Over TLS.
SECURE_SCHEMES: Final = frozenset({"https", "wss"})


def authority(host: str, port: int | Literal["*"] | None = None, scheme: str | None = None) -> str:
    """`host[:port]`, an IPv6 address in brackets. With a `scheme`, its own port is left out. `*` is a pattern's."""
    shown = f"[{host}]" if ":" in host else host
    default = None if scheme is None else DEFAULT_PORTS.get(scheme)
    return shown if port is None or port == default else f"{shown}:{port}"
