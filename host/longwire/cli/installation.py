"""Writing and removing what makes a browser find the host: one launcher, and a manifest per browser.

What was written is recorded beside the launcher, with digests, so that removing takes away exactly that: a file that
somebody changed since is left alone and named, a folder goes only if it was made here and is empty.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from longwire.assets import extension_id, read_manifest
from longwire.cli.errors import CommandError
from longwire.cli.launcher import launcher_text

LAUNCHER_NAME: Final = "longwire-host"
RECORD_NAME: Final = "installation.json"
_FORMAT: Final = 1
_EXECUTABLE: Final = 0o755
_READABLE: Final = 0o644
_FOLDER: Final = 0o755


@dataclass(frozen=True, slots=True)
class Removal:
    """What `remove` did. `kept` are files that are no longer what was written."""

    removed: tuple[Path, ...]
    kept: tuple[Path, ...]


@dataclass(slots=True)
class _Record:
    """Files by path with the SHA-256 of what was written, and the folders made for them, outermost first."""

    files: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)


class Installation:
    """One launcher in `state`, and manifests in any number of browsers' folders.

    Every method raises CommandError when the file system refuses.
    """

    def __init__(self, state: Path, host_name: str) -> None:
        self._state = state
        self._manifest_name = f"{host_name}.json"

    @property
    def launcher(self) -> Path:
        """The script that the manifests name."""
        return self._state / LAUNCHER_NAME

    def write(self, native_hosts: Sequence[Path], interpreter: str) -> list[Path]:
        """Write the launcher and a manifest into each folder; give back the manifests' paths. Safe to repeat."""
        manifest = manifest_text(self.launcher).encode()
        manifests = [folder / self._manifest_name for folder in native_hosts]
        files = [
            (self.launcher, launcher_text(interpreter).encode(), _EXECUTABLE),
            *((path, manifest, _READABLE) for path in manifests),
        ]
        record = self._load()
        try:
            for path, data, _ in files:
                record.folders += [name for name in _missing_folders(path.parent) if name not in record.folders]
                record.files[str(path)] = _digest(data)
            _make_folder(self._state)
            self._save(record)  # first: what is cut short after this can still be removed
            for path, data, mode in files:
                _make_folder(path.parent)
                write_atomically(path, data, mode)
        except OSError as error:
            raise _refused(error) from None
        return manifests

    def remove(self, native_hosts: Sequence[Path] | None = None) -> Removal:
        """Remove the manifests from these folders (None: from all), and the launcher with the last of them."""
        record = self._load()
        wanted = None if native_hosts is None else {str(folder / self._manifest_name) for folder in native_hosts}
        removed, kept = [], []
        try:
            manifests = [name for name in record.files if name != str(self.launcher)]
            chosen = [name for name in manifests if wanted is None or name in wanted]
            if len(chosen) == len(manifests):
                chosen.append(str(self.launcher))
            for name in chosen:
                digest = record.files.pop(name, None)
                path = Path(name)
                if digest is None or not path.is_file():
                    continue
                if _digest(path.read_bytes()) == digest:
                    path.unlink()
                    removed.append(path)
                else:
                    kept.append(path)
            self._save(record)
        except OSError as error:
            raise _refused(error) from None
        return Removal(tuple(removed), tuple(kept))

    def _load(self) -> _Record:
        path = self._state / RECORD_NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] == _FORMAT:
                return _Record(dict(content["files"]), list(content["folders"]))
        except FileNotFoundError:
            return _Record()
        except OSError as error:
            raise _refused(error) from None
        except (ValueError, KeyError, TypeError):
            pass
        raise CommandError(
            f"{path} is damaged or of another version", f"remove {path} and run `longwire install` again"
        )

    def _save(self, record: _Record) -> None:
        path = self._state / RECORD_NAME
        if record.files:
            content = {"format": _FORMAT, "files": record.files, "folders": record.folders}
            write_atomically(path, (json.dumps(content, indent=2) + "\n").encode(), _READABLE)
            return
        path.unlink(missing_ok=True)
        for folder in sorted(map(Path, record.folders), key=lambda folder: -len(folder.parts)):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def manifest_text(launcher: Path) -> str:
    """The native manifest: this launcher, and this extension's id alone (threat 19)."""
    template = read_manifest("native-host.json")
    template["path"] = str(launcher)
    template["allowed_origins"] = [
        origin.replace("{extension_id}", extension_id()) for origin in template["allowed_origins"]
    ]
    return json.dumps(template, indent=2) + "\n"


def write_atomically(path: Path, data: bytes, mode: int) -> None:
    """Put `data` at `path` so that a reader sees the old file or the new one; leave an identical file untouched."""
    if path.is_file() and not path.is_symlink() and path.read_bytes() == data:
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)
        return
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _missing_folders(folder: Path) -> list[str]:
    """The folders that would have to be made, outermost first."""
    missing: list[str] = []
    while not folder.exists():
        missing.insert(0, str(folder))
        folder = folder.parent
    return missing


def _make_folder(folder: Path) -> None:
    for missing in _missing_folders(folder):
        Path(missing).mkdir(mode=_FOLDER)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _refused(error: OSError) -> CommandError:
    return CommandError(
        f"{error.filename or 'a file'}: {error.strerror or 'the file system refused'}",
        "check that this user may write there, then run the command again",
    )
