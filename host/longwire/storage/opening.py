"""How files are opened by descriptor: as the bytes that they are, and so that none holds this process up."""

import os
from typing import Final

# Else Windows makes one byte of a line end of two, and takes a byte 26 for the end of a file.
_BYTES: Final[int] = getattr(os, "O_BINARY", 0)
# A FIFO has no writer to be waited for.
READ_FLAGS: Final[int] = os.O_RDONLY | _BYTES | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
# One that is not there yet.
NEW_FLAGS: Final[int] = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BYTES | getattr(os, "O_CLOEXEC", 0)
