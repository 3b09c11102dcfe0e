"""Templates of the host and of the writer read alike: tests/vectors/templates.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from longwire.generation.templates import Template

_FILE = Path(__file__).parents[2] / "vectors" / "templates.json"
_VECTORS: list[dict[str, Any]] = json.loads(_FILE.read_text("utf-8"))


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["name"]) for vector in _VECTORS])
def test_a_template_is_filled_as_the_vectors_say(vector: dict[str, Any]) -> None:
    assert Template.parse(vector["template"]).render(vector["fields"]) == vector["prompt"]
