"""docs/SECURITY.md has every row of the threat table, and every test that it names is there."""

import re
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "SECURITY.md"
ROW = re.compile(r"^\| (\d+) \|(?P<who>[^|]+)\|(?P<answer>[^|]+)\|(?P<tests>[^|]+)\|$", re.MULTILINE)
LINK = re.compile(r'\[(?P<text>[^\]]+)\]\(\.\./(?P<path>[^ )]+) "(?P<name>[^"]+)"\)')
ROWS = 24
# Rows of the layer in front of the host whose tests are not written. This set only ever shrinks.
WITHOUT_TEST = frozenset({5})

TABLE = {int(row[1]): row["tests"] for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))}


@lru_cache
def names_in(path: str) -> frozenset[str]:
    """The tests that a file defines, in Python or in TypeScript."""
    pattern = r"^test\('([^']+)'" if path.endswith(".ts") else r"^(?:async )?def (test_\w+)"
    return frozenset(re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_row_is_there_once_and_in_order() -> None:
    assert list(TABLE) == list(range(1, ROWS + 1))


@pytest.mark.parametrize("row", range(1, ROWS + 1))
def test_every_row_links_to_tests_that_exist(row: int) -> None:
    links = list(LINK.finditer(TABLE[row]))
    assert bool(links) is (row not in WITHOUT_TEST)
    assert links or TABLE[row].strip() == "none yet"
    assert TABLE[row].count("](") == len(links), "a link that cannot be checked"
    for link in links:
        assert link["name"] in names_in(link["path"]), link["path"]
        assert link["text"] == link["name"].removeprefix("test_").replace("_", " ")
