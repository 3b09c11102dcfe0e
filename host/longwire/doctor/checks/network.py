"""`--network`: name, address and TLS of every granted destination and provider, by the host's own means.

No request is sent.
"""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

import anyio

from longwire.authority import DEFAULT_PORTS, SECURE_SCHEMES
from longwire.doctor.finding import Finding, fail, ok
from longwire.doctor.patient import Patient
from longwire.policy import Grant
from longwire.policy.matching import HostPattern
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.turns import Turns
from longwire.upstream.backend import HopBackend
from longwire.upstream.buffers import ReceiveBuffers
from longwire.upstream.resolver import SystemResolver
from longwire.upstream.trust import TrustStore

_DEADLINE_S: Final = 10.0
Dial = Callable[[Grant, HostPattern], Coroutine[Any, Any, None]]

_FIXES: Final = {
    ErrorCode.UPSTREAM_DNS: "check the spelling in the policy, and this machine's DNS",
    ErrorCode.POLICY_DENIED: "change `network` of the grant if that address is meant",
    ErrorCode.UPSTREAM_TLS: "name your own authority as `ca_file` in the grant; see `longwire docs troubleshooting`",
}
_FIX: Final = "check that the server runs, and that no firewall or VPN is in the way"


def check_network(patient: Patient, dial: Dial | None = None) -> Iterator[Finding]:
    """Try every destination and provider of the grants in force, all at once; ten seconds at most."""
    in_force = patient.policy().current().in_force
    grants = [*in_force, *(grant.reaching(provider) for grant in in_force for provider in grant.open_providers)]
    todo = {
        (str(destination.origin), grant.network, grant.ca_file): (grant, destination.origin)
        for grant in grants
        for destination in grant.open_destinations
    }
    yield from anyio.run(_try_all, list(todo.values()), dial or _dial)


async def _try_all(todo: list[tuple[Grant, HostPattern]], dial: Dial) -> list[Finding]:
    found: dict[int, Finding] = {}

    async def attempt(number: int, grant: Grant, origin: HostPattern) -> None:
        found[number] = await _try(grant, origin, dial)

    async with anyio.create_task_group() as tasks:
        for number, (grant, origin) in enumerate(todo):
            tasks.start_soon(attempt, number, grant, origin)
    return [found[number] for number in sorted(found)]


async def _try(grant: Grant, origin: HostPattern, dial: Dial) -> Finding:
    shown = str(origin)
    if origin.wildcard:
        return ok("network", f"{shown} is a whole domain: not tried")
    try:
        with anyio.fail_after(_DEADLINE_S):
            await dial(grant, origin)
    except TimeoutError:
        return fail("network", f"{shown} did not answer in {_DEADLINE_S:.0f} s", _FIX)
    except StreamError as error:
        return fail("network", error.text, _FIXES.get(error.code, _FIX), shown)
    if origin.scheme in SECURE_SCHEMES:
        return ok("network", f"{shown} can be reached, its certificate is good")
    if grant.proxy is not None:
        return ok("network", f"the proxy for {shown} can be reached; whether it gets there, a request will tell")
    return ok("network", f"{shown} can be reached")


async def _dial(grant: Grant, origin: HostPattern) -> None:
    proxy = (grant.proxy.host, grant.proxy.port) if grant.proxy else None
    tunnel = origin.scheme != "http"
    backend = HopBackend(
        SystemResolver(), ReceiveBuffers(), grant.network, "doctor", turns=Turns(), proxy=proxy, tunnel=tunnel
    )
    try:
        stream = await backend.connect_tcp(origin.host, origin.port or DEFAULT_PORTS[origin.scheme])
        if origin.scheme in SECURE_SCHEMES:
            await stream.start_tls(await TrustStore().context(grant.ca_file), origin.host)
    finally:
        backend.close()
