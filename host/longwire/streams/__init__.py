"""One stream's life, its byte credit and the choice of the next frame. No I/O, no clock, no asyncio.

`state` holds the transition table, `credit` the windows and pools, `stream` one stream's outgoing side, `upload` its
incoming side, `table` all streams of a connection, `scheduler` the order in which frames leave.
"""
