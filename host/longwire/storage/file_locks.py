"""The lock of an open file, which ends with the process that holds it, however that ends.

It is held until the descriptor is closed. On Windows the file must be empty: what is locked cannot be read there.
"""

import sys

if sys.platform == "win32":
    from longwire.win32 import files
    from longwire.win32.api import own_api

    def lock_now(descriptor: int, *, exclusive: bool) -> bool:
        """Hold the lock, alone or as one of several; False if others do. Raises OSError if it cannot be locked."""
        return files.lock_now(own_api(), descriptor, exclusive=exclusive)

    def wait_for_lock(descriptor: int) -> None:
        """Hold the lock alone, as soon as nobody else does. Raises OSError if it cannot be locked."""
        files.wait_for_lock(own_api(), descriptor)
else:
    import fcntl

    def lock_now(descriptor: int, *, exclusive: bool) -> bool:
        """Hold the lock, alone or as one of several; False if others do. Raises OSError if it cannot be locked."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait_for_lock(descriptor: int) -> None:
        """Hold the lock alone, as soon as nobody else does. Raises OSError if it cannot be locked."""
        fcntl.flock(descriptor, fcntl.LOCK_EX)
