"""The requests that leave this machine: the only room that imports httpx2 and httpcore2.

The caller decides everything (which hop, which headers, which network class) and says so in a `Hop`; this room
carries it out exactly, proves that what came back is whole, and turns every failure into a `StreamError`.

    model       what goes in and what comes out; `Upstream` is the interface
    client      UpstreamClient, the implementation over HTTP/1.1
"""

from typing import TYPE_CHECKING

from longwire.later import later

if TYPE_CHECKING:
    from longwire.upstream.client import UpstreamClient
    from longwire.upstream.model import (
        Hop,
        NextHop,
        Redirect,
        RequestBody,
        StreamedBody,
        Timings,
        Upstream,
        UpstreamRequest,
        UpstreamResponse,
        UpstreamTimeouts,
    )
    from longwire.upstream.redirects import carried_headers
else:
    __getattr__ = later(
        __name__,
        client="UpstreamClient",
        model="Hop NextHop Redirect RequestBody StreamedBody Timings Upstream UpstreamRequest UpstreamResponse"
        " UpstreamTimeouts",
        redirects="carried_headers",
    )

__all__ = [
    "Hop",
    "NextHop",
    "Redirect",
    "RequestBody",
    "StreamedBody",
    "Timings",
    "Upstream",
    "UpstreamClient",
    "UpstreamRequest",
    "UpstreamResponse",
    "UpstreamTimeouts",
    "carried_headers",
]
