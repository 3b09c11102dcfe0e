"""The opening handshake of a WebSocket (RFC 6455 section 4.1): what is asked, and whether it was granted.

Everything that a browser refuses is refused: a redirect, an informational answer before the 101, a wrong accept, a
subprotocol or an extension that nobody asked for, and none chosen where some were offered.
"""

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from typing import Final

import httpcore2

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.model import HandshakeRefused, Hop
from longwire.upstream.request_head import USER_AGENT, encoded, host_field, request_url

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
# Written here, or of the connection, or about a body that a handshake has not.
_OURS: Final = frozenset({"host", "connection", "upgrade", "content-length", "transfer-encoding", "expect", "te"})
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class Handshake:
    """One, with its own key."""

    def __init__(self, protocols: Sequence[str]) -> None:
        """Raises:
        StreamError: PROTOCOL, phase `policy`: a subprotocol that is no token, or offered twice.
        """
        if not all(map(_TOKEN.fullmatch, protocols)) or len(set(protocols)) < len(protocols):
            raise StreamError(ErrorCode.PROTOCOL, "a subprotocol is no token, or is offered twice", Phase.POLICY)
        self._protocols = tuple(protocols)
        self._key = base64.b64encode(os.urandom(16))

    def request(self, hop: Hop) -> httpcore2.Request:
        """What goes out.

        Raises:
            StreamError: PROTOCOL, phase `policy`: the hop has a field that only this module writes.
        """
        names = {name.lower() for name, _ in hop.headers}
        if not names.isdisjoint(_OURS) or any(name.startswith("sec-websocket-") for name in names):
            message = "a header field that belongs to the handshake of a WebSocket was given"
            raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
        fields = [("Host", host_field(hop)), *hop.headers]
        if "user-agent" not in names:
            fields.append(("User-Agent", USER_AGENT))
        fields += [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", self._key.decode()),
        ]
        if self._protocols:
            fields.append(("Sec-WebSocket-Protocol", ", ".join(self._protocols)))
        return httpcore2.Request(
            method=b"GET",
            url=request_url(hop),
            headers=encoded(fields),
            extensions={"sni_hostname": hop.host.removesuffix(".")},
        )

    def judge(self, status: int, fields: Sequence[tuple[bytes, bytes]]) -> str:
        """The subprotocol of a socket that is open now, "" for none.

        Raises:
            HandshakeRefused: it is not. HANDSHAKE_FAILED, phase `headers`.
        """
        if status != 101:
            redirect = (
                ". A handshake follows no redirect: write the URL that it leads to" if 300 <= status <= 399 else ""
            )
            raise HandshakeRefused(
                f"the server answered {status} to the handshake of a WebSocket{redirect}",
                status,
                retryable=status in _LATER,
            )
        found: dict[str, list[str]] = {}
        for name, value in fields:
            found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip(" \t"))
        if [each.lower() for each in found.get("upgrade", [])] != ["websocket"]:
            raise _broken("does not say that it upgrades to websocket")
        if "upgrade" not in {
            option.strip().lower() for each in found.get("connection", []) for option in each.split(",")
        }:
            raise _broken('has no "Connection: Upgrade"')
        accept = base64.b64encode(hashlib.sha1(self._key + _GUID, usedforsecurity=False).digest()).decode()
        if found.get("sec-websocket-accept", []) != [accept]:
            raise _broken("has no Sec-WebSocket-Accept that answers this key")
        if any(found.get("sec-websocket-extensions", [])):
            raise _broken("has an extension that was not asked for")
        return self._chosen(found.get("sec-websocket-protocol", []))

    def _chosen(self, values: Sequence[str]) -> str:
        if not values:
            if self._protocols:
                raise _broken("chooses none of the subprotocols that were offered")
            return ""
        if len(values) > 1 or values[0] not in self._protocols:
            raise _broken("chooses a subprotocol that was not offered")
        return values[0]


def informational() -> HandshakeRefused:
    """An informational answer (1xx) came before the 101."""
    return _broken("comes behind an informational one")


def _broken(text: str) -> HandshakeRefused:
    return HandshakeRefused(
        f"the server's answer to the handshake of a WebSocket {text}; the server must be fixed", None
    )
