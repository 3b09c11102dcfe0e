"""Secrets that a command prints: a program that the policy names by its absolute path, run without a shell.

Whoever could change the program could choose the secret, or do anything else as this user: so it is held to what the
policy file is held to. It gets no input and little environment, and has a time and a size within which to print one
line. What it prints is the secret or nothing: no error quotes it, and what it says on stderr goes nowhere.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Final

from longwire.policy.ownership import Lstat, OwnGroup, own_group, ownership_problem, user_file_problem, walk
from longwire.policy.secrets import MAX_SECRET_BYTES, SecretProblem, UnusableSecret

# Asking a server for a token may take seconds. Whoever asks a person cannot be waited for here.
COMMAND_TIMEOUT_S: Final = 10.0
# What a tool needs to find its own files and its agent. No variable that changes what a program loads, or where to it
# connects (threat 14).
_KEPT: Final = (
    "HOME", "USER", "LOGNAME", "PATH", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE",
    "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "GNUPGHOME",
    "SYSTEMROOT", "SYSTEMDRIVE", "USERPROFILE", "USERNAME", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "TEMP", "TMP",
)  # fmt: skip
_REPLACEABLE: Final = "could be changed or replaced by others"
# What Windows gives to a shell of its own accord, with arguments that it reads in ways of its own.
_BATCH: Final = (".bat", ".cmd")
# Those that have been started and not been waited for; the lock keeps a number from being another process's.
_running: Final[set["subprocess.Popen[bytes]"]] = set()
_starting: Final = Lock()


def check_command(
    command: Sequence[str], *, by_root: bool, uid: int, lstat: Lstat = os.lstat, in_own_group: OwnGroup = own_group
) -> None:
    """Whether the program is there and is nobody else's to change. Runs nothing; costs a few `lstat` calls.

    `by_root`: the administrator's policy names it, so that it has to be root's. `uid` is the user otherwise; -1 skips
    the question of ownership, where there are no user ids (Windows).

    Raises:
        UnusableSecret: it is not.
    """
    trail = walk(Path(command[0]), lstat)
    if trail.missing is not None:
        raise UnusableSecret("has a command that does not exist", f"has no command {trail.missing}", _MISSING)
    if problem := trail.problem or trail.failure:
        raise UnusableSecret("has a command that cannot be looked at", f"has a command that cannot be run: {problem}")
    problem = ownership_problem(trail) if by_root and uid >= 0 else user_file_problem(trail, uid, in_own_group)
    if problem:
        raise UnusableSecret(
            f"has a command that {_REPLACEABLE}", f"has a command that {_REPLACEABLE}, so it is not run: {problem}"
        )
    if sys.platform == "win32" and command[0].lower().endswith(_BATCH):
        raise UnusableSecret("has a command that is a batch file, which only a shell could run: name a program")


def run_command(command: Sequence[str], environ: Mapping[str, str] | None = None) -> bytes:
    """What the program prints, without the line end. Blocks for `COMMAND_TIMEOUT_S` at most.

    Let `check_command` look at it first.

    Raises:
        UnusableSecret: it could not be run, took too long, printed too much, or did not end with exit code 0.
    """
    process = _start(command, os.environ if environ is None else environ)
    try:
        deadline = time.monotonic() + COMMAND_TIMEOUT_S
        output = _output(process, deadline)
        if len(output) > _MOST_OUTPUT:
            raise UnusableSecret(f"has a command that printed more than {MAX_SECRET_BYTES} bytes")
        code = process.wait(max(0.0, deadline - time.monotonic()))
    except (TimeoutError, subprocess.TimeoutExpired):
        raise UnusableSecret(f"has a command that took longer than {COMMAND_TIMEOUT_S:g} s") from None
    except OSError:
        raise UnusableSecret("has a command whose output cannot be read") from None
    finally:
        with _starting:
            _running.discard(process)
            _end(process)
    if code:
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise UnusableSecret(f"has a command that ended with {how}; run it by hand to see why")
    return output.removesuffix(b"\n").removesuffix(b"\r")


def end_commands() -> None:
    """End all that run, with what they started. For a process that ends without waiting for its threads."""
    with _starting:
        for process in _running:
            if process.returncode is None:
                _kill(process)


def command_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What of `environ` a command gets."""
    kept = {name: environ[name] for name in _KEPT if name in environ}
    return {"PATH": os.defpath, **kept}


def _start(command: Sequence[str], environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    try:
        with _starting:
            process = subprocess.Popen(  # noqa: S603  (the policy names it, by its absolute path)
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=command_environment(environ),
                cwd=Path(command[0]).anchor,
                bufsize=0,
                # In no console window, and a group of its own, which can be ended as one; no terminal to ask at.
                creationflags=_FLAGS,
                start_new_session=True,
            )
            _running.add(process)
    except PermissionError:
        raise UnusableSecret("has a command that this user may not run", problem=SecretProblem.FORBIDDEN) from None
    except (OSError, ValueError):
        raise UnusableSecret("has a command that cannot be run") from None
    return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.returncode is None:
        _kill(process)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)  # one that cannot be killed waits for a disk, and is nothing to wait for
    if process.stdout is not None:
        process.stdout.close()


_MISSING: Final = SecretProblem.MISSING
# A line end, and one too many, tell a value that is too long.
_MOST_OUTPUT: Final = MAX_SECRET_BYTES + 2

if sys.platform == "win32":
    import threading

    _FLAGS: Final = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP

    def _output(process: "subprocess.Popen[bytes]", deadline: float) -> bytes:
        """All that it prints, or one byte more than may be. Pipes cannot be waited for there, so a clock ends it."""
        assert process.stdout is not None  # noqa: S101  (it was opened with one)
        late = threading.Event()

        def end() -> None:
            late.set()
            _kill(process)

        clock = threading.Timer(max(0.0, deadline - time.monotonic()), end)
        clock.daemon = True
        clock.start()
        try:
            output = b""
            while len(output) <= _MOST_OUTPUT and (piece := process.stdout.read(_MOST_OUTPUT + 1 - len(output))):
                output += piece
        finally:
            clock.cancel()
        if late.is_set():
            raise TimeoutError
        return output

    def _kill(process: "subprocess.Popen[bytes]") -> None:
        """With all that it started, as far as Windows knows of them."""
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            system = Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "System32"
            subprocess.run(  # noqa: S603
                [str(system / "taskkill.exe"), "/T", "/F", "/PID", str(process.pid)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                creationflags=subprocess.CREATE_NO_WINDOW,
                timeout=5,
                check=False,
            )
        with contextlib.suppress(OSError):
            process.kill()
else:
    import selectors
    import signal

    _FLAGS: Final = 0

    def _output(process: "subprocess.Popen[bytes]", deadline: float) -> bytes:
        """All that it prints, or one byte more than may be.

        Raises:
            TimeoutError: the pipe was still open at the deadline.
        """
        assert process.stdout is not None  # noqa: S101  (it was opened with one)
        output = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while len(output) <= _MOST_OUTPUT:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise TimeoutError
                piece = os.read(process.stdout.fileno(), _MOST_OUTPUT + 1 - len(output))
                if not piece:
                    break
                output += piece
        return output

    def _kill(process: "subprocess.Popen[bytes]") -> None:
        """With all that it started. Its number is nobody else's: it was not waited for."""
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
