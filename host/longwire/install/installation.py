"""Writing and removing what makes a browser find the host: one launcher, and a manifest per browser.

What was written is recorded beside the launcher, with digests, so that removing takes away exactly that: a file that
somebody changed since is left alone and named, a folder or key goes only if it was made here and is empty. On Windows
one manifest lies beside the launcher, and registry keys name it.
"""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from longwire.assets import extension_id, read_manifest
from longwire.console.errors import CommandError
from longwire.console.output import complain
from longwire.families import Family, chromium, families
from longwire.install.browsers import Place
from longwire.install.launcher import Launcher, Program, launcher_text
from longwire.install.registry import Registry, RegistryKey, system_registry
from longwire.storage.files import make_folder, missing_folders, write_atomically
from longwire.storage.lock import exclusive, forget_lock

LAUNCHER_NAME: Final = "longwire-host"
RECORD_NAME: Final = "installation.json"
_FORMAT: Final = 1
_EXECUTABLE: Final = 0o755
_READABLE: Final = 0o644


@dataclass(frozen=True, slots=True)
class Removal:
    """What `remove` did. `kept` are files and keys that are no longer what was written."""

    removed: tuple[Place, ...]
    kept: tuple[Place, ...]


@dataclass(slots=True)
class Record:
    """What was written: files by path with the SHA-256 of their bytes, registry keys with their values, and the
    folders and keys made for them. `program` is what the manifests name where no script was written;
    `extensions` are the ids besides Longwire's own that it serves.
    """

    files: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    made_keys: list[str] = field(default_factory=list)
    program: str | None = None
    extensions: list[str] = field(default_factory=list)


