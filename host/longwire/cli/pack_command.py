"""`longwire pack`: the extension with an administrator's key, for browsers that install it by policy."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from longwire.assets import extension_folder
from longwire.console.errors import CommandError, MisuseError
from longwire.console.output import say
from longwire.install.crx import archive_of, crx, updates_xml
from longwire.install.launcher import this_command
from longwire.install.signing import make_key, read_key
from longwire.policy.urls import parse_lenient
from longwire.protocol.errors import StreamError
from longwire.storage.files import make_folder, write_atomically

CRX_NAME: Final = "longwire.crx"
UPDATES_NAME: Final = "updates.xml"
_READABLE: Final = 0o644


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(pack)


def pack(
    *,
    key: Annotated[
        Path, typer.Option("--key", metavar="FILE", help="Your private key (PEM, RSA). Made if it is not there.")
    ],
    url: Annotated[str, typer.Option("--url", metavar="URL", help="The folder on your server that will hold both.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write them.")] = Path("packed"),
) -> None:
    """Sign the extension, for an administrator to install.

    Writes longwire.crx and updates.xml, which browsers fetch from a server of yours. The key makes the extension's id:
    keep it, and keep it to yourself.
    """
    base = _folder_url(url)
    if key.resolve().is_relative_to(out.resolve()):
        raise MisuseError(
            f"{key} lies in the folder that a server is to show", "keep the key elsewhere, or give another --out"
        )
    folder = extension_folder()
    version = str(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["version"])
    made = not key.exists()
    signer = make_key(key) if made else read_key(key)
    archive = archive_of(folder, signer, base + UPDATES_NAME)
    try:
        make_folder(out)
        write_atomically(out / CRX_NAME, crx(archive, signer), _READABLE)
        updates = updates_xml(signer.extension_id, version, base + CRX_NAME)
        write_atomically(out / UPDATES_NAME, updates.encode(), _READABLE)
    except OSError as error:
        raise CommandError(f"{out}: {error.strerror or 'the system refused'}", "name a folder of your own") from None
    if made:
        say(f"key        {key} (new: keep it, whoever has it can put another extension in this one's place)")
    say(f"packed     {out / CRX_NAME} (version {version})")
    say(f"updates    {out / UPDATES_NAME}")
    say(f"id         {signer.extension_id}")
    _say_next_steps(signer.extension_id, base)


def _say_next_steps(extension_id: str, base: str) -> None:
    settings = {extension_id: {"installation_mode": "force_installed", "update_url": base + UPDATES_NAME}}
    policy = json.dumps({"ExtensionSettings": settings}, indent=2)
    say(f"\nNext:\n  1. Have your server show both files below {base}")
    say("  2. Let the host serve this id, on each machine:")
    say(f"     {this_command()} install --system --extension-id {extension_id}")
    say("  3. Give browsers this policy (`longwire docs policy` says where):\n")
    say("\n".join(f"     {line}" for line in policy.splitlines()))


def _folder_url(url: str) -> str:
    try:
        parsed = parse_lenient(url)
    except StreamError as error:
        raise MisuseError(error.text, "write --url https://host/folder/") from None
    if "?" in parsed.href or "#" in url:
        raise MisuseError("the URL of a folder has no query", "write --url https://host/folder/")
    return parsed.href if parsed.href.endswith("/") else f"{parsed.href}/"
