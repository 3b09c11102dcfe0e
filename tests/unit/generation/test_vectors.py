"""What each vendor sends means the same however the network cuts it, and is complete only when the vendor says so."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.generation.parts import Failed
from tests.slices import times
from tests.unit.generation.vectors import FOLDER, VECTORS, Vector, decoded

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)


@each_vector
def test_an_answer_in_one_piece_gives_its_events(vector: Vector) -> None:
    assert decoded(vector, [vector.body]) == vector.events


@each_vector
def test_an_answer_event_by_event_gives_its_events(vector: Vector) -> None:
    assert decoded(vector, [*vector.chunks, vector.trailing]) == vector.events


@each_vector
def test_an_answer_byte_by_byte_gives_its_events(vector: Vector) -> None:
    assert decoded(vector, [bytes([byte]) for byte in vector.body]) == vector.events


@settings(max_examples=times(150, 60), deadline=None)
@given(data=st.data(), vector=st.sampled_from(VECTORS))
def test_an_answer_in_any_split_gives_its_events(data: st.DataObject, vector: Vector) -> None:
    body = vector.body
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=12)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert decoded(vector, pieces) == vector.events


@each_vector
def test_an_answer_that_is_cut_at_any_byte_is_never_complete(vector: Vector) -> None:
    whole = b"".join(vector.chunks)
    decoder = vector.decoder()
    uncut = decoder.receive(whole) + decoder.end()
    for end in range(len(whole)):
        decoder = vector.decoder()
        *kept, last = decoder.receive(whole[:end]) + decoder.end()
        assert isinstance(last, Failed), f"complete after {end} bytes of {len(whole)}"
        # What came before the cut is what comes before it in the whole answer.
        assert kept == uncut[: len(kept)]


@each_vector
def test_every_answer_has_one_end_and_it_is_the_last_event(vector: Vector) -> None:
    ends = [event["type"] for event in vector.events if event["type"] in ("complete", "error")]
    assert ends == [vector.events[-1]["type"]]


def test_the_vectors_are_plain_json_with_unique_names() -> None:
    assert len({vector.name for vector in VECTORS}) == len(VECTORS) > 90
    for path in FOLDER.glob("*.json"):
        text = path.read_text("utf-8")
        assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1) + "\n"
