"""What a host that does all by itself loads when, and why.

1. Before WELCOME, with `process`: stdio, log, protocol and policy, for what WELCOME says. Nothing of upstreams.
2. Right after it, while the browser is busy with it: what the first stream needs, in steps that leave the loop free.
3. With the first exchange of its kind, or the first question: all else (`kinds.py`, `engine/generation.py`,
   `engine/status.py`, `upstream/codings.py`).

`tests/unit/native/test_loading.py` says which modules are there at WELCOME.
"""

from importlib import import_module
from typing import Final

import anyio.lowlevel

# In this order: what others import comes before them, so that no step takes long.
FOR_FIRST_STREAM: Final = (
    "longwire.policy.reflection",
    "longwire.engine.authorization",
    "h11",
    "httpcore2",
    "longwire.upstream.client",
    "longwire.native.kinds",
)


async def load_for_first_stream() -> None:
    """Do the second of the three.

    Raises:
        ImportError: part of what a host needs is missing.
    """
    for name in FOR_FIRST_STREAM:
        import_module(name)
        await anyio.lowlevel.checkpoint()


def load_the_rest() -> None:
    """What is left of it, at once: there is a stream already.

    Raises:
        ImportError: part of what a host needs is missing.
    """
    for name in FOR_FIRST_STREAM:
        import_module(name)
