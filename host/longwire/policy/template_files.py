"""Prompts with named fields, as files beside the policy: `templates/NAME.txt`, for the grants of that policy file.

Whoever could change one could have a page's text do what they like with what a model may do. So they are held to what
the policy file is held to: root's alone beside the administrator's, the user's or root's beside the user's.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from longwire.policy.files import read_file
from longwire.policy.loading import MAX_POLICY_BYTES
from longwire.policy.locations import Locations, Source, default_locations
from longwire.policy.ownership import Lstat, ownership_problem, user_file_problem, walk
from longwire.policy.secret_files import own_uid
from longwire.protocol.errors import ErrorCode, Phase, StreamError, printable

FOLDER_NAME: Final = "templates"
SUFFIX: Final = ".txt"
MAX_TEMPLATE_BYTES: Final = MAX_POLICY_BYTES  # what is read of one in one go
MAX_TEMPLATES: Final = 1000
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_CHECK_COMMAND: Final = "longwire template check"
_MOST_NAMED: Final = 20
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class TemplateUnavailable(StreamError):
    """POLICY_DENIED where there is no template of that name, POLICY_INVALID where its file cannot be used.

    The message is fit for the page that asked for it; `detail` is what is wrong, for people of this machine.
    """

    def __init__(self, name: str, message: str, detail: str, *, unknown: bool) -> None:
        super().__init__(
            ErrorCode.POLICY_DENIED if unknown else ErrorCode.POLICY_INVALID,
            message,
            Phase.POLICY,
            reason=f'the template "{name}": {detail}',
            command=None if unknown else _CHECK_COMMAND,
        )
        self.detail = printable(detail)
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class TemplateFiles:
    """Of both policy files. `lstat` and `uid` are parameters so that ownership can be tested by any user."""

    locations: Locations | None = None
    lstat: Lstat = os.lstat
    uid: Callable[[], int] = own_uid

    def folder(self, source: Source) -> Path:
        """Where those of one policy file lie, whether it is there or not."""
        locations = self.locations or default_locations()
        file = locations.administrator if source == "administrator" else locations.user
        return file.parent / FOLDER_NAME

    def path(self, source: Source, name: str) -> Path:
        """The file of a template. `name` is one."""
        return self.folder(source) / f"{name}{SUFFIX}"

    def read(self, source: Source, name: str) -> str:
        """The text of a template, as it is now. Costs a few `lstat` calls and one small file.

        Raises:
            TemplateUnavailable: POLICY_DENIED, there is none of that name; POLICY_INVALID, its file cannot be used.
        """
        if not is_name(name):
            raise self._unknown(source, name)
        path = self.path(source, name)
        trail = walk(path, self.lstat)
        if trail.missing is not None:
            raise self._unknown(source, name)
        problem = trail.problem or trail.failure
        if problem is None:
            administrators = source == "administrator"
            problem = ownership_problem(trail) if administrators else user_file_problem(trail, self.uid())
        if problem is not None:
            raise _unusable(name, problem)
        look = read_file(path)
        if problem := look.problem or look.failure or problem_with_text(look.data):
            raise _unusable(name, f"{path}: {problem}")
        return look.data.decode("utf-8")

    def names(self, source: Source) -> list[str]:
        """Of all templates beside one policy file, in order. A folder that is not there has none."""
        try:
            found = [path.name.removesuffix(SUFFIX) for path in self._files(source)]
        except OSError:
            return []
        return sorted(name for name in found if is_name(name))[:MAX_TEMPLATES]

    def misnamed(self, source: Source) -> list[Path]:
        """Files that look like templates, and that no request can name."""
        try:
            return sorted(path for path in self._files(source) if not is_name(path.name.removesuffix(SUFFIX)))
        except OSError:
            return []

    def _files(self, source: Source) -> list[Path]:
        return [path for path in self.folder(source).iterdir() if path.name.endswith(SUFFIX)]

    def _unknown(self, source: Source, name: str) -> TemplateUnavailable:
        names = self.names(source)
        listed = ", ".join(names[:_MOST_NAMED]) + (" …" if len(names) > _MOST_NAMED else "")
        there = f"there are: {listed}" if names else "there are none"
        shown = name if is_name(name) else printable(name[:64])
        return TemplateUnavailable(
            shown,
            f'there is no template "{shown}" beside the policy file of this grant; {there}',
            f"there is no {self.folder(source) / f'{shown}{SUFFIX}'}; {there}",
            unknown=True,
        )


def is_name(name: str) -> bool:
    """Whether a template can have this name. It leads out of no folder."""
    return NAME.fullmatch(name) is not None and ".." not in name


def problem_with_text(data: bytes) -> str | None:
    """Why these bytes are no template; or None."""
    if len(data) > MAX_TEMPLATE_BYTES:
        return f"it is larger than {MAX_TEMPLATE_BYTES // 1024} KiB"
    if data.startswith(_BYTE_ORDER_MARK):
        return "it begins with a byte-order mark: save it as UTF-8 without one"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"line {data.count(10, 0, error.start) + 1}: it is not UTF-8"
    return None if text.strip() else "it is empty"


def _unusable(name: str, problem: str) -> TemplateUnavailable:
    message = f'the template "{name}" cannot be used; `{_CHECK_COMMAND}` says what to mend'
    return TemplateUnavailable(name, message, problem, unknown=False)
