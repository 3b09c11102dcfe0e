"""A proxy that tunnels, for what is asked of names that no test's machine resolves."""

from contextlib import suppress

import anyio

from tests.upstreams.connection import PeerGoneError, Request


class Proxy:
    """Answers CONNECT by tunnelling to `port` of this machine, whatever name was asked for."""

    def __init__(self, port: int, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self._port = port
        self._answer = answer
        self.asked: list[str] = []
        self.heads: list[bytes] = []

    async def __call__(self, request: Request) -> None:
        self.asked.append(f"{request.method} {request.target}")
        self.heads.append(request.raw_head)
        near = request.connection
        await near.send(self._answer)
        if not self._answer.startswith(b"HTTP/1.1 2"):
            return
        far = await anyio.connect_tcp("127.0.0.1", self._port)
        async with far, anyio.create_task_group() as group:

            async def back() -> None:
                async for data in far:
                    await near.send(data)
                near.close()

            group.start_soon(back)
            # A client that goes ends its tunnel; raised out of a group, that would be no end but a failure.
            with suppress(PeerGoneError):
                while True:
                    await far.send(await near.read_some())
            group.cancel_scope.cancel()
