"""The demo's upstream: it speaks like a chat service, wants a key for everything, and sends no CORS headers."""

from collections.abc import Awaitable, Callable

from longwire.cli.demo import chat, download
from longwire.cli.demo.sent import Sent
from longwire.cli.demo.server import Request, Responder


class Upstream:
    """Serves the chat and the download. `chat` and `download` are the accounts of the latest request for each."""

    def __init__(self, key: str, *, text_duration_s: float = chat.DURATION_S, size: int = download.SIZE_BYTES) -> None:
        self._key = key
        self._text_duration_s = text_duration_s
        self.file = download.Download(size)
        self.chat: Sent | None = None
        self.download: Sent | None = None
        self.keys_refused = 0

    async def handle(self, request: Request, responder: Responder) -> None:
        """Serve one request."""
        routes: dict[str, tuple[str, Callable[[Responder], Awaitable[None]]]] = {
            chat.PATH: ("POST", self._send_chat),
            download.PATH: ("GET", self._send_download),
        }
        method, answer = routes.get(request.path, ("", None))
        if answer is None:
            await responder.reply(404, b"not here\n")
        elif request.method != method:  # also a CORS preflight, which therefore fails
            await responder.reply(405, f"{method} only\n".encode())
        elif request.headers.get("authorization") != f"Bearer {self._key}":
            self.keys_refused += 1
            await responder.reply(401, b'{"error": "no valid key"}\n', "application/json")
        else:
            await answer(responder)

    async def _send_chat(self, responder: Responder) -> None:
        self.chat = sent = Sent()
        try:
            await chat.send_chat(responder, sent, self._text_duration_s)
        finally:
            sent.end()

    async def _send_download(self, responder: Responder) -> None:
        self.download = sent = Sent()
        try:
            await self.file.send(responder, sent)
        finally:
            sent.end()
