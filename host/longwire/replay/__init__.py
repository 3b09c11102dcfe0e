"""`longwire replay`: a server on loopback that answers as a recording says.

faults     where an answer is to stall, to break off, to be cut in two
steps      what is sent of a stream, and when
matching   which stream answers a request
pace       waiting for the time of a step, or for a key
answering  the head of an answer: what of the recorded one still holds, and CORS
server     HTTP
sockets    WebSockets
telling    what happened, for whoever shows it
"""
