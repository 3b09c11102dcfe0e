"""docs/servers.md, tried as a newcomer would: its servers are served, and a client library reads what they say."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sse.reading import ClientLibrary
from tests.unit.sse.serving import Client, Served

PAGE = (Path(__file__).parents[3] / "docs" / "servers.md").read_text(encoding="utf-8")


def code(name: str) -> dict[str, Any]:
    """What the page's block of that name defines."""
    (block,) = re.findall(rf"```python {name}\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102  (our own page)
    return names


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("starlette", [("status", ""), ("text", "Hel"), ("text", "lo"), ("done", "")]),
        ("bare", [("text", "Hello"), ("done", "")]),
    ],
)
def test_a_server_of_the_page_answers_as_it_says(name: str, events: list[tuple[str, str]]) -> None:
    with Served(code(name)["app"], lifespan="off") as served, Client(served) as client:
        answer = client.ask("GET", "Connection: close", path="/chat").rest()
    body = b"".join(re.findall(rb"data: .*\n\n", answer))
    with ClientLibrary(json=True) as page:
        assert [(event["type"], event["text"]) for event in page.read(body)] == events


async def test_what_the_page_shows_of_closing_gives_the_connection_back() -> None:
    class Pool:
        released = False

        async def acquire(self) -> "Pool":
            return self

        async def release(self, connection: "Pool") -> None:
            connection.released = True

        async def texts(self) -> Any:
            yield "a"
            yield "b"

    pool = Pool()
    events = code("closing")["stored"](pool)
    assert (await anext(events)).encoded == b'data: {"type":"text","data":"a"}\n\n'
    await events.aclose()
    assert pool.released


def test_the_page_names_every_header_that_is_sent() -> None:
    from longwire.sse.response import _HEADERS

    table = PAGE.partition("| header | keeps |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([\w-]+): (.*?)` \|", table, re.MULTILINE) == [
        (name.decode().title(), value.decode()) for name, value in _HEADERS
    ]
