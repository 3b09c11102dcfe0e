"""Every exception of httpx2, httpcore2, h11, ssl, anyio and the sockets, made into a code in one place.

None of their texts goes further: h11 quotes header values, and a header value may be a secret. The messages here say
what happened and what to do, and name the host at most.

    before and during connect   connect_error, tls_error
    after it                    exchange_error, by the table below
"""

import errno
import ssl
from typing import Final, NamedTuple

import anyio
import h11
import httpcore2

from longwire.protocol.errors import ErrorCode, Phase, StreamError

NO_HTTP: Final = "what the server answered is not valid HTTP/1.1"


class EndWithoutNotice(httpcore2.ReadError):
    """TLS only: the connection ended without close_notify, so the end proves nothing (RFC 9112 section 9.8)."""


class SentBeside(httpcore2.WriteError):
    """The request body is being sent by a task of its own. httpcore2 takes any WriteError during the request as the
    sign to go on and read the response, which is exactly what is wanted.
    """


class _Row(NamedTuple):
    """What an exception means before the head of the response is there, and inside its body."""

    head: ErrorCode
    body: ErrorCode
    head_text: str
    body_text: str


_BROKEN: Final = _Row(
    ErrorCode.UPSTREAM_RESET,
    ErrorCode.UPSTREAM_RESET,
    "the server broke the connection before it answered",
    "the server broke the connection inside the body",
)
_ENDED: Final = _Row(
    ErrorCode.UPSTREAM_RESET,
    ErrorCode.UPSTREAM_TRUNCATED,
    "the server closed the connection before it answered",
    "the server closed the connection before the announced end of the body",
)
_INVALID: Final = _Row(
    ErrorCode.UPSTREAM_PROTOCOL,
    ErrorCode.UPSTREAM_PROTOCOL,
    NO_HTTP,
    "the server's framing of the body is not valid HTTP/1.1",
)
_OVERSIZE: Final = _Row(
    ErrorCode.UPSTREAM_PROTOCOL,
    ErrorCode.UPSTREAM_PROTOCOL,
    NO_HTTP,
    "a chunk header or the trailers of the body are larger than 100 KiB",
)
_TLS_BROKEN: Final = _Row(
    ErrorCode.UPSTREAM_TLS,
    ErrorCode.UPSTREAM_TLS,
    "TLS failed after the handshake. A server that asks for a client certificate does this; Longwire has none",
    "TLS failed inside the body",
)

# First match wins, so subclasses stand above their bases. The request itself is validated before it gets here, so a
# LocalProtocolError is about the exchange, not about the caller.
_TABLE: Final[tuple[tuple[type[Exception], _Row], ...]] = (
    (EndWithoutNotice, _ENDED),
    (httpcore2.ProtocolError, _INVALID),
    (httpcore2.NetworkError, _BROKEN),
    (h11.ProtocolError, _INVALID),
    (ssl.SSLError, _TLS_BROKEN),
    (anyio.BrokenResourceError, _BROKEN),
    (anyio.ClosedResourceError, _BROKEN),
    (anyio.EndOfStream, _ENDED),
    (OSError, _BROKEN),
)

# What `exchange_error` understands; anything else is a defect of our own and must not be dressed up as the server's.
FOREIGN: Final = tuple(kind for kind, _ in _TABLE)


def exchange_error(error: Exception, phase: Phase, *, ended: bool, uploading: bool) -> StreamError:
    """Translate one of `FOREIGN`.

    `ended`: the peer had closed its side, so a complaint about framing is about what is missing, not about what is
    there. `uploading`: the request body was not yet sent in full.
    """
    row = next(row for kind, row in _TABLE if isinstance(error, kind))
    if row is _INVALID:
        if ended:
            row = _ENDED
        elif getattr(error.__cause__, "error_status_hint", None) == 431:  # h11: over its size limit
            row = _OVERSIZE
    if phase is Phase.BODY:
        return StreamError(row.body, row.body_text, phase)
    if uploading and row.head is ErrorCode.UPSTREAM_RESET:
        return StreamError(
            ErrorCode.UPLOAD_FAILED,
            "the server broke the connection while the request body was being sent, and did not say why. "
            "It may have a limit on request size",
            phase,
        )
    return StreamError(row.head, row.head_text, phase)


def unproven_end(size: int) -> StreamError:
    """A body of no announced length, ended by `EndWithoutNotice` after `size` bytes as they were sent."""
    return StreamError(
        ErrorCode.UPSTREAM_TRUNCATED,
        f"after {size:,} bytes the server ended the TLS connection without saying that this was all (close_notify). "
        "It had announced no length, so these may be all, or anyone on the way may have cut off the rest. The server "
        "should send a Content-Length or chunks",
        Phase.BODY,
    )


_CONNECT_TEXTS: Final = {
    errno.ECONNREFUSED: "refused the connection. Is the server running, and is the port right?",
    errno.ETIMEDOUT: "did not answer. A firewall may be in the way",
    errno.EHOSTUNREACH: "cannot be reached: no route. Check the network or the VPN",
    errno.ENETUNREACH: "cannot be reached: no route. Check the network or the VPN",
    errno.ECONNRESET: "broke the connection at once",
    errno.EACCES: "was not contacted: this system forbids the connection (a local firewall)",
    errno.EPERM: "was not contacted: this system forbids the connection (a local firewall)",
    errno.EMFILE: "was not contacted: the host process has too many open files. Close some streams",
    errno.ENFILE: "was not contacted: this system has too many open files",
    errno.EADDRNOTAVAIL: "was not contacted: this machine has no free port or no address of that family",
}


def connect_error(error: OSError, host: str, port: int) -> StreamError:
    """UPSTREAM_CONNECT for an error of the socket calls."""
    text = _CONNECT_TEXTS.get(error.errno or 0, "could not be connected to")
    return StreamError(ErrorCode.UPSTREAM_CONNECT, f"{shown(host)}:{port} {text}", Phase.CONNECT)


# Numbers of X509_V_ERR_* in OpenSSL's x509_vfy.h. Windows and macOS report through their own stores: no number.
_CERTIFICATE_TEXTS: Final = {
    9: "its certificate is not valid yet. Check this machine's clock",
    10: "its certificate has expired. Check this machine's clock, or have the certificate renewed",
    18: "its certificate is self-signed. Name it as ca_file in the grant if you trust it",
    19: "its certificate leads to a root that this machine does not trust. Name that root as ca_file in the grant",
    20: "its certificate comes from an authority that this machine does not trust, or the server sends an incomplete "
    "chain. Name the authority as ca_file in the grant",
    21: "the certificate of its issuer is missing. Name it as ca_file in the grant",
    23: "its certificate has been revoked",
    62: "its certificate is for another name",
    64: "its certificate is not for this IP address. Use the name that the certificate has",
}


def tls_error(error: Exception, host: str) -> StreamError:
    """UPSTREAM_TLS for anything that goes wrong between TCP and HTTP."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = _CERTIFICATE_TEXTS.get(
            getattr(error, "verify_code", 0), "its certificate is not accepted by this machine"
        )
    elif isinstance(error, ssl.SSLError):
        text = "no TLS version or cipher in common, or what answers there does not speak TLS (https to an http port?)"
    else:
        text = "it closed the connection during the handshake"
    return StreamError(ErrorCode.UPSTREAM_TLS, f"no TLS with {shown(host)}: {text}", Phase.CONNECT)


def shown(host: str) -> str:
    """`host` as it goes into a message: DNS names have at most 253 characters, longer ones are cut."""
    return host if len(host) <= 253 else host[:253] + "…"
