"""For Python servers: an ASGI response that streams typed events, as docs/events.md has them. See docs/servers.md.

A leaf: nothing of the host imports it, and it imports nothing of the host, so a server gets it at the cost of anyio.
"""

from longwire.sse.events import MAX_EVENT_BYTES, BadEventError, Event, TextEvent
from longwire.sse.response import EventResponse, Producer

__all__ = ["MAX_EVENT_BYTES", "BadEventError", "Event", "EventResponse", "Producer", "TextEvent"]
