"""From a secret's place to its value. Everything it asks of the system is a parameter, for tests as any user."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from longwire.policy.keyrings import Keyring, KeyringUnavailable, load_keyring, read_entry
from longwire.policy.ownership import Lstat
from longwire.policy.secret_files import Fstat, own_uid, read_secret_file
from longwire.policy.secrets import Secret, SecretProblem, SecretSource, UnusableSecret, problem_with_value


def process_environment() -> Mapping[bytes, bytes]:
    """The environment as bytes by bytes."""
    if sys.platform == "win32":  # where it is UTF-16
        return {name.encode(): value.encode() for name, value in os.environ.items()}
    return os.environb


class SecretReader(NamedTuple):
    """Reads secrets. Keeps nothing: a rotated key is in use with the next request, and a command is run each time."""

    environ: Callable[[], Mapping[bytes, bytes]] = process_environment
    uid: Callable[[], int] = own_uid
    fstat: Fstat = os.fstat
    lstat: Lstat = os.lstat
    keyring: Callable[[], Keyring] = load_keyring

    def read(self, source: SecretSource) -> Secret:
        """Read the value now. Blocks for one small file, or for a keyring or a command (see `SecretSource.may_block`).

        Raises:
            StreamError: SECRET_UNAVAILABLE, naming the secret, where it was looked for and what is wrong with it.
        """
        try:
            value = self._bytes(source)
        except UnusableSecret as error:
            raise source.unavailable(error.what, error.detail, error.problem) from None
        except KeyringUnavailable as error:
            raise source.unavailable(error.what, problem=error.problem) from None
        if problem := problem_with_value(value):
            raise source.unavailable(problem)
        return Secret(source.name, value.decode("latin-1"))

    def check(self, source: SecretSource) -> None:
        """What can be known of it without waiting: reads it, but asks no keyring and runs no command.

        Raises:
            StreamError: SECRET_UNAVAILABLE.
        """
        if not source.may_block:
            self.read(source)
        elif source.kind == "command":
            self._check_command(source)

    def read_all(self, sources: Iterable[SecretSource]) -> dict[str, Secret]:
        """Each source once; by name.

        Raises:
            StreamError: SECRET_UNAVAILABLE for the first that cannot be read.
        """
        return {source.name: self.read(source) for source in sources}

    def _bytes(self, source: SecretSource) -> bytes:
        if source.kind == "file":
            return read_secret_file(source.where, uid=self.uid(), fstat=self.fstat, lstat=self.lstat)
        if source.kind == "keyring":
            return read_entry(self.keyring(), source.where)
        if source.kind == "command":
            return self._run_command(source)
        value = self.environ().get(os.fsencode(source.where))
        if value is None:
            # The commonest surprise: exported in a shell, while the browser was started from a desktop.
            what = "is not set in the environment that the browser was started with"
            raise source.unavailable(what, problem=SecretProblem.MISSING)
        return value

    def _check_command(self, source: SecretSource) -> None:
        from longwire.policy.secret_command import check_command  # most policies have none

        try:
            check_command(source.command, by_root=source.by_root, uid=self.uid(), lstat=self.lstat)
        except UnusableSecret as error:
            raise source.unavailable(error.what, error.detail, error.problem) from None

    def _run_command(self, source: SecretSource) -> bytes:
        from longwire.policy.secret_command import run_command

        self._check_command(source)
        environ = {os.fsdecode(name): os.fsdecode(value) for name, value in self.environ().items()}
        try:
            return run_command(source.command, environ)
        except UnusableSecret as error:
            raise source.unavailable(error.what, error.detail, error.problem) from None
