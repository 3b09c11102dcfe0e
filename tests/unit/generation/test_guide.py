"""docs/generation.md says what the models say: every field, event and code, and a policy that can be used."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from longwire.generation.adapters import ADAPTERS
from longwire.generation.prompt import DEFAULT_MAX_TOKENS
from longwire.policy.loading import parse_policy
from longwire.policy.providers import KINDS
from longwire.protocol.generation import AnyGenerationEvent, FailureCode, FinishReason, GenerationPhase
from longwire.protocol.generation_request import GenerationRequest

GUIDE = (Path(__file__).parents[3] / "docs" / "generation.md").read_text("utf-8")
EVENTS = {model.model_fields["type"].default: model for model in get_args(get_args(AnyGenerationEvent)[0])}


def rows(heading: str) -> dict[str, str]:
    """The first table below a heading: what stands in the first column, and the rest of its row."""
    part = GUIDE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for line in part.split("\n"):
        if line.startswith("| `"):
            first, _, rest = line[2:].partition(" | ")
            found |= dict.fromkeys(re.findall(r"`([^`]+)`", first), rest)
    return found


def aliases(model: type) -> set[str]:
    """Names on the wire."""
    return {field.alias or name for name, field in model.model_fields.items()}  # type: ignore[attr-defined]


def test_every_field_of_a_request_has_its_row() -> None:
    assert set(rows("The request")) == aliases(GenerationRequest)


@pytest.mark.parametrize("kind", EVENTS)
def test_every_member_of_an_event_is_named(kind: str) -> None:
    told = rows("The events")[kind].partition(" | ")[0]
    assert set(re.findall(r"`([^`]+)`", told)) == aliases(EVENTS[kind]) - {"type", "requestId"}


def test_every_phase_end_and_failure_is_named() -> None:
    for each in (*GenerationPhase, *FinishReason):
        assert f"`{each.value}`" in GUIDE
    assert {code.value for code in FailureCode} <= set(rows("The events"))


def test_every_kind_of_provider_is_there_with_its_address() -> None:
    table = rows("The policy")
    assert set(table) == set(ADAPTERS) == set(KINDS)
    for kind, url in KINDS.items():
        assert (url or "none") in table[kind]


def test_the_policy_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert tomllib.loads(text)["provider"]
    document = parse_policy(text.encode(), tmp_path / "policy.toml", "user")
    assert document.problems == () and document.warnings == ()


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"{DEFAULT_MAX_TOKENS:,} where the" in GUIDE.replace("\n", " ")
