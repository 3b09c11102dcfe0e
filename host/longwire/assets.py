"""Where the files lie that are not Python: the built extension, the client library, the manifests, the docs.

In a wheel they are `longwire/_assets/{extension,client,manifests,docs}` (see `hatch_build.py`), in a checkout
`extension/dist`, `extension/client-package/dist`, `manifests` and `docs`.
"""

import json
from pathlib import Path
from typing import Any, Final

_PACKAGE: Final = Path(__file__).resolve().parent
_CHECKOUT: Final = _PACKAGE.parent.parent
_BUNDLE: Final = "longwire.min.js"
_RPC_BUNDLE: Final = "rpc.min.js"
_PACKAGE_FILE: Final = "longwire.tgz"


class AssetError(Exception):
    """Files of Longwire itself are not there. `message` says what is missing, `fix` what to do."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(f"{message} ({fix})")
        self.message = message
        self.fix = fix


def manifests_folder() -> Path:
    """The folder with the browser table, the native manifest template and the schemas.

    Raises:
        AssetError: it is not there.
    """
    return _find(
        "browsers.json",
        (_PACKAGE / "_assets" / "manifests", _CHECKOUT / "manifests"),
        AssetError("the manifests of Longwire are missing", "install Longwire again"),
    )


def docs_folder() -> Path:
    """The folder with what is written for people, as Markdown.

    Raises:
        AssetError: it is not there.
    """
    return _find(
        "troubleshooting.md",
        (_PACKAGE / "_assets" / "docs", _CHECKOUT / "docs"),
        AssetError("the documentation of Longwire is missing", "install Longwire again"),
    )


def extension_folder() -> Path:
    """The folder to load unpacked.

    Raises:
        AssetError: the extension is not built.
    """
    return _find(
        "manifest.json",
        (_PACKAGE / "_assets" / "extension", _CHECKOUT / "extension" / "dist"),
        AssetError("the extension is not built", "run `make build` in the checkout, or install a wheel of Longwire"),
    )


def client_library() -> Path:
    """The client library as one ES module with everything in it.

    Raises:
        AssetError: it is not built.
    """
    return _client_folder() / _BUNDLE


def rpc_library() -> Path:
    """`longwire/rpc` as one ES module with everything in it.

    Raises:
        AssetError: it is not built.
    """
    return _client_folder() / _RPC_BUNDLE


def client_package() -> Path:
    """The client library as a package, which `npm install` takes.

    Raises:
        AssetError: it is not built.
    """
    return _client_folder() / _PACKAGE_FILE


def extension_id() -> str:
    """The extension's id, which its `key` fixes: 32 letters from a to p.

    Raises:
        AssetError: the manifests are not there.
    """
    return str(read_manifest("extension.id.json")["id"])


def read_manifest(name: str) -> dict[str, Any]:
    """One JSON file of the manifests folder.

    Raises:
        AssetError: it is not there or no JSON object.
    """
    path = manifests_folder() / name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise AssetError(f"{path} is missing or damaged", "install Longwire again") from None
    if not isinstance(content, dict):
        raise AssetError(f"{path} is damaged", "install Longwire again")
    return content


def _client_folder() -> Path:
    # The package is what a build writes last.
    return _find(
        _PACKAGE_FILE,
        (_PACKAGE / "_assets" / "client", _CHECKOUT / "extension" / "client-package" / "dist"),
        AssetError(
            "the client library is not built", "run `make build` in the checkout, or install a wheel of Longwire"
        ),
    )


def _find(landmark: str, folders: tuple[Path, ...], otherwise: AssetError) -> Path:
    for folder in folders:
        if (folder / landmark).is_file():
            return folder
    raise otherwise
