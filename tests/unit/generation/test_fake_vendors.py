"""The services that the compatibility tests play are read here too: one shape of each vendor for the whole house."""

import pytest

from longwire.generation.adapters import ADAPTERS
from longwire.generation.failures import of_answer
from longwire.generation.parts import Failed, Finished, Part, Text, Usage
from longwire.protocol.generation import FailureCode, FinishReason
from tests.upstreams.vendors import anthropic, ollama, openai
from tests.upstreams.vendors.wire import TEXTS, WHOLE_TEXT, Wire, cut_in_characters

WIRES = {
    "openai": (openai.RESPONSES, Usage(9, 5, 0, 0), FailureCode.RATE_LIMITED, FailureCode.GENERATION_FAILED),
    "openai-chat": (openai.CHAT, Usage(9, 5), FailureCode.RATE_LIMITED, FailureCode.GENERATION_FAILED),
    "anthropic": (anthropic.MESSAGES, Usage(25, 15), FailureCode.RATE_LIMITED, FailureCode.OVERLOADED),
    "ollama": (ollama.CHAT, Usage(26, 282), FailureCode.MODEL_UNKNOWN, FailureCode.GENERATION_FAILED),
}
each_vendor = pytest.mark.parametrize(
    ("adapter", "wire", "usage", "refusal", "failure"), [(name, *row) for name, row in WIRES.items()], ids=WIRES
)


def _decoded(adapter: str, media_type: str, pieces: list[bytes]) -> list[Part]:
    decoder = ADAPTERS[adapter].decoder(media_type)
    return [*(part for piece in pieces for part in decoder.receive(piece)), *decoder.end()]


@each_vendor
def test_a_stream_is_its_texts_and_an_end(
    adapter: str, wire: Wire, usage: Usage, refusal: FailureCode, failure: FailureCode
) -> None:
    for pieces in (wire.pieces, cut_in_characters(wire.pieces)):
        parts = _decoded(adapter, wire.media_type, [wire.early, *(piece.data for piece in pieces)])
        assert tuple(part.text for part in parts if isinstance(part, Text)) == TEXTS
        assert parts[-1] == Finished(FinishReason.STOP, usage)


@each_vendor
def test_an_answer_in_one_piece_is_the_same_text(
    adapter: str, wire: Wire, usage: Usage, refusal: FailureCode, failure: FailureCode
) -> None:
    parts = _decoded(adapter, "application/json", [wire.whole.body])
    assert "".join(part.text for part in parts if isinstance(part, Text)) == WHOLE_TEXT
    assert parts[-1] == Finished(FinishReason.STOP, usage)


@each_vendor
def test_a_failure_in_the_stream_is_typed_and_the_text_stays(
    adapter: str, wire: Wire, usage: Usage, refusal: FailureCode, failure: FailureCode
) -> None:
    parts = _decoded(adapter, wire.media_type, [wire.pieces[0].data, wire.failure])
    assert [part.text for part in parts if isinstance(part, Text)] == [TEXTS[0]]
    assert isinstance(parts[-1], Failed) and parts[-1].failure.code is failure and not parts[-1].failure.refused


@each_vendor
def test_a_refusal_is_typed(adapter: str, wire: Wire, usage: Usage, refusal: FailureCode, failure: FailureCode) -> None:
    headers = {name.lower(): value for name, value in wire.refusal.headers}
    made = of_answer(wire.refusal.status, headers, wire.refusal.body, 0.0)
    assert made.code is refusal
