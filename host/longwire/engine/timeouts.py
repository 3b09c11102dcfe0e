"""How long a request may take: as the page asks, as its grant bounds it, or by default."""

from longwire.policy import Grant
from longwire.protocol.limits import HEADER_TIMEOUT_MS
from longwire.protocol.records import Timeouts
from longwire.upstream.model import UpstreamTimeouts


def effective_timeouts(asked: Timeouts, grant: Grant) -> UpstreamTimeouts:
    """What the page asked for, or what the grant says, or the default; never more than the grant says. Seconds.

    Where the grant says nothing, a page may ask for as much as a message can say (`MAX_TIMEOUT_MS`).
    """
    header_ms, header_by = _clock("headerTimeout", asked.header_ms, grant.limits.header_timeout_ms, grant)
    total_ms, total_by = _clock("totalTimeout", asked.total_ms, grant.limits.total_timeout_ms, grant)
    if header_ms is None:
        header_ms = HEADER_TIMEOUT_MS
        header_by = (
            f"headerTimeout, by default. The page may ask for longer (longwire: {{ headerTimeout: … }}), or the "
            f'policy says limits = {{ header_timeout = "…" }} in the grant "{grant.name}"'
        )
    return UpstreamTimeouts(
        header_s=header_ms / 1000,
        idle_s=None if asked.idle_ms is None else asked.idle_ms / 1000,
        total_s=None if total_ms is None else total_ms / 1000,
        header_by=header_by,
        total_by=total_by,
    )


def _clock(name: str, asked_ms: int | None, granted_ms: int | None, grant: Grant) -> tuple[int | None, str]:
    """How long, in milliseconds, and whose number that is with the line that changes it."""
    if granted_ms is not None and (asked_ms is None or asked_ms > granted_ms):
        field = "header_timeout" if name == "headerTimeout" else "total_timeout"
        line = f'limits = {{ {field} = "…" }}'
        return granted_ms, f'{name}, as the grant "{grant.name}" bounds it. The policy raises it there: {line}'
    return asked_ms, f"{name}, as the page asked. It raises it where the server needs longer: longwire: {{ {name}: … }}"
