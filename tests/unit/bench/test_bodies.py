"""What is carried: how well it packs, and that nobody can win by knowing it."""

import json
import zlib

import pytest

from tests.bench.bodies import KINDS, POOL_BYTES, Kind, pieces, pool, ratio

# What a compressor may look back over at most, of those that a browser undoes or a chunk is packed with.
LOOKS_BACK_BYTES = 32 * 1024


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("random", 0.9, 1.0), ("text", 4.5, 6.0), ("json", 2.5, 4.5)],
)
def test_each_kind_packs_as_it_says(kind: Kind, least: float, most: float) -> None:
    assert least <= ratio(kind) <= most


def test_random_bytes_are_shorter_for_nobody_who_sees_a_whole_pool() -> None:
    assert len(zlib.compress(pool("random"), 9)) > POOL_BYTES
    assert len(pool("random")) == POOL_BYTES > 100 * LOOKS_BACK_BYTES


def test_text_and_records_are_what_they_say_they_are() -> None:
    events = pool("text")[: 1 << 16].decode().split("\n\n")[:-1]
    assert len(events) > 50
    for number, event in enumerate(events):
        first, data = event.split("\n")
        assert first == f"id: {number}"
        assert json.loads(data.removeprefix("data: "))["choices"][0]["delta"]["content"].startswith(" ")
    records = [json.loads(line) for line in pool("json")[: 1 << 16].decode().split("\n")[:-1]]
    assert len({record["id"] for record in records}) == len(records) > 50


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 1 << 10, (1 << 18) + 1, POOL_BYTES + 5])
def test_a_body_has_its_size_and_goes_on_where_the_pool_begins_again(kind: Kind, size: int) -> None:
    body = b"".join(pieces(kind, size))
    assert len(body) == size
    assert body[:POOL_BYTES] == pool(kind)[:size]
    assert body[POOL_BYTES:] == pool(kind)[: max(0, size - POOL_BYTES)]
