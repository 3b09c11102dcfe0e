"""How long a test waits for what has to come: a deadline that fails instead of hanging, and says nothing of speed."""

from typing import Final

# A machine may have ten processes for each of its cores.
PATIENCE_S: Final = 60.0
