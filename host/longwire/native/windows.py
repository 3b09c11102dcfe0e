"""See `native.system`: named pipes, and a process outside the job in which a browser keeps its hosts."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from longwire.daemon.connected import Connected
from longwire.daemon.named_pipe import NamedPipe
from longwire.native.startup import NotStartedApart
from longwire.win32.api import ACCESS_DENIED, Api, own_api
from longwire.win32.pipes import other_end_closed

if TYPE_CHECKING:
    from longwire.native.pipe_channel import PipeChannel
    from longwire.native.system import Accepted, Listener

# Firefox puts each host into a job, and ends all that is in it with the host. No console, and no Ctrl-C of another's.
APART: Final = 0x01000000 | 0x00000008 | 0x00000200  # CREATE_BREAKAWAY_FROM_JOB, DETACHED_PROCESS, NEW_PROCESS_GROUP

# As `subprocess.Popen`.
Start = Callable[..., "subprocess.Popen[bytes]"]


class Windows:
    """See `System`."""

    def __init__(self, api: Api | None = None, start: Start = subprocess.Popen) -> None:
        self._own_api = api
        self._start: Any = start

    def unbound(self) -> "Listener":
        """See `System.unbound`."""
        from longwire.native.pipe_listener import PipeListener  # here, and below: a pipe's start does without asyncio

        return PipeListener(self._api)

    async def accept(self, listener: "Listener") -> "Accepted":
        """See `System.accept`."""
        from longwire.native.pipe_listener import PipeListener

        assert isinstance(listener, PipeListener)  # noqa: S101  (`unbound` gives no other)
        return await listener.accept()

    def channel(self, connected: "Connected | Accepted") -> "PipeChannel":
        """See `System.channel`."""
        from longwire.native.pipe_channel import PipeChannel
        from longwire.native.pipe_listener import PipeEnd

        if isinstance(connected, PipeEnd):
            return PipeChannel(connected)
        handle, rest = _pipe(connected).give_up()
        return PipeChannel(PipeEnd(self._api, handle), rest)

    def writer_is_gone(self, descriptor: int) -> bool:
        """See `System.writer_is_gone`. Windows tells once all was read."""
        return other_end_closed(self._api, self._api.handle_of(descriptor))

    def died(self, connected: Connected) -> bool:
        """See `System.died`."""
        return not _pipe(connected).ended_in_order

    def pass_on(self, connected: Connected, data: memoryview, input_fd: int) -> bool | None:
        """See `System.pass_on`. That the browser closed is not seen meanwhile: it ends its hosts by itself."""
        try:
            connected.sendall(bytes(data))
        except OSError:
            return False
        return True

    def start_apart(self, command: list[str], environ: dict[str, str]) -> "subprocess.Popen[bytes]":
        """See `System.start_apart`. Of handles it gets three that lead nowhere, and no others."""
        try:
            process: subprocess.Popen[bytes] = self._start(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                close_fds=True,
                cwd=Path(command[0]).anchor or None,
                creationflags=APART,
                env=environ,
            )
        except OSError as error:
            if getattr(error, "winerror", None) != ACCESS_DENIED:
                raise
            raise NotStartedApart(
                "Windows does not let it outlive the browser (a job without JOB_OBJECT_LIMIT_BREAKAWAY_OK): start the "
                "browser without what keeps its processes together, or leave `durable` out of the policy"
            ) from None
        return process

    def leave_parent(self) -> Callable[[], None]:
        """See `System.leave_parent`. Nothing is left: whoever started it looks whether somebody listens."""
        return lambda: None

    @property
    def _api(self) -> Api:
        return self._own_api or own_api()


def _pipe(connected: "Connected | Accepted") -> NamedPipe:
    assert isinstance(connected, NamedPipe)  # noqa: S101  (there is nothing else on this system)
    return connected
