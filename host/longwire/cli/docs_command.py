"""`longwire docs`: what is written for people, as far as it came with this installation (all of it)."""

from pathlib import Path
from typing import Annotated

import typer

from longwire.assets import docs_folder, manifests_folder
from longwire.console.errors import MisuseError
from longwire.console.output import say


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(docs)


def docs(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A page. Without it: list them.")] = None,
) -> None:
    """Print a page of the documentation, or list the pages."""
    pages = _pages()
    if name is None:
        width = max(map(len, pages))
        for page, file in pages.items():
            say(f"{page:<{width}}  {_title(file)}")
        say(f"\nThe pages are files in {docs_folder()},")
        say(f"the examples for administrators in {manifests_folder() / 'enterprise'}.")
        return
    path = pages.get(name.lower().removeprefix("docs/").removesuffix(".md"))
    if path is None:
        raise MisuseError(f'there is no page "{name}"', f"the pages are {', '.join(pages)}")
    typer.echo(path.read_text(encoding="utf-8"), nl=False)


def _pages() -> dict[str, Path]:
    return {path.stem.lower(): path for path in sorted(docs_folder().glob("*.md"), key=lambda path: path.stem.lower())}


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return next((line[2:].rstrip() for line in file if line.startswith("# ")), "")
