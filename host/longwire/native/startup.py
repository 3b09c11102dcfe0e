"""How a process of Longwire begins: what makes it the daemon, and what none of them loads."""

import gc
import os
import sys
from typing import Final

# What makes it the daemon. No browser passes it: an extension's name is an URL, or an add-on's id.
DAEMON_ARGUMENT: Final = "--daemon"


def load_less() -> None:
    """Before the imports, for which the first stream of a browser waits: a fifth of their time was for nothing.

    structlog loads rich for a console that a host does not have; pydantic reads every installed distribution to find
    plugins, and none has business here; and what is imported is not garbage.
    """
    sys.modules["rich"] = None  # type: ignore[assignment]
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    gc.disable()