class Installation:
    """One launcher in `state`, and manifests in any number of browsers' places.

    Every method raises CommandError when the file system or the registry refuses.
    """

    def __init__(
        self, state: Path, host_name: str, registry: Registry | None = None, *, for_everyone: bool = False
    ) -> None:
        """`for_everyone`: other users must be able to read it, whatever the umask of the one who installs."""
        self.state = state
        self._for_everyone = for_everyone
        self._host_name = host_name
        self._registry = registry or system_registry()

    @property
    def launcher(self) -> Path:
        """The script that the manifests name, if it is a script."""
        return self.state / LAUNCHER_NAME

    def manifest_of(self, place: Place) -> Path:
        """The manifest's path for a browser that looks there."""
        return (self.state if isinstance(place, RegistryKey) else place) / f"{self._host_name}.json"

    def key_of(self, place: RegistryKey) -> RegistryKey:
        """The key that names the manifest, below the one that a browser looks at."""
        return place.child(self._host_name)

    def recorded(self) -> Record:
        """What was written up to now.

        Raises:
            CommandError: the record is damaged.
        """
        return self._load()

    def write(
        self,
        places: Sequence[Place] | Mapping[Place, Family],
        launcher: Launcher,
        *,
        later: Sequence[Path] = (),
        extensions: Sequence[str] = (),
    ) -> list[Path]:
        """Write the launcher and a manifest for each place; give back the manifests' paths. Idempotent.

        A manifest is as the place's family of browsers wants it, where none is named as Chromium's. Manifests of
        earlier runs are brought up to date too, so that an installation that moved is repaired as a whole. `later` are
        folders that the host will make; they go with the last of the installation if empty.
        `extensions` are ids to serve besides Longwire's own, and besides those that were given before.
        """
        try:
            made: list[str] = []

            def make(folder: Path) -> None:
                made.extend(self._make_folder(folder))

            with exclusive(self.state, make, waiting=_say_that_it_waits):
                made += [name for folder in later for name in missing_folders(folder)]
                wanted = places if isinstance(places, Mapping) else dict.fromkeys(places, chromium())
                return self._write(wanted, launcher, made, extensions)
        except OSError as error:
            raise _refused(error) from None

    def remove(
        self,
        places: Collection[Place] | None = None,
        *,
        strays: Iterable[Place] = (),
        unfound: Callable[[], None] = lambda: None,
    ) -> Removal:
        """Remove the manifests from these places (None: from all), and the launcher with the last of them.

        `strays` are places to look through for manifests that name this launcher and were never recorded. `unfound` is
        called when no browser finds the host there any more, and the folders that were made for it are still there.
        """
        try:
            with exclusive(self.state, waiting=_say_that_it_waits):
                removal = self._remove(places, strays, unfound)
            forget_lock(self.state)
        except FileNotFoundError as error:
            if error.filename == str(self.state):
                unfound()
                return Removal((), ())
            raise _refused(error) from None
        except OSError as error:
            raise _refused(error) from None
        else:
            return removal

    def _write(
        self, places: Mapping[Place, Family], launcher: Launcher, made: list[str], extensions: Sequence[str]
    ) -> list[Path]:
        record = self._load(damaged_is_empty=True)
        record.extensions = list(dict.fromkeys((*record.extensions, *extensions)))
        if record.extensions and isinstance(launcher, Program):
            raise CommandError(
                f"{launcher.path.name} serves Longwire's own extension only: what it starts cannot be told another id",
                "install without --frozen, on Linux or macOS; or run `longwire uninstall` first to forget the id",
            )
        target = launcher.path if isinstance(launcher, Program) else self.launcher
        manifests = {self.manifest_of(place): family for place, family in places.items()}
        earlier = {path: _family_of(path) for path in self._ours(record, manifests)}
        files = [
            (path, manifest_text(target, family, record.extensions).encode(), _READABLE)
            for path, family in (manifests | earlier).items()
        ]
        if isinstance(launcher, str):
            files.insert(0, (self.launcher, launcher_text(launcher, record.extensions).encode(), _EXECUTABLE))
        record.program = str(target) if isinstance(launcher, Program) else None
        for path, data, _ in files:
            made += missing_folders(path.parent)
            record.files[str(path)] = _digest(data)
        record.folders += [name for name in dict.fromkeys(made) if name not in record.folders]
        keys = [self.key_of(place) for place in places if isinstance(place, RegistryKey)]
        for key in keys:
            above = [str(parent) for parent in key.parents() if not self._registry.exists(parent)]
            record.made_keys += [name for name in above if name not in record.made_keys]
            record.keys[str(key)] = str(self.manifest_of(key))
        self._save(record)  # first: what is cut short after this can still be removed
        for path, data, mode in files:
            self._make_folder(path.parent)
            write_atomically(path, data, mode)
        for key in keys:
            self._registry.set_default(key, record.keys[str(key)])
        if isinstance(launcher, Program) and str(self.launcher) in record.files:
            del record.files[str(self.launcher)]
            self.launcher.unlink(missing_ok=True)
            self._save(record)
        return list(manifests)

    def _make_folder(self, folder: Path) -> list[str]:
        return make_folder(folder, exact_mode=self._for_everyone)

    def _ours(self, record: Record, besides: Iterable[Path]) -> list[Path]:
        """Manifests of earlier runs that are still what was written then."""
        earlier = [Path(name) for name in record.files if name != str(self.launcher)]
        return [path for path in earlier if path not in besides and _is(path, record.files[str(path)])]

    def _remove(
        self, places: Collection[Place] | None, strays: Iterable[Place], unfound: Callable[[], None]
    ) -> Removal:
        record = self._load()
        removed: list[Place] = []
        kept: list[Place] = []
        wanted_keys = None if places is None else {str(self.key_of(p)) for p in places if isinstance(p, RegistryKey)}
        for name in [name for name in record.keys if wanted_keys is None or name in wanted_keys]:
            self._remove_key(RegistryKey.parse(name), record.keys.pop(name), removed, kept)
        wanted = None if places is None else {str(self.manifest_of(place)) for place in places}
        manifests = [name for name in record.files if name != str(self.launcher)]
        shared = str(self.state / f"{self._host_name}.json") if record.keys else None
        chosen = [name for name in manifests if (wanted is None or name in wanted) and name != shared]
        if len(chosen) == len(manifests):
            chosen.append(str(self.launcher))
        for name in chosen:
            digest, path = record.files.pop(name, None), Path(name)
            if digest is None or not path.is_file():
                continue
            if _is(path, digest):
                path.unlink()
                removed.append(path)
            else:
                kept.append(path)
        for path in map(self.manifest_of, strays):
            if path not in removed and self._names_this_launcher(path):
                path.unlink()
                removed.append(path)
        unfound()
        self._save(record)
        return Removal(tuple(removed), tuple(kept))

    def _remove_key(self, key: RegistryKey, value: str, removed: list[Place], kept: list[Place]) -> None:
        found = self._registry.default(key)
        if found == value:
            self._registry.delete(key)
            removed.append(key)
        elif found is not None:
            kept.append(key)

    def _names_this_launcher(self, manifest: Path) -> bool:
        try:
            content = json.loads(manifest.read_bytes())
        except (OSError, ValueError):
            return False
        return isinstance(content, dict) and content.get("path") == str(self.launcher)

    def _load(self, *, damaged_is_empty: bool = False) -> Record:
        path = self.state / RECORD_NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] == _FORMAT:
                return Record(
                    files=_texts(content["files"]),
                    folders=list(content["folders"]),
                    keys=_texts(content.get("keys", {})),
                    made_keys=list(content.get("made_keys", [])),
                    program=content.get("program"),
                    extensions=list(content.get("extensions", [])),
                )
        except FileNotFoundError:
            return Record()
        except (ValueError, KeyError, TypeError):
            pass
        if damaged_is_empty:
            return Record()
        raise CommandError(
            f"{path} is damaged or of another version", "run `longwire install` again, which writes it anew"
        )

    def _save(self, record: Record) -> None:
        path = self.state / RECORD_NAME
        if record.files or record.keys:
            content: dict[str, Any] = {"format": _FORMAT, "files": record.files, "folders": record.folders}
            if record.keys:
                content |= {"keys": record.keys, "made_keys": record.made_keys}
            if record.program:
                content["program"] = record.program
            if record.extensions:
                content["extensions"] = record.extensions
            write_atomically(path, (json.dumps(content, indent=2) + "\n").encode(), _READABLE)
            return
        path.unlink(missing_ok=True)
        for key in sorted(map(RegistryKey.parse, record.made_keys), key=lambda key: -len(key.path)):
            if self._registry.is_empty(key):
                self._registry.delete(key)
        for folder in sorted(map(Path, record.folders), key=lambda folder: -len(folder.parts)):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def manifest_text(launcher: Path, family: Family, extensions: Sequence[str] = ()) -> str:
    """The native manifest: this launcher, this extension's id, and those that an administrator named (threat 19)."""
    template = read_manifest("native-host.json")
    template["path"] = str(launcher)
    template[family.allowed] = [family.name_of(each) for each in (extension_id(), *extensions)]
    return json.dumps(template, indent=2) + "\n"


def _family_of(manifest: Path) -> Family:
    """For whom a manifest was written that nobody changed since: another family finds no list of its own in it."""
    content = json.loads(manifest.read_bytes())
    return next(family for family in families().values() if family.allowed in content)


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and _digest(path.read_bytes()) == digest


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _say_that_it_waits() -> None:
    complain("waiting for another `longwire install` or `uninstall` …")


def _refused(error: OSError) -> CommandError:
    rights = os.name == "posix" and isinstance(error, PermissionError)
    return CommandError(
        f"{error.filename or 'a file'}: {error.strerror or 'the system refused'}",
        "check that this user may write there (an installation for all users needs root), then run the command again"
        if rights
        else "check that this user may write there, then run the command again",
    )
