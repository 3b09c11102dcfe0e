"""The host's end of the protocol: one connection and its streams. No I/O, no clock, no asyncio.

connection   bytes in, events out, bytes to send
events       what a connection tells its engine
table        all streams of a connection, and who may have how many
stream       one stream's outgoing side
upload       its incoming side
socket_parts how the messages of a WebSocket lie in both bodies
state        its states, as a table
credit       its window: how much may be on its way to the page
memory       what its content decoders may hold
scheduler    the order in which frames leave
"""
