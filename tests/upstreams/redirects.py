"""Redirects of every status to anywhere."""

from urllib.parse import quote

from tests.upstreams import bodies
from tests.upstreams.connection import Request


async def redirect(request: Request) -> None:
    """`?status=…&to=…`: that status, that Location; the request body is read first."""
    await request.body()
    query = request.query
    await bodies.respond(
        request.connection, b"", status=int(query.get("status", "302")), headers=[("Location", query["to"])]
    )


async def countdown(request: Request) -> None:
    """`?n=…`: redirects to itself with one less, until 0 answers 200."""
    await request.body()
    left = int(request.query["n"])
    if left:
        location = f"{request.path}?n={left - 1}"
        await bodies.respond(request.connection, b"", status=302, headers=[("Location", location)])
    else:
        await bodies.respond(request.connection, b"done")


def to(url: str, status: int = 302, path: str = "/redirect") -> str:
    """The target under which `redirect` leads to `url`."""
    return f"{path}?status={status}&to={quote(url, safe='')}"
