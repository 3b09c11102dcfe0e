"""What carries out requests, whatever their kind, for one connection to an extension after another.

channel          takes bytes and gives bytes, and can be lost
engine           three loops over one connection, and a task for each exchange
sending          what a connection has to send, into its channel
outlet           where the answer of an exchange goes
exchange         the life that every kind shares: scope, audit lines, exactly one terminal
http             the kind that asks an upstream
websocket        the kind that holds a WebSocket open
aborting         where a socket is closed on abort, and what waits for that
authorization    a decision of the policy turned into what may be sent and shown
hops             one hop of it: its place under the limits, its secrets, its headers
redirects        where a redirect is judged
timeouts         how long a request may take
suspending       what follows where a secret came back from its server
status           what an extension hears of the policy
judging          what a request would meet, found out before it is made
validation       the same of a whole policy file
durable          requests that outlive their pages: they run here, and end by clocks, policy and people
durable_…        access (who may), attaching (claim or join), body, producer (into the spool), reader (out of it),
                 keeping (the disk), desk and streams (what pages ask the daemon itself), listing, answers, endings,
                 elsewhere (another daemon's)
"""
