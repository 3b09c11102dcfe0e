"""The failures that a command ends with, and nothing else: each says what is wrong and what to do."""


class CommandError(Exception):
    """A finding: the command could not do its work. Exit code 1."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(f"{message} ({fix})")
        self.message = message
        self.fix = fix


class MisuseError(CommandError):
    """The command line itself is wrong. Exit code 2."""
