"""docs/SECURITY.md has every row of the threat table, and every test that it names is there."""

import re
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "SECURITY.md"
ROW = re.compile(r"^\| (\d+) \|(?P<who>[^|]+)\|(?P<answer>[^|]+)\|(?P<tests>[^|]+)\|$", re.MULTILINE)
LINK = re.compile(r'\[(?P<text>[^\]]+)\]\(\.\./(?P<path>[^ )]+) "(?P<name>[^"]+)"\)')
# Those of the table that are built; the number between belongs to what has no row of its own.
ROWS = (*range(1, 25), *range(26, 33))
# A file named after one row, or after a run of rows.
NAMED = re.compile(r"^test_rows?_(\d\d)(?:_to_(\d\d))?_\w+\.py$")

TABLE = {int(row[1]): row["tests"] for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))}


@lru_cache
def names_in(path: str) -> frozenset[str]:
    """The tests that a file defines, in Python or in TypeScript."""
    pattern = r"^test\('([^']+)'" if path.endswith(".ts") else r"^(?:async )?def (test_\w+)"
    return frozenset(re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_row_is_there_once_and_in_order() -> None:
    assert list(TABLE) == list(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_every_row_links_to_tests_that_exist(row: int) -> None:
    links = list(LINK.finditer(TABLE[row]))
    assert links
    assert "none" not in LINK.sub("", TABLE[row])
    assert TABLE[row].count("](") == len(links), "a link that cannot be checked"
    for link in links:
        assert link["name"] in names_in(link["path"]), link["path"]
        assert link["text"] == link["name"].removeprefix("test_").replace("_", " ")


def named_after(path: str) -> range:
    """The rows that a file's name says it is about."""
    match = NAMED.match(path.rpartition("/")[2])
    return range(int(match[1]), int(match[2] or match[1]) + 1) if match else range(0)


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_a_test_named_after_it_where_the_attack_happens(row: int) -> None:
    own = [link["path"] for link in LINK.finditer(TABLE[row]) if row in named_after(link["path"])]
    assert own
    if row in (1, 2, 3, 4, 5, 19, 22):
        assert all(path.startswith("tests/e2e/") for path in own), "in a real browser"


def test_every_file_named_after_a_row_is_linked_by_it() -> None:
    for file in ROOT.glob("tests/*/test_row*.py"):
        path = file.relative_to(ROOT).as_posix()
        assert named_after(path), path
        for row in named_after(path):
            assert f"../{path} " in TABLE[row], path
