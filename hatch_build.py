"""Puts the built extension, the client library, `manifests/` and `docs/` into the wheel: it is a complete product.

Inside the wheel they are `longwire/_assets/{extension,client,manifests,docs}`; in a checkout the same files are
read from where they lie (see `longwire.assets`). An editable install needs none of them.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# The demo's pages import the bundles; `longwire client` gives the first and the package to people.
CLIENT_FILES = ("longwire.min.js", "rpc.min.js", "longwire.tgz")


class AssetsHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own generic parameter is private
    """Force-includes them; builds extension and library first when only their source is there."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill `force_include` of a standard wheel.

        Raises:
            RuntimeError: the extension is not built and cannot be built here; the text says what to run.
        """
        if version == "editable":
            return
        root = Path(self.root)
        extension = root / "extension" / "dist"
        client = root / "extension" / "client-package" / "dist"
        if not is_current(root, extension / "manifest.json", *(client / name for name in CLIENT_FILES)):
            build_extension(root / "extension")
        build_data["force_include"][str(extension)] = "longwire/_assets/extension"
        for name in CLIENT_FILES:
            build_data["force_include"][str(client / name)] = f"longwire/_assets/client/{name}"
        build_data["force_include"][str(root / "manifests")] = "longwire/_assets/manifests"
        for page in sorted((root / "docs").glob("*.md")):
            build_data["force_include"][str(page)] = f"longwire/_assets/docs/{page.name}"


def is_current(root: Path, manifest: Path, *others: Path) -> bool:
    """Whether these outputs are there, of this version, and no older than what they are made from."""
    outputs = (manifest, *others)
    if not all(output.is_file() for output in outputs):
        return False
    version = (root / "host" / "longwire" / "__init__.py").read_text("utf-8")
    if f'__version__ = "{json.loads(manifest.read_text("utf-8"))["version_name"]}"' not in version:
        return False
    folders = [root / "manifests", *(root / "extension" / name for name in ("src", "icons", "client-package"))]
    files = [path for folder in folders for path in folder.rglob("*") if "dist" not in path.relative_to(folder).parts]
    files += [root / "extension" / name for name in ("build.mjs", "page-bundle.mjs", "package.json")]
    newest = max(path.stat().st_mtime for path in files if path.is_file())
    return newest <= min(output.stat().st_mtime for output in outputs)


def build_extension(folder: Path) -> None:
    """Run `npm ci` and `npm run build` in `folder`."""
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(
            f"{folder / 'dist'} is missing or older than its sources, and npm is not on the PATH: "
            "run `make build`, or install Node 20.19, or 22.13 or newer"
        )
    for command in (["ci"], ["run", "build"]):
        subprocess.run([npm, *command], cwd=folder, check=True)  # noqa: S603  (fixed arguments, absolute program)
