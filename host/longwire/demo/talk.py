"""Who is at the other end of the demo's socket: it speaks first, and answers each message."""

from typing import Final

from longwire.demo.sockets import DemoSocket

PATH: Final = "/v1/talk"
GREETINGS: Final = (
    "I speak first: this is a socket.",
    "Your handshake had an Authorization header, which no WebSocket of a browser can send.",
    "This page does not have the key in it. Write something.",
)


async def talk(socket: DemoSocket) -> None:
    """Until the other side closes.

    Raises:
        SocketClosed: it has.
    """
    for greeting in GREETINGS:
        await socket.send(greeting)
    while True:
        words = str(await socket.receive())
        await socket.send(f"{len(words)} characters, backwards: {words[::-1]}")
