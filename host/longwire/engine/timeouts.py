"""How long a request may take: as the page asks, as its grant bounds it, or by default."""

from functools import lru_cache
from typing import Final

from longwire.policy import Grant
from longwire.protocol.limits import HEADER_TIMEOUT_MS
from longwire.protocol.records import Timeouts
from longwire.upstream.model import UpstreamTimeouts

# How many are kept for the streams to come.
_TEXTS: Final = 32


def effective_timeouts(asked: Timeouts, grant: Grant) -> UpstreamTimeouts:
    """What the page asked for, or what the grant says, or the default; never more than the grant says. Seconds.

    Where the grant says nothing, a page may ask for as much as a message can say (`MAX_TIMEOUT_MS`).
    """
    header_ms, header_by = _clock("headerTimeout", asked.header_ms, grant.limits.header_timeout_ms, grant.name)
    total_ms, total_by = _clock("totalTimeout", asked.total_ms, grant.limits.total_timeout_ms, grant.name)
    if header_ms is None:
        header_ms, header_by = HEADER_TIMEOUT_MS, _by_default(grant.name)
    return UpstreamTimeouts(
        header_s=header_ms / 1000,
        idle_s=None if asked.idle_ms is None else asked.idle_ms / 1000,
        total_s=None if total_ms is None else total_ms / 1000,
        header_by=header_by,
        total_by=total_by,
    )


def _clock(name: str, asked_ms: int | None, granted_ms: int | None, grant: str) -> tuple[int | None, str]:
    """How long, in milliseconds, and whose number that is with the line that changes it."""
    if granted_ms is not None and (asked_ms is None or asked_ms > granted_ms):
        return granted_ms, _by_grant(name, grant)
    return asked_ms, _by_page(name)


# One text for all streams: each has two of them, for as long as it lives.


@lru_cache(_TEXTS)
def _by_grant(name: str, grant: str) -> str:
    field = "header_timeout" if name == "headerTimeout" else "total_timeout"
    line = f'limits = {{ {field} = "…" }}'
    return f'{name}, as the grant "{grant}" bounds it. The policy raises it there: {line}'


@lru_cache(_TEXTS)
def _by_page(name: str) -> str:
    return f"{name}, as the page asked. It raises it where the server needs longer: longwire: {{ {name}: … }}"


@lru_cache(_TEXTS)
def _by_default(grant: str) -> str:
    return (
        f"headerTimeout, by default. The page may ask for longer (longwire: {{ headerTimeout: … }}), or the "
        f'policy says limits = {{ header_timeout = "…" }} in the grant "{grant}"'
    )
