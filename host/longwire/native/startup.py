"""How a process of Longwire begins: what makes it the daemon, and what of other people's code none of them loads."""

import gc
import os
import sys
from types import ModuleType
from typing import Final

# What makes it the daemon. No browser passes it: an extension's name is an URL, or an add-on's id.
DAEMON_ARGUMENT: Final = "--daemon"

# What structlog loads where it happens to be installed: a console in colours, and threads that this process does not
# have. To import one of these fails, as if it were not there.
NOT_THERE: Final = ("rich", "greenlet")


class NotStartedApart(Exception):
    """The system keeps a process from outliving the one that starts it. The text says what to do."""


def load_less() -> None:
    """Before the imports, for which the first stream of a browser waits: a fifth of their time was for nothing.

    What is imported is no garbage either.
    """
    for name in NOT_THERE:
        sys.modules[name] = None  # type: ignore[assignment]
    _without_plugins()
    gc.disable()


def _without_plugins() -> None:
    """pydantic loads what reads installed distributions, and looks through them for its plugins.

    None has business in this process. The variable is pydantic's own word for it, and forbids only the search.
    """
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    loader = ModuleType("pydantic.plugin._loader")
    loader.get_plugins = lambda: ()  # type: ignore[attr-defined]
    sys.modules[loader.__name__] = loader
