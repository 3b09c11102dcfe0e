"""How far a command has come with reading."""

import sys
import time
from typing import Final

from longwire.console.figures import size

# What takes longer says how far it is.
WORTH_A_WORD_S: Final = 1.0


class Progress:
    """On stderr, where that is a console, and only of what takes a while."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._shown = False

    def told(self, done: int, whole: int) -> None:
        """So many bytes of so many are read."""
        if sys.stderr.isatty() and time.monotonic() - self._began >= WORTH_A_WORD_S:
            self._shown = True
            sys.stderr.write(f"\rread {size(done)} of {size(whole)} ")
            sys.stderr.flush()

    def over(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
