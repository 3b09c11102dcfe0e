"""JavaScript of tests stands in files that the linter reads (`tests/e2e/scripts`), not in strings of Python."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# What fits into a few lines is read best where it is used.
MOST_LINES = 5
# In no other language that tests write down.
JAVASCRIPT = re.compile(r"=>|\bconst \w|\bfunction\b|\bawait longwire\b|\b(document|window)\.|\bnew Promise\b")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def long_javascript(source: str) -> Iterator[int]:
    """The lines where strings of JavaScript begin that are longer than `MOST_LINES`."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    documentation = {
        node.body[0].value
        for node in nodes
        if isinstance(node, Documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    parts = {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    lines = source.splitlines()
    for node in nodes:
        is_text = isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
        if not is_text or node in documentation or node in parts:
            continue
        assert isinstance(node, ast.expr)
        assert node.end_lineno is not None
        text = lines[node.lineno - 1 : node.end_lineno]
        if len(text) > MOST_LINES and JAVASCRIPT.search("\n".join(text)):
            yield node.lineno


FILES = sorted(path for path in TESTS.rglob("*.py") if "node_modules" not in path.parts and path != Path(__file__))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TESTS).as_posix())
def test_no_string_holds_javascript_of_more_than_a_few_lines(path: Path) -> None:
    found = list(long_javascript(path.read_text("utf-8")))
    assert found == [], f"put it into a file of tests/e2e/scripts: lines {found}"


BODY = "(url) => [\n1,\n2,\n3,\n]"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param(f'x = """{BODY}"""', [], id="as long as it may be"),
        pytest.param(f'x = """{BODY}\n"""', [1], id="one line more"),
        pytest.param(f'\n\nx = f"""{BODY}\n{{y}}"""', [3], id="formatted"),
        pytest.param(f'"""{BODY}\n"""', [], id="documentation"),
        pytest.param(f'x = """{BODY.replace("=>", "")}\n"""', [], id="another language"),
    ],
)
def test_what_is_counted(source: str, found: list[int]) -> None:
    assert list(long_javascript(source)) == found
