"""Puts the built extension and `manifests/` into the wheel, so that `pip install` of a wheel is a complete product.

Inside the wheel they are `longwire/_assets/extension` and `longwire/_assets/manifests`; in a checkout the same files
are read from where they lie (see `longwire.assets`). An editable install needs neither.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AssetsHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own generic parameter is private
    """Force-includes the two folders; builds the extension first when only its source is there."""

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
        if not (extension / "manifest.json").is_file():
            build_extension(root / "extension")
        build_data["force_include"][str(extension)] = "longwire/_assets/extension"
        build_data["force_include"][str(root / "manifests")] = "longwire/_assets/manifests"


def build_extension(folder: Path) -> None:
    """Run `npm ci` and `npm run build` in `folder`."""
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(
            f"{folder / 'dist'} is missing and npm is not on the PATH: run `make build`, or install Node 20 or newer"
        )
    for command in (["ci"], ["run", "build"]):
        subprocess.run([npm, *command], cwd=folder, check=True)  # noqa: S603  (fixed arguments, absolute program)
