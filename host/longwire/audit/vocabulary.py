"""What a line says: of a stream, of a failure, and in which words.

Never a header value, a body byte or a secret, and of a private window neither page nor destination.
"""

from typing import Any, Final

from longwire.policy.decision import PolicyDeniedError
from longwire.protocol.errors import Category, StreamError
from longwire.protocol.messages import DURABLE_URL, StreamStart

PRIVATE: Final = "(private window)"


def audit_fields(start: StreamStart) -> dict[str, Any]:
    """What every line about a stream says of it: id, page origin, method, destination (without query, see below).

    Of a page in a private window neither (threat 22): only that there was one. Where the writer asks, the line says so.
    """
    private = start.page.private
    return {
        "stream": start.id,
        "page": PRIVATE if private else start.page.origin,
        **({} if start.page.principal is None else {"principal": start.page.principal}),
        "method": start.method,
        "destination": PRIVATE if private else _destination(start.url),
    }


def _destination(url: str) -> str:
    """Of what is asked about a durable request no key: a page may name it after whatever is its own business."""
    return DURABLE_URL if url.startswith(DURABLE_URL) else url


def failure_fields(error: StreamError, *, private: bool) -> dict[str, Any]:
    """What the line about a stream that failed, or that was refused, says of why.

    The reason may name page and destination, of which a `private` window leaves no trace.
    """
    fields = {
        "outcome": "denied" if error.info.category is Category.POLICY else "failed",
        "code": error.code,
        "phase": error.phase,
        "reason": None if private else error.reason,
    }
    if error.needed_network is not None and not private:  # it tells of the destination, as the reason does
        fields["needed_network"] = error.needed_network
    if isinstance(error, PolicyDeniedError) and error.provider is not None and not private:
        fields["provider"] = error.provider
    return fields
