"""`longwire-host`: what the browser starts. People never type it.

Where a policy file grants durable requests, it is a pipe to this user's daemon, and needs little; else it does all by
itself. With `--daemon` it is that daemon.

Order matters: the descriptors are taken before anything that might print is imported, and the process leaves through
`os._exit`, because a resolver thread that hangs must not keep it alive after the browser closed the pipes.
"""

import contextlib
import gc
import os
import sys

from longwire.audit.last_words import LAST_WORDS
from longwire.native.core_dumps import switch_off_core_dumps
from longwire.native.descriptors import claim_stdio
from longwire.native.startup import DAEMON_ARGUMENT, load_less


def main(*extensions: str) -> None:
    """Run one host process. Never returns. Whatever ends it is in the log, with the reason.

    `extensions` are ids besides Longwire's own that may start it: an administrator's, whose key signed the same files.

    Exit codes: 0 the browser closed the channel, 1 the host failed, 2 started by something else than this extension in
    a browser, 128 and a number: ended by that signal.
    """
    code = 1
    try:
        LAST_WORDS.on_signals()
        switch_off_core_dumps()
        if sys.argv[1:] == [DAEMON_ARGUMENT]:
            from longwire.native.daemon import serve_hosts

            code = serve_hosts()
        else:
            code = _serve(claim_stdio(), extensions)
    except BaseException as error:  # noqa: BLE001  (the last line of defence: no traceback may quote a secret)
        LAST_WORDS.say_error(error)
    finally:
        with contextlib.suppress(Exception):  # closed, or none at all: that must not keep the process
            sys.stderr.flush()
        os._exit(code)


def _serve(descriptors: tuple[int, int], extensions: tuple[str, ...]) -> int:
    # Here: if one of them is missing, the log says so.
    from longwire.native.caller import caller_is_ours
    from longwire.native.decision import wants_daemon

    if wants_daemon() and caller_is_ours(sys.argv, extensions):
        from longwire.native.pipe import run

        return run(descriptors)
    load_less()
    from longwire.native.process import serve

    gc.freeze()
    gc.enable()
    return serve(descriptors, sys.argv, extensions)


if __name__ == "__main__":
    main()
