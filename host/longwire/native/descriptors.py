"""The private descriptors for frames. Imports nothing that takes time: whatever is imported later may print."""

import os
import sys


def claim_stdio() -> tuple[int, int]:
    """Take descriptors 0 and 1 for frames and guard the old numbers. Returns the private (input, output) pair.

    From then on 1 is stderr and 0 is nothing, so that no `print`, no C library and no child process can put a byte
    between two frames.
    """
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (0, 1):
            msvcrt.setmode(descriptor, os.O_BINARY)
    private_input, private_output = os.dup(0), os.dup(1)  # not inheritable (PEP 446)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # started without stderr: then prints go nowhere
        os.dup2(nowhere, 1)
    os.close(nowhere)
    return private_input, private_output
