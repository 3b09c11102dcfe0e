"""Standard output, for what somebody else wrote: a model, or a server."""

import contextlib
import os
import sys
from typing import Final

from longwire.console.errors import CommandError

# What such a text may have and a console would obey: all controls but line end and tab.
CONTROLS: Final = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160))) | {13: None}


class OutputLostError(CommandError):
    """Standard output takes no more of the answer."""


def put(data: str | bytes) -> None:
    """On standard output, at once. Text in its encoding, as far as that goes; bytes are UTF-8.

    Raises:
        OutputLostError: it takes no more.
        BrokenPipeError: nobody reads it any more.
    """
    out = sys.stdout
    try:
        if isinstance(data, str):
            data = data.encode(out.encoding or "utf-8", "replace")
            if os.linesep != "\n":
                data = data.replace(b"\n", os.linesep.encode())
        out.flush()
        out.buffer.write(data)
        out.buffer.flush()
    except BrokenPipeError:
        raise
    except (OSError, AttributeError) as error:  # AttributeError: it was closed when the command began
        reason = getattr(error, "strerror", None) or "it is closed"
        with contextlib.suppress(OSError, AttributeError):
            # What is left of it would be written again at the end, and fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        raise OutputLostError(
            f"the answer cannot be written to standard output: {reason}", "send it where there is room for it"
        ) from None
