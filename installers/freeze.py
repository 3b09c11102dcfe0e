"""Build the frozen host and commands into `dist/longwire-host`, unless they are there and current.

`python installers/freeze.py` (`make freeze` does that, the tests too). Prints the folder, and the time if it was built.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FROZEN: Final = ROOT / "dist" / "longwire-host"
_KEY: Final = ROOT / ".make" / "frozen"
_SPEC: Final = ROOT / "installers" / "longwire-host.spec"
_SOURCES: Final = (
    "installers/*", "manifests/**/*", "docs/*.md", "extension/dist/**/*", "requirements.lock", "host/longwire/**/*.py",
)  # fmt: skip
# Left out of what is frozen, and changed every day.
_NOT_SOURCES: Final = ROOT / "host" / "longwire" / "demo"
_EXTENSION: Final = ROOT / "extension" / "dist" / "manifest.json"


def sources() -> Iterator[Path]:
    """Every file that decides what is built, in an order of its own."""
    files = {file for pattern in _SOURCES for file in ROOT.glob(pattern)}
    return (file for file in sorted(files) if file.is_file() and not file.is_relative_to(_NOT_SOURCES))


def build_key() -> str:
    """SHA-256 of the sources and of the Python that is frozen with them."""
    keyring = importlib.util.find_spec("keyring") is not None
    digest = hashlib.sha256(f"{sys.version} {platform.machine()} {sys.base_prefix} {keyring}".encode())
    for file in sources():
        digest.update(f"\0{file.relative_to(ROOT)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def freeze() -> float | None:
    """Make `FROZEN` current. Returns the seconds it took, or None if it was current already.

    Raises:
        RuntimeError: the extension is not built, or PyInstaller failed; the text says it.
    """
    if not _EXTENSION.is_file():
        raise RuntimeError("the extension is not built: run `make build` first")
    key = build_key()
    if FROZEN.is_dir() and _KEY.is_file() and _KEY.read_text(encoding="utf-8") == key:
        return None
    started_s = time.monotonic()
    FROZEN.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".freeze-", dir=FROZEN.parent) as work:
        command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR"]
        places = ["--distpath", f"{work}/dist", "--workpath", f"{work}/build"]
        environment = {**os.environ, "PYINSTALLER_CONFIG_DIR": f"{work}/config"}  # nothing into the user's home
        done = subprocess.run(  # noqa: S603  (our own interpreter and files)
            [*command, *places, str(_SPEC)], capture_output=True, text=True, env=environment, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        _KEY.unlink(missing_ok=True)
        shutil.rmtree(FROZEN, ignore_errors=True)
        (Path(work) / "dist" / FROZEN.name).rename(FROZEN)
    _KEY.parent.mkdir(exist_ok=True)
    _KEY.write_text(key, encoding="utf-8")
    return time.monotonic() - started_s


def main() -> None:
    """Build, and say where it is."""
    try:
        seconds = freeze()
    except RuntimeError as error:
        sys.exit(f"{error}\nnothing was frozen")
    print(FROZEN if seconds is None else f"{FROZEN} (built in {seconds:.0f} s)")  # noqa: T201


if __name__ == "__main__":
    main()
