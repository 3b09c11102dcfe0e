"""docs/PROTOCOL.md leaves nothing out."""

import re

import pytest

from longwire.protocol.errors import ERRORS
from longwire.protocol.export.docs import protocol_md
from longwire.protocol.export.schema import protocol_schema

SCHEMA = protocol_schema()
PAGE = protocol_md(SCHEMA)


@pytest.mark.parametrize("name", [name for name in SCHEMA["$defs"] if "properties" in SCHEMA["$defs"][name]])
def test_every_message_and_part_has_its_section_with_every_field(name: str) -> None:
    definition = SCHEMA["$defs"][name]
    [section] = re.findall(rf"^### (?:`\w+` \(`{name}`\)|{name})\n(.*?)(?=^##)", PAGE, re.M | re.S)
    assert definition["description"] in section
    fields = re.findall(r"^\| `(\w+)` \| \S", section, re.M)
    assert fields == [field for field in definition["properties"] if field != "type"]


def test_every_error_has_its_number() -> None:
    numbers = re.findall(r"^\| (\d+) \| `(\w+)` \|", PAGE, re.M)
    assert numbers == [(str(number), code) for number, code in enumerate(ERRORS, start=1)]


def test_every_link_leads_somewhere() -> None:
    anchors = {title.strip("`").lower() for title in re.findall(r"^#+ (\w+)$", PAGE, re.M)}
    assert set(re.findall(r"\]\(#(\w+)\)", PAGE)) <= anchors


def test_no_mark_of_the_template_is_left() -> None:
    assert "$" not in PAGE
