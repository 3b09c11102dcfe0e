"""Where a late message is ignored: one for a stream that is over, or being aborted, or that never was.

The other end could not know when it sent it, so it is no fault, never an error and never fatal; and it has no effect.
Of an id that is past nothing is kept but that it is past (`table.py`), so how late a message is does not matter.

What is late within a stream is its upload's business: a piece of a request body from before it was asked for again
(`upload.py`).
"""

from longwire.streams.state import State
from longwire.streams.stream import Stream
from longwire.streams.table import StreamTable


def receiver(table: StreamTable, stream_id: int) -> Stream | None:
    """Whom a message with that id is for; None if it is late."""
    stream = table.get(stream_id)
    return stream if stream is not None and stream.state in (State.OPEN, State.BODY) else None
