"""Words that meant two things and were replaced do not come back as names in the host.

Only names that the host itself gives count: functions, classes, parameters, variables, attributes, modules.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOST = Path(__file__).parents[2] / "host" / "longwire"
# A retired word, and the one that stands for it.
RETIRED = {
    "control_frames": "control_messages",
    "let_go": "release",
    "session": "connection (of the protocol), or engine",
    "shelf": "idle connections",
    "station": "leg",
    "streams_per_frame": "streams_per_tab_frame: a frame is of the native hop",
    "terminal": "console; of a stream: a terminal message, as in `terminal_next`",
}
# The second is a field on the wire.
ALLOWED = {"terminal_next", "streams_per_frame"}
# In its own language the browser's debugger has sessions.
FOREIGN = {("demo/devtools.py", "session")}


def given_names(text: str) -> Iterator[str]:
    """The names that a module gives."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def retired_words(name: str) -> list[str]:
    """The retired words in a name, whichever way its words are joined."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")
    return [] if name in ALLOWED else [word for word in RETIRED if f"_{word}_" in f"_{words}_"]


@pytest.mark.parametrize("file", sorted(HOST.rglob("*.py")), ids=lambda file: str(file.relative_to(HOST)))
def test_no_retired_word_is_a_name(file: Path) -> None:
    where = str(file.relative_to(HOST))
    found = {
        word for name in (file.stem, *given_names(file.read_text(encoding="utf-8"))) for word in retired_words(name)
    }
    assert not {f"{word}: say {RETIRED[word]}" for word in found if (where, word) not in FOREIGN}


@pytest.mark.parametrize(
    "name", ["_let_go", "letGo", "TerminalScreen", "session", "open_session_s", "IdleShelf", "MAX_STREAMS_PER_FRAME"]
)
def test_a_retired_word_is_found(name: str) -> None:
    assert retired_words(name)
