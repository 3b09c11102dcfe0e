"""The demo's upstream: chat, feed, files, models, sockets. It wants a key, and sends no CORS headers."""

from collections.abc import Awaitable, Callable

from longwire.demo import chat, counting, download, feed, models, talk, upload
from longwire.demo.sent import Sent
from longwire.demo.server import Request, Responder
from longwire.demo.sockets import DemoSocket, serve_socket


class Upstream:
    """Serves all that the two pages ask for.

    `chat` and `download` are the accounts of the latest request for each, `essays` those of all, each of which takes
    `essay_duration_s`; `size` is in bytes.
    """

    def __init__(
        self,
        key: str,
        *,
        text_duration_s: float = chat.DURATION_S,
        essay_duration_s: float = chat.ESSAY_DURATION_S,
        size: int = download.SIZE_BYTES,
        entries: feed.Feed | None = None,
        upload_bytes_per_s: float = upload.RATE_BYTES_PER_S,
        models_speed: float = 1,
        streams_bytes_per_s: float = counting.RATE_BYTES_PER_S,
    ) -> None:
        self._key = key
        self._text_duration_s = text_duration_s
        self.essay_duration_s = essay_duration_s
        self._upload_bytes_per_s = upload_bytes_per_s
        self._models_speed = models_speed
        self._streams_bytes_per_s = streams_bytes_per_s
        self.file = download.Download(size)
        self.feed = entries or feed.Feed()
        self.chat: Sent | None = None
        self.download: Sent | None = None
        self.essays: list[Sent] = []
        self.keys_refused = 0

    async def handle(self, request: Request, responder: Responder) -> None:
        """Serve one request."""
        routes: dict[str, tuple[str, Callable[[Request, Responder], Awaitable[None]]]] = {
            chat.PATH: ("POST", self._send_chat),
            chat.ESSAY_PATH: ("POST", self._send_essay),
            download.PATH: ("GET", self._send_download),
            feed.PATH: ("GET", self._send_feed),
            upload.PATH: ("PUT", self._receive_upload),
            models.QUICK_PATH: ("POST", self._send_quick),
            models.CAREFUL_PATH: ("POST", self._send_careful),
            talk.PATH: ("GET", self._talk),
            counting.PATH: ("GET", self._count_streams),
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
            await answer(request, responder)

    async def _send_chat(self, request: Request, responder: Responder) -> None:
        await request.body()  # whatever is asked, there is one answer
        self.chat = sent = Sent()
        try:
            await chat.send_chat(responder, sent, self._text_duration_s)
        finally:
            sent.end()

    async def _send_essay(self, request: Request, responder: Responder) -> None:
        await request.body()
        sent = Sent()
        self.essays.append(sent)
        try:
            await chat.send_chat(responder, sent, self.essay_duration_s)
        finally:
            sent.end()

    async def _send_download(self, _: Request, responder: Responder) -> None:
        self.download = sent = Sent()
        try:
            await self.file.send(responder, sent)
        finally:
            sent.end()

    async def _send_feed(self, request: Request, responder: Responder) -> None:
        await self.feed.send(responder, request.headers.get("last-event-id"))

    async def _send_quick(self, request: Request, responder: Responder) -> None:
        await request.body()  # whatever is asked, there is one answer
        await models.send_quick(responder, self._models_speed)

    async def _send_careful(self, request: Request, responder: Responder) -> None:
        await request.body()
        await models.send_careful(responder, self._models_speed)

    async def _receive_upload(self, request: Request, responder: Responder) -> None:
        await upload.receive_upload(request, responder, self._upload_bytes_per_s)

    async def _talk(self, request: Request, responder: Responder) -> None:
        await serve_socket(request, responder, talk.talk)

    async def _count_streams(self, request: Request, responder: Responder) -> None:
        async def count(socket: DemoSocket) -> None:
            await counting.count_streams(socket, self._streams_bytes_per_s)

        await serve_socket(request, responder, count)
