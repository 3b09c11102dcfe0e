"""The small script that the browser starts: an absolute interpreter in isolated mode, no PATH, no shell.

Isolated (`-I`): no PYTHON… variables, no per-user packages, nothing from the working folder, so that neither another
local program nor the browser's own environment chooses what runs (threats 14 and 20).
"""

import os
import subprocess
from pathlib import Path
from typing import Final

from longwire.cli.errors import CommandError

# Linux reads 256 bytes of a script's first line, its end included (BINPRM_BUF_SIZE).
MAX_SHEBANG_BYTES: Final = 255
_CHECK_TIMEOUT_S: Final = 10

_TEXT: Final = """\
#!{interpreter} -I
# Longwire's native host: the browser starts this. `longwire install` wrote it, `longwire uninstall` removes it.
from longwire.native.main import main

main()
"""


def launcher_text(interpreter: str) -> str:
    """The script for this interpreter.

    Raises:
        CommandError: the interpreter's path cannot stand in a script's first line.
    """
    if not Path(interpreter).is_absolute():
        raise CommandError("Python does not say where its interpreter is", "install Longwire in a virtual environment")
    if any(char.isspace() for char in interpreter):
        raise CommandError(
            f'the path of the interpreter contains a space: "{interpreter}"',
            "no script can name it; install Longwire in a virtual environment whose path has no spaces",
        )
    if len(os.fsencode(f"#!{interpreter} -I")) > MAX_SHEBANG_BYTES:
        raise CommandError(
            f"the path of the interpreter is too long for a script's first line: {interpreter}",
            f"install Longwire in a virtual environment with a path under {MAX_SHEBANG_BYTES - 5} bytes",
        )
    return _TEXT.format(interpreter=interpreter)


def check_interpreter(interpreter: str) -> None:
    """Prove that the interpreter finds Longwire in isolated mode.

    Raises:
        CommandError: it does not; typically Longwire was installed with `pip install --user`.
    """
    command = [interpreter, "-I", "-c", "import longwire.native.main"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_CHECK_TIMEOUT_S, check=False)  # noqa: S603  (our own)
    except (OSError, subprocess.TimeoutExpired):
        raise CommandError(f"the interpreter {interpreter} does not start", "install Longwire again") from None
    if done.returncode:
        raise CommandError(
            f"{interpreter} does not find Longwire when it is started alone",
            "install Longwire in a virtual environment, not with `pip install --user`",
        )
