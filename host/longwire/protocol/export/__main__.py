"""python -m longwire.protocol.export [--check]: write the generated files of a checkout, or compare them."""

import argparse
import json
import sys
from pathlib import Path

from longwire.protocol.export.docs import protocol_md
from longwire.protocol.export.guards import guards_ts
from longwire.protocol.export.recording import recording_schema
from longwire.protocol.export.schema import generation_schema, protocol_schema
from longwire.protocol.export.typescript import constants_ts, errors_ts, types_ts

COMMAND = "python -m longwire.protocol.export"
ROOT = Path(__file__).parents[4]


def generated(root: Path) -> dict[str, str]:
    """Every generated file of the checkout `root`: path relative to it, and the text that belongs there.

    Raises:
        RuntimeError: the TypeScript types cannot be made here; the text says what is missing.
    """
    schema = protocol_schema()
    recording = recording_schema()
    types = types_ts(schema, generation_schema(), recording, root / "extension")
    folder = "extension/src/protocol"
    return {
        f"{folder}/protocol.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
        f"{folder}/recording.schema.json": json.dumps(recording, indent=2, ensure_ascii=False) + "\n",
        f"{folder}/recording.ts": types["recording"],
        f"{folder}/constants.ts": constants_ts(),
        f"{folder}/errors.ts": errors_ts(),
        f"{folder}/native.ts": types["native"],
        f"{folder}/bridge.ts": types["bridge"],
        "extension/src/client/generation.ts": types["generation"],
        f"{folder}/guards.ts": guards_ts(schema),
        "docs/PROTOCOL.md": protocol_md(schema),
    }


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns 1 when `--check` finds a difference or the files cannot be made, else 0."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Write the files that follow from the protocol's models."
    )
    parser.add_argument("--check", action="store_true", help="compare, write nothing, exit 1 on a difference")
    check = parser.parse_args(arguments).check
    try:
        files = generated(ROOT)
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    changed = {name: text for name, text in files.items() if _read(ROOT / name) != text}
    if check and changed:
        sys.stderr.write(f"not current: {', '.join(changed)}\nrun: {COMMAND}\n")
        return 1
    for name, text in changed.items():
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(text, "utf-8")
        sys.stderr.write(f"wrote {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
