"""The host as a pipe: bytes from the browser to the daemon and back, at once, and no more of them held than one read.

One thread for each direction, with blocking reads and writes: whoever does not take bytes stops the reading of more,
as far as their source. It ends with the browser's end of input at once, whatever is under way; and when the daemon
closes, once the browser took what came before. Nothing is imported here that takes long.
"""

import io
import os
import sys
import threading
from contextlib import suppress
from typing import Final

from longwire.audit.last_words import LAST_WORDS
from longwire.daemon.connected import Connected
from longwire.native.own_system import SYSTEM
from longwire.native.starting import DaemonNotReached, NobodyWaits, reach_daemon

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
# One read. The kernel holds as much again in the socket and in the browser's pipe; control frames wait behind it all.
PIECE_BYTES: Final = 64 * 1024


def run(descriptors: tuple[int, int]) -> int:
    """Serve one browser by the daemon; returns the exit code, or ends the process.

    Exit codes: 0 the browser closed the channel, or the daemon did in the ordinary way; 1 there is no daemon, or it is
    gone.
    """
    try:
        connected = reach_daemon(wanted=lambda: not SYSTEM.writer_is_gone(descriptors[0]))
    except DaemonNotReached as why:
        LAST_WORDS.say(str(why))
        return EXIT_FAILED
    except NobodyWaits:
        return EXIT_OK
    LAST_WORDS.welcomed = True  # whatever ends it from here on is not a start that failed
    return Pipe(*descriptors, connected).run()


class Pipe:
    """Between two descriptors and what is connected to the daemon, both blocking."""

    def __init__(self, input_fd: int, output_fd: int, connected: Connected) -> None:
        self._input_fd = input_fd
        self._output_fd = output_fd
        self._connected = connected

    def run(self) -> int:
        """Carry until an end; returns the exit code. At the browser's end the process ends from the other thread."""
        threading.Thread(target=self._up_to_its_end, name="longwire-up", daemon=True).start()
        return self._down()

    # --- from the daemon to the browser ----------------------------------------------------------------------

    def _down(self) -> int:
        piece = memoryview(bytearray(PIECE_BYTES))
        while True:
            try:
                count = self._connected.recv_into(piece)
            except OSError:
                count = 0
            if not count:
                return self._daemon_closed()
            rest = piece[:count]
            try:
                while rest:
                    rest = rest[os.write(self._output_fd, rest) :]
            except OSError:  # the browser is gone
                return EXIT_OK

    def _daemon_closed(self) -> int:
        if not SYSTEM.died(self._connected):
            return EXIT_OK
        LAST_WORDS.say("the daemon is gone, and with it what it carried for this browser")
        return EXIT_FAILED

    # --- from the browser to the daemon ----------------------------------------------------------------------

    def _up_to_its_end(self) -> None:
        try:
            code = self._up()
        except BaseException as error:  # noqa: BLE001  (a thread that dies in silence would leave a pipe that stands still)
            LAST_WORDS.say_error(error)
            code = EXIT_FAILED
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(code)

    def _up(self) -> int:
        piece = memoryview(bytearray(PIECE_BYTES))
        reading = io.FileIO(self._input_fd, closefd=False)
        taken = True
        while True:
            try:
                count = reading.readinto(piece) or 0
            except OSError:
                count = 0
            if not count:
                return EXIT_OK
            # Once the daemon takes nothing more the other thread ends the process, when the browser took the rest; or
            # this one does, if the browser closes before it did.
            if taken:
                outcome = SYSTEM.pass_on(self._connected, piece[:count], self._input_fd)
                if outcome is None:
                    return EXIT_OK  # the browser closed, although what it sent last was not taken
                taken = outcome
