"""No file of ours is opened as text by descriptor: on Windows that changes its bytes, and may hide the rest of them."""

import ast
from pathlib import Path

HOST = Path(__file__).parents[3] / "host" / "longwire"
# Flags that say it, or that are of no file with bytes: locks, times, folders, the null device, what a caller gives.
HARMLESS = {
    "READ_FLAGS", "NEW_FLAGS", "_APPENDING", "O_BINARY", "_LOCK_FLAGS", "_FOLDER_FLAGS", "O_DIRECTORY", "_NO_LINKS",
}  # fmt: skip
EMPTY = {"storage/lock.py", "daemon/watching.py"}


def test_every_file_is_opened_as_the_bytes_it_has() -> None:
    found, faults = 0, []
    for path in HOST.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "os.open"):
                continue
            found += 1
            what, flags = ast.unparse(call.args[0]), ast.unparse(call.args[1])
            where = path.relative_to(HOST).as_posix()
            if what != "os.devnull" and where not in EMPTY and not any(word in flags for word in HARMLESS):
                faults.append(f"{where}:{call.lineno} {flags}")
    assert found > 10 and faults == []
