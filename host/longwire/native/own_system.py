"""The system that this is: see `system`."""

import sys
from typing import Final

from longwire.native.system import System

if sys.platform == "win32":
    from longwire.native.windows import Windows

    SYSTEM: Final[System] = Windows()
else:
    from longwire.native.posix import Posix

    SYSTEM: Final[System] = Posix()
