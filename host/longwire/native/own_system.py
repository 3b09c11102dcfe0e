"""The system that this is: see `system`."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longwire.native.system import System

SYSTEM: "System"
if sys.platform == "win32":
    from longwire.native.windows import Windows

    SYSTEM = Windows()
else:
    from longwire.native.posix import Posix

    SYSTEM = Posix()
