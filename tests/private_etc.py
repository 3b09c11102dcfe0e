"""A script as root in a view of the file system of its own, where /etc may be changed: nobody else sees it, and it is
gone with the script, however that ends.
"""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Changes of /etc lie in memory. `$room` is a folder of the script's own, which every user may enter.
_PRIVATE = """
set -e
mount -t tmpfs -o mode=755 none "$room"
mkdir "$room/changed" "$room/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$room/changed,workdir=$room/work" /etc
"""
# Where an interpreter lies below a folder that is closed to other users, it is opened in this view only.
_OPEN = """
mkdir "$room/open$N" "$room/work$N"
mount -t overlay overlay -o "lowerdir=$F,upperdir=$room/open$N,workdir=$room/work$N" "$F"
chmod o+x "$F"
"""


def _opening() -> str:
    interpreter = Path(sys.executable).resolve()
    closed = [folder for folder in reversed(interpreter.parents) if not folder.stat().st_mode & stat.S_IXOTH]
    return "".join(f"F='{folder}'; N={number}{_OPEN}" for number, folder in enumerate(closed))


def run_privately(script: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a shell script there; `longwire` is the one under test, `$python` its interpreter, HOME an empty folder."""
    with tempfile.TemporaryDirectory(prefix="longwire-etc-") as room:
        Path(room).chmod(0o755)
        programs = str(Path(sys.executable).parent)
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", _PRIVATE + _opening() + script],
            env={
                "PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin",
                "python": sys.executable,
                "HOME": room,
                "room": room,
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
                **environment,
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )


def etc_is_ours() -> bool:
    """Whether this user may have such a view, and other users may start the interpreter that runs the tests."""
    if sys.platform != "linux" or os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv", "groupadd"))):
        return False
    return run_privately("setpriv --reuid 65534 --clear-groups env \"$python\" -c 'import longwire'").returncode == 0
