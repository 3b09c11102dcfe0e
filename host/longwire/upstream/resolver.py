"""Names to addresses: bounded, cancellable, one resolution per connect, and the check that nothing follows unseen.

`getaddrinfo` blocks and cannot be interrupted, so each lookup has a thread of its own, and cancelling leaves the
thread behind. A thread that was left behind counts against the bounds until the C library returns: else a
flood of aborted requests to a slow name server would pile up threads. The threads are daemons, because a lookup
that hangs must not hold up the exit of the process (pooled worker threads are joined at exit).
"""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Final, Protocol

import anyio

from longwire.addresses import AddressClass, IPAddress, Network, admits, classify, parse_address
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.errors import shown

MAX_LOOKUPS: Final = 64
# One page's slow names must not take every thread from the others.
MAX_LOOKUPS_PER_ISOLATION: Final = 16

# RFC 6761 section 6.3: these names never go to DNS. In the order that browsers try them.
_LOCALHOST: Final = ("::1", "127.0.0.1")


class Resolver(Protocol):
    """Asks a name service. The answers may be anything: `resolve_checked` judges them."""

    async def lookup(self, host: str, isolation: str) -> Sequence[str]:
        """The addresses of `host` (ASCII), in order of preference, as text; zone ids kept.

        Raises:
            OSError: no answer, or none with an address.
        """


class SystemResolver:
    """The operating system's resolver."""

    def __init__(
        self,
        getaddrinfo: Callable[[str], Sequence[str]] | None = None,
        *,
        max_lookups: int = MAX_LOOKUPS,
        max_per_isolation: int = MAX_LOOKUPS_PER_ISOLATION,
    ) -> None:
        """`getaddrinfo` blocks until it has the addresses of a host; tests put theirs here."""
        self._getaddrinfo = getaddrinfo or _system_getaddrinfo
        self._max_lookups = max_lookups
        self._max_per_isolation = max_per_isolation
        self._running: Counter[str] = Counter()
        self._freed = anyio.Event()

    @property
    def running(self) -> int:
        """Threads inside a lookup, those of cancelled callers included."""
        return self._running.total()

    async def lookup(self, host: str, isolation: str) -> Sequence[str]:
        """See `Resolver`. Waits for a free thread first."""
        while self.running >= self._max_lookups or self._running[isolation] >= self._max_per_isolation:
            await self._freed.wait()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()
        self._running[isolation] += 1

        def done(addresses: Sequence[str], error: Exception | None) -> None:
            self._running[isolation] -= 1
            if not self._running[isolation]:
                del self._running[isolation]
            self._freed.set()
            self._freed = anyio.Event()
            if answer.done():  # the caller was cancelled
                return
            if error is None:
                answer.set_result(addresses)
            else:
                answer.set_exception(error)

        def work() -> None:
            addresses: Sequence[str] = ()
            failure: Exception | None = None
            try:
                addresses = self._getaddrinfo(host)
            except Exception as error:  # noqa: BLE001  (carried over to the caller's task and raised there)
                failure = error
            try:
                loop.call_soon_threadsafe(done, addresses, failure)
            except RuntimeError:  # the loop is closed: the process is ending, nobody waits
                return

        try:
            threading.Thread(target=work, name="longwire-dns", daemon=True).start()
        except RuntimeError:  # the system gives no more threads
            self._running[isolation] -= 1
            raise OSError("no thread for a lookup") from None
        return await answer


async def resolve_checked(resolver: Resolver, host: str, network: Network, isolation: str) -> tuple[IPAddress, ...]:
    """The addresses of `host`, every one of them inside `network`.

    An IP literal skips the name service, not the check. One answer outside the class refuses the whole name: a name
    that points inside as well as outside is how rebinding looks.

    Raises:
        StreamError: POLICY_DENIED, UPSTREAM_DNS; phase `connect`. The addresses themselves are not in the message:
            where a name points inside a network is not the page's to know.
    """
    addresses = await _resolve(resolver, host, isolation)
    for address in addresses:
        if not admits(network, address):
            raise _refusal(host, address, network)
    return addresses


def check_beyond_proxy(host: str, network: Network) -> None:
    """Judge a host that a proxy will resolve. Only what it spells can be judged: an address, or a localhost name.

    What a name leads to beyond the proxy is the proxy's to decide, and the administrator's who named it.

    Raises:
        StreamError: POLICY_DENIED; phase `connect`.
    """
    literal = parse_address(host)
    spelt = [literal] if literal is not None else [ip_address(text) for text in _LOCALHOST if _is_localhost(host)]
    for address in spelt:
        if not admits(network, address):
            raise _refusal(host, address, network)


async def resolve_proxy(resolver: Resolver, host: str, isolation: str) -> tuple[IPAddress, ...]:
    """The addresses of a grant's proxy. Any class is right, because the policy names it, except what no grant can open
    (metadata services and the like).

    Raises:
        StreamError: POLICY_DENIED, UPSTREAM_DNS; phase `connect`.
    """
    addresses = await _resolve(resolver, host, isolation)
    if any(classify(address) is AddressClass.REFUSED for address in addresses):
        message = f"the grant's proxy {shown(host)} leads to an address that no grant can open"
        raise StreamError(ErrorCode.POLICY_DENIED, message, Phase.CONNECT)
    return addresses


async def _resolve(resolver: Resolver, host: str, isolation: str) -> tuple[IPAddress, ...]:
    literal = parse_address(host)
    if literal is not None:
        return (literal,)
    if _is_localhost(host):
        texts: Sequence[str] = _LOCALHOST
    else:
        try:
            texts = await resolver.lookup(host, isolation)
        except (OSError, ValueError):  # ValueError: not encodable as a host name
            texts = ()
    found = [parse_address(text) for text in texts]
    addresses = tuple(dict.fromkeys(address for address in found if address is not None))
    if not addresses or None in found:
        raise StreamError(
            ErrorCode.UPSTREAM_DNS,
            f"the name {shown(host)} did not resolve. Check the spelling, and that this machine's DNS knows it",
            Phase.CONNECT,
        )
    return addresses


def _is_localhost(host: str) -> bool:
    name = host.removesuffix(".").lower()
    return name == "localhost" or name.endswith(".localhost")


def _refusal(host: str, address: IPAddress, network: Network) -> StreamError:
    kind = classify(address)
    if kind is AddressClass.REFUSED:
        text = (
            f"{shown(host)} leads to an address that no grant can open (link-local, metadata, multicast, reserved, or "
            "the translated form of a non-public one). Use a name with an ordinary address"
        )
        return StreamError(ErrorCode.POLICY_DENIED, text, Phase.CONNECT)
    text = (
        f'{shown(host)} leads to a {kind} address, and the grant says network = "{network}". If that is meant, the '
        f'policy can say network = "{kind}" in that grant'
    )
    return StreamError(ErrorCode.POLICY_DENIED, text, Phase.CONNECT, needed_network=kind)


def _system_getaddrinfo(host: str) -> Sequence[str]:
    # Bytes keep Python's own IDNA codec out: the name is canonical ASCII already. AI_ADDRCONFIG is not set, because it
    # hides ::1 on machines without global IPv6.
    infos = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    # The fourth element of an IPv6 address is its scope, which some systems do not repeat in the text.
    return [
        f"{address[0]}%{address[3]}" if len(address) == 4 and address[3] and "%" not in address[0] else str(address[0])
        for _, _, _, _, address in infos
    ]
