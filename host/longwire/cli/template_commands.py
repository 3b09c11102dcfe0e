"""`longwire template list`, `check`, `render`: the prompts that lie beside the policy files."""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from longwire.console.errors import CommandError, MisuseError
from longwire.console.output import complain, say, say_json, say_marked, say_table
from longwire.policy.locations import Source
from longwire.policy.template_files import TemplateFiles, TemplateUnavailable, is_name

app = typer.Typer(help="The prompts beside the policy: list, check, render.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]
SourceOption = Annotated[
    str | None, typer.Option(metavar="SOURCE", help="administrator or user: beside whose policy file.")
]

_SOURCES: Final[tuple[Source, Source]] = ("administrator", "user")
# What somebody may have meant as a field: a word or two in braces.
_LIKE_A_FIELD: Final = re.compile(r"\{ ?([A-Za-z][A-Za-z0-9_ -]{0,63}?) ?\}", re.ASCII)
_FIELD: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_MAX_FIELD_BYTES: Final = 64 * 1024 * 1024


class _Found(NamedTuple):
    """A template, and its text or what is wrong with its file."""

    source: Source
    name: str
    path: Path
    text: str | None
    problem: str | None


@app.command("list")
def list_templates(as_json: JsonOption = False) -> None:  # noqa: FBT002  (typer's way to declare a flag)
    """List the templates, their fields, and where they lie."""
    found = list(_all())
    if as_json:
        say_json([_to_json(each) for each in found])
    elif not found:
        say(f"there are no templates: they are files such as {TemplateFiles().path('user', 'NAME')}")
    else:
        rows = [
            (
                each.name,
                each.source,
                _fields(each) if each.problem is None else "cannot be used",
                _size(each),
                each.path,
            )
            for each in found
        ]
        say_table(("name", "source", "fields", "bytes", "file"), [[str(cell) for cell in row] for row in rows])


@app.command()
def check(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One of them; else all.")] = None,
    source: SourceOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Check whether templates can be used, and mean what they say.

    Exit code 1: one cannot be used.
    """
    found = list(_all()) if name is None else [_one(name, source)]
    misnamed = [path for each in _SOURCES for path in TemplateFiles().misnamed(each)] if name is None else []
    if as_json:
        say_json({"templates": [_to_json(each) for each in found], "misnamed": [str(path) for path in misnamed]})
    else:
        for each in found:
            _say_check(each)
        for path in misnamed:
            complain(f"problem    {path}: no request can name it: use letters, digits, '_', '.' and '-', 64 at most")
        if not found and not misnamed:
            say("there are no templates")
    if misnamed or any(each.problem for each in found):
        raise typer.Exit(1)


@app.command()
def render(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The template.")],
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="A field; KEY=@FILE reads a file, KEY=- the standard input."),
    ] = None,
    source: SourceOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Print a template with its fields put in.

    That is what a provider would get.
    """
    found = _one(name, source)
    if found.text is None:
        raise CommandError(f'the template "{found.name}": {found.problem}', "mend the file, then try again")
    values = _values(field or [])
    from longwire.generation.requests import RequestRefused  # other commands are not to wait for it
    from longwire.generation.templates import Template

    try:
        text = Template.parse(found.text).render(values)
    except RequestRefused as refused:
        raise MisuseError(refused.message, f"give each of its fields once: {_fields(found)}") from None
    if as_json:
        say_json({"name": found.name, "source": found.source, "file": str(found.path), "text": text})
    else:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def _all() -> Iterator[_Found]:
    files = TemplateFiles()
    for source in _SOURCES:
        for name in files.names(source):
            yield _read(files, source, name)


def _one(name: str, source: str | None) -> _Found:
    if source is not None and source not in _SOURCES:
        raise MisuseError(f'"{source[:40]}" is nobody\'s policy file', "write --source administrator or --source user")
    files = TemplateFiles()
    wanted = [each for each in _SOURCES if source in (None, each)]
    there = [each for each in wanted if is_name(name) and name in files.names(each)]
    if len(there) > 1:
        raise MisuseError(f"both policy files have a template {name}", "say which with --source administrator or user")
    if not there:
        try:
            files.read(wanted[-1], name)
        except TemplateUnavailable as error:
            raise CommandError(error.detail, "`longwire template list` lists all") from None
    return _read(files, there[0] if there else wanted[-1], name)


def _read(files: TemplateFiles, source: Source, name: str) -> _Found:
    path = files.path(source, name)
    try:
        return _Found(source, name, path, files.read(source, name), None)
    except TemplateUnavailable as error:
        return _Found(source, name, path, None, error.detail)


def _values(given: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    reads_input = False
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not _FIELD.fullmatch(key):
            raise MisuseError(
                f'--field "{each[:40]}" names no field', "write --field NAME=value, the name as in the template"
            )
        if key in values:
            raise MisuseError(f"the field {key} is given twice", "give each field once")
        if value == "-":
            if reads_input:
                raise MisuseError("two fields are read from standard input", "read one of them from a file: KEY=@FILE")
            reads_input = True
            values[key] = _text(key, sys.stdin.buffer.read(_MAX_FIELD_BYTES + 1))
        elif value.startswith("@"):
            values[key] = _text(key, _file(key, Path(value[1:])))
        else:
            values[key] = value
    return values


def _file(key: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FIELD_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{path} cannot be read for {key}: {error.strerror}", "name a file that is there") from None


def _text(key: str, data: bytes) -> str:
    if len(data) > _MAX_FIELD_BYTES:
        raise CommandError(f"what is given for {key} is larger than {_MAX_FIELD_BYTES} bytes", "give less of it")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise CommandError(f"what is given for {key} is not UTF-8", "convert it first") from None


def _names(found: _Found) -> list[str]:
    from longwire.generation.templates import Template

    return [] if found.text is None else sorted(set(Template.parse(found.text).names))


def _fields(found: _Found) -> str:
    return " ".join(_names(found)) or "none"


def _size(found: _Found) -> str:
    return "-" if found.text is None else str(len(found.text.encode()))


def _doubts(found: _Found) -> list[str]:
    """Words in braces that are text, and that somebody may have meant as fields."""
    doubts = []
    for number, line in enumerate((found.text or "").splitlines(), 1):
        for match in _LIKE_A_FIELD.finditer(line):
            if not re.fullmatch(rf"\{{{_FIELD.pattern}\}}", match[0], re.ASCII):
                meant = re.sub(r"[ -]+", "_", match[1]).upper()
                doubts.append(f"line {number}: {match[0]} is text and no field; a field would be {{{meant}}}")
    return doubts


def _say_check(found: _Found) -> None:
    if found.problem is not None:
        say_marked("problem", f"{found.name}: {found.problem}", "bold red")
        return
    for doubt in _doubts(found):
        say_marked("warning", f"{found.path}: {doubt}", "yellow")
    say_marked("valid", f"{found.path} (fields: {_fields(found)})", "bold green")


def _to_json(found: _Found) -> dict[str, Any]:
    return {
        "name": found.name,
        "source": found.source,
        "file": str(found.path),
        "fields": _names(found),
        "bytes": None if found.text is None else len(found.text.encode()),
        "problem": found.problem,
        "warnings": _doubts(found),
    }
