"""The end of all durable requests of a user: Longwire is uninstalled."""

import shutil
from pathlib import Path

from longwire.durable.open_files import is_own
from longwire.durable.owners import is_alive, owners_in
from longwire.storage.lock import exclusive, forget_lock


class DaemonLives(Exception):
    """A daemon has some of them."""


def remove_all(folder: Path) -> bool:
    """Remove the folder, whatever is in it. False where there is none that is this user's own.

    Raises:
        DaemonLives: then nothing is removed.
        OSError: the disk refuses.
    """
    try:
        if folder.is_symlink() or not is_own(folder.stat()):
            return False
        with exclusive(folder):
            if any(is_alive(folder, owner) for owner in owners_in(folder)):
                raise DaemonLives
            shutil.rmtree(folder)
        forget_lock(folder)
    except FileNotFoundError:
        return False
    return True
