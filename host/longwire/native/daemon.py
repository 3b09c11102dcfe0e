"""The daemon: one process of this user that carries out requests for every browser, and outlives them all.

The first host that needs it starts it (`starting`). It ends by itself when nobody is connected and nothing is kept,
after a moment; when it retired and nothing runs any more; on SIGTERM, as a session's end sends it; and when it is told
to (`longwire durable stop`). What runs then is unknown afterwards, as after any other death.
"""

import gc
import secrets
import signal
from typing import Final

from longwire.audit.last_words import LAST_WORDS
from longwire.daemon.address import own_address
from longwire.native.own_system import SYSTEM
from longwire.native.place import Place, PlaceTaken

EXIT_OK: Final = 0
EXIT_NO_PLACE: Final = 1
# How long nobody may be connected: an extension that reloads or a browser that starts again finds the same daemon.
LINGER_S: Final = 10.0
_ENDING: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name))


def serve_hosts() -> int:
    """Become the daemon, in a process of its own; the calling one ends with 0 once that listens. Returns at its end.

    Exit codes of the daemon: 0 it ended in order, 1 another has its place, or it failed.
    """
    ready = SYSTEM.leave_parent()
    place = Place(own_address(), secrets.token_hex(8))
    try:
        place.take()
    except PlaceTaken:
        return EXIT_NO_PLACE
    from longwire.native.startup import load_less

    load_less()
    from longwire.native.loading import load_the_rest

    load_the_rest()
    from longwire.native.serving import serve

    gc.freeze()
    gc.enable()
    LAST_WORDS.before_end = place.leave
    try:
        serve(place, ready, linger_s=LINGER_S, signals=_ENDING)
    finally:
        place.leave()
    return EXIT_OK
