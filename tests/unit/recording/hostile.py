"""Files that somebody made to do harm, as `tests/vectors/README.md` says how they are written."""

import json
from pathlib import Path
from typing import Any, Final

_DEEP: Final = 100_000
_VECTORS: Final = json.loads((Path(__file__).parents[2] / "vectors" / "recordings" / "hostile.json").read_text("utf-8"))


def _written(line: Any) -> str:
    if isinstance(line, str):
        return json.dumps(_VECTORS["parts"][line])
    if isinstance(line, dict):
        return str(line["raw"]).replace("$DEEP", "[" * _DEEP + "]" * _DEEP)
    part, changes = line
    return json.dumps(_VECTORS["parts"][part] | changes)


def line_of(part: str) -> bytes:
    """A line as the vectors have it."""
    return _written(part).encode()


# By name, their lines, the first one among them.
HOSTILE: Final = {
    each["name"]: [_written(line).encode() for line in ("head", *each["lines"])] for each in _VECTORS["refused"]
}
