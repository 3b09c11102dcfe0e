"""`longwire-host`: what the browser starts. People never type it.

Order matters: the descriptors are taken before anything that might print is imported, and the process leaves through
`os._exit`, because a resolver thread that hangs must not keep it alive after the browser let go.
"""

import contextlib
import os
import sys

from longwire.native.stdio import claim_stdio


def main() -> None:
    """Run one host process. Never returns.

    Exit codes: 0 the browser closed the channel, 1 the host failed (its log says where), 2 started by something else
    than this extension in a browser.
    """
    descriptors = claim_stdio()
    from longwire.native.process import serve

    code = 1
    try:
        code = serve(descriptors, sys.argv)
    except BaseException as error:  # noqa: BLE001  (the last line of defence: no traceback may quote a secret)
        print(f"longwire-host: failed: {type(error).__name__}", file=sys.stderr)  # noqa: T201
    finally:
        with contextlib.suppress(Exception):  # closed, or none at all: that must not keep the process
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
