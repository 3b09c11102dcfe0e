"""Servers for tests, well-behaved and misbehaving, on plain asyncio: ASGI servers hide the faults that matter.

In process (the test's own loop):

    async with Server(faults.raw(b"HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhalf", then="close")) as server:
        ... server.url("/") ...
        await server.connections[0].wait_gone()          # fails after ten seconds

From another thread (end-to-end tests, where a browser is the client): `threaded.ThreadedServer(app.make_app())`.

    server      Server: accepts, counts, tells when the peer closed; Routes: path to handler
    connection  one accepted connection: requests in, bytes out, reset, counters
    bodies      seeded random bytes in any framing and any pieces, and their digest
    coded       bodies in gzip, deflate, br, zstd, cut anywhere
    sse         event streams whose every event a test releases
    faults      everything a server can do wrong
    redirects   every status, any Location
    uploads     echo, early answers, slow sinks
    site        static pages
    tls         a certificate authority of the test's own
    app         all of it under paths, for a browser or for looking at by hand
    threaded    a server in a thread with a loop of its own
    vendors     services in the wire formats of their vendors, for other people's clients (tests/compat)
    fake        a scripted `Upstream` without any network, for the rooms above
"""
