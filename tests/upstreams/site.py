"""Static pages without CORS fields: page origins of end-to-end tests, and what a page may not fetch by itself."""

from pathlib import Path

from tests.upstreams import bodies
from tests.upstreams.connection import Request

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}


class Site:
    """Serves a dictionary of path to content, and optionally a folder below it."""

    def __init__(self, pages: dict[str, bytes | str] | None = None, folder: Path | None = None) -> None:
        """`pages` are served as their path's suffix says, HTML if it has none."""
        self._pages = dict(pages or {})
        self._folder = folder

    def put(self, path: str, content: bytes | str) -> None:
        """Serve `content` at `path` from now on."""
        self._pages[path] = content

    async def __call__(self, request: Request) -> None:
        await request.body()
        content = self._find(request.path)
        kind = _TYPES.get(Path(request.path).suffix, _TYPES[".html"])
        # Asked for again every time; `no-store` would keep pages out of the back/forward cache.
        headers = [("Content-Type", kind), ("Cache-Control", "no-cache")]
        if content is None:
            await bodies.respond(request.connection, b"not found", status=404, headers=headers)
        else:
            await bodies.respond(request.connection, content, headers=headers)

    def _find(self, path: str) -> bytes | None:
        content = self._pages.get(path)
        if content is not None:
            return content.encode() if isinstance(content, str) else content
        if self._folder is not None:
            file = (self._folder / path.lstrip("/")).resolve()
            if file.is_relative_to(self._folder.resolve()) and file.is_file():
                return file.read_bytes()
        return None
