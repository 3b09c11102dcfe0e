"""`longwire client`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from longwire import __version__
from longwire.assets import client_library, client_package
from longwire.console.errors import MisuseError
from longwire.console.output import say
from longwire.storage.files import write_atomically

_READABLE: Final = 0o644


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(client)


def client(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write it; made if it is not there.")],
) -> None:
    """Write the client library, as a module and as a package.

    The module is for a page without a bundler, the package for `npm install`. Neither needs a registry, and both are
    of this version of Longwire. What is there under these names is replaced.
    """
    module = out / client_library().name
    package = out / f"longwire-{__version__}.tgz"
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(module, client_library().read_bytes(), _READABLE)
        write_atomically(package, client_package().read_bytes(), _READABLE)
    except OSError as error:
        raise MisuseError(
            f"{error.filename2 or error.filename or out} cannot be written: {error.strerror}",
            "give a folder that you may write to: --out DIR",
        ) from None
    say(f"module     {module}")
    say(f"           for <script type=\"module\">: import {{ stream }} from './{module.name}'")
    say(f"package    {package}")
    say(f"           for a bundler: npm install {package.absolute()}")
