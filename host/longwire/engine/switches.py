"""What the administrator of a browser switched off, as its extension says it. It only ever takes away.

A daemon serves several browsers: what is switched off in one holds for its connection, and for the durable requests of
its profile.
"""

from typing import Final

from longwire.authority import HTTP_SCHEMES
from longwire.engine.engine import Refusing
from longwire.policy.decision import PolicyDeniedError
from longwire.policy.matching import HostPattern
from longwire.policy.urls import parse_lenient, parse_origin
from longwire.protocol.errors import StreamError
from longwire.protocol.messages import Switches

_SWITCHED_OFF: Final = "The administrator of this browser switched the Longwire extension off."
_NOT_AMONG: Final = "The administrator of this browser lets the Longwire extension serve other pages only."


def refusing(said: Switches) -> Refusing:
    """Says of a page origin why it is not served; None where it is. The error is POLICY_DENIED."""
    pages = None if said.pages is None else _patterns(said.pages)

    def refused(origin: str) -> StreamError | None:
        if not said.enabled:
            return PolicyDeniedError(_SWITCHED_OFF)
        page = parse_origin(origin)
        if pages is None or (page is not None and any(pattern.matches(page) for pattern in pages)):
            return None
        return PolicyDeniedError(_NOT_AMONG)

    return refused


def _patterns(texts: list[str]) -> list[HostPattern]:
    """What is no pattern names no page, which is the narrower reading."""
    return [pattern for text in texts if (pattern := _pattern(text)) is not None]


def _pattern(text: str) -> HostPattern | None:
    """As the extension reads them. A wildcard below a public suffix is one too: a policy may not open by it, but here
    nothing is opened.
    """
    any_port, wildcard = text.endswith(":*"), "://*." in text
    try:
        url = parse_lenient(text.removesuffix(":*").replace("://*.", "://", 1))
    except StreamError:
        return None
    if url.scheme not in HTTP_SCHEMES or url.target != "/":
        return None
    return HostPattern(url.scheme, url.host, wildcard, None if any_port else url.port)
