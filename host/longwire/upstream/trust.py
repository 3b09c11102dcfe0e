"""Which certificate authorities vouch for a server, and nothing from the environment about it.

`httpx2.create_ssl_context(trust_env=False)` is the system's trust (through truststore where the system has a store of
its own), without SSL_CERT_FILE and SSL_CERT_DIR. A grant's `ca_file` replaces it: a grant that names its
authorities means those and no others. SSLKEYLOGFILE is honoured by `ssl.create_default_context` only, which is why it
is not used here. There is no way to switch verification off.
"""

import os
import ssl

import anyio.to_thread

from longwire.protocol.errors import ErrorCode, Phase, StreamError

# What identifies the content of a file without reading it: modification time (ns), size, inode.
_Signature = tuple[int, int, int]


class TrustStore:
    """TLS client contexts by `ca_file`, made once: loading the system's authorities costs tens of milliseconds."""

    def __init__(self) -> None:
        self._contexts: dict[str | None, tuple[_Signature | None, ssl.SSLContext]] = {}

    async def context(self, ca_file: str | None) -> ssl.SSLContext:
        """The context for `ca_file`, None for the system's trust; read again when the file changed.

        Raises:
            StreamError: UPSTREAM_TLS, the file is missing or holds no certificate; phase `connect`.
        """
        try:
            signature = None if ca_file is None else _signature(ca_file)
            known = self._contexts.get(ca_file)
            if known is not None and known[0] == signature:
                return known[1]
            context = await anyio.to_thread.run_sync(_make_context, ca_file, abandon_on_cancel=True)
        except (OSError, ssl.SSLError):
            raise _unreadable(ca_file) from None
        self._contexts[ca_file] = (signature, context)
        return context


# What was found in each file, by its signature then: such questions may come often, and a bundle of the system's size
# takes tens of milliseconds to read.
_readable: dict[str, tuple[_Signature, bool]] = {}


def check_authorities(ca_file: str) -> None:
    """Whether `TrustStore.context` would succeed, for questions before there is a request. Reads a new file.

    Raises:
        StreamError: as `TrustStore.context`.
    """
    try:
        signature = _signature(ca_file)
        if _readable.get(ca_file, (None, False))[0] != signature:
            _readable[ca_file] = (signature, _holds_authorities(ca_file))
    except OSError:
        raise _unreadable(ca_file) from None
    if not _readable[ca_file][1]:
        raise _unreadable(ca_file)


def _holds_authorities(ca_file: str) -> bool:
    try:
        _make_context(ca_file)
    except ssl.SSLError:
        return False
    return True


def _unreadable(ca_file: str | None) -> StreamError:
    where = "the system's certificate authorities" if ca_file is None else "the grant's ca_file"
    fix = "It must be a readable PEM file with at least one certificate"
    named = "" if ca_file is None else f", {ca_file}"
    return StreamError(
        ErrorCode.UPSTREAM_TLS,
        f"cannot read {where}. {fix}",
        Phase.CONNECT,
        reason=f"cannot read {where}{named}. {fix}",
    )


def _signature(path: str) -> _Signature:
    status = os.stat(path)  # noqa: PTH116  (anyio.Path would cost a thread hop per connection)
    return status.st_mtime_ns, status.st_size, status.st_ino


def _make_context(ca_file: str | None) -> ssl.SSLContext:
    if ca_file is None:
        import httpx2  # here: a plain http upstream never pays for it

        context = httpx2.create_ssl_context(trust_env=False)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=ca_file)
    # Python asks OpenSSL to report a connection cut without close_notify as an orderly end. For a body that ends with
    # the connection that is the difference between whole and cut off (RFC 9112 section 9.8).
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    # A server that renegotiates could make a write wait for a read.
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context
