"""The extension, as the browser's profiles know it: loaded at all, switched on, of this version."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from longwire import __version__
from longwire.assets import AssetError, extension_folder
from longwire.doctor.finding import Finding, fail, ok, warn
from longwire.doctor.patient import Patient

_LOAD: Final = "open {page}, switch on Developer mode, and load unpacked the folder that `longwire extension` prints"


def check_extension(patient: Patient) -> Iterator[Finding]:
    """What is built here, and what each browser has."""
    try:
        folder = extension_folder()
    except AssetError as error:
        yield fail("extension", error.message, error.fix)
        return
    built = _version_in(folder)
    if built != __version__:
        yield fail(
            "extension",
            f"{folder} is version {built}, this is Longwire {__version__}",
            "run `make build`, or reinstall",
        )
    places = [(browser.title, browser.profile, browser.extensions_page) for browser in patient.browsers]
    if patient.profile is not None:
        places = [("this profile", patient.profile, "chrome://extensions")]
    places = [place for place in places if place[1].is_dir()]
    if not places:
        load = _LOAD.format(page="the browser's extensions page")
        yield warn("extension", "is loaded nowhere: no browser has a profile yet", load, doubt=True)
    ids = patient.extension_ids()
    # Where one browser has it, the others may be meant to do without.
    doubt = not any(True for _, profile, _ in places for _ in _loaded(profile, ids))
    for title, profile, page in places:
        yield from _check_browser(title, profile, page, ids, doubt=doubt)


def browser_version(profile: Path) -> str | None:
    """The browser's version, as it left it in its profile."""
    try:
        return (profile / "Last Version").read_text(encoding="utf-8").strip()[:40] or None
    except (OSError, ValueError):
        return None


def _check_browser(title: str, profile: Path, page: str, ids: Sequence[str], *, doubt: bool) -> Iterator[Finding]:
    load = _LOAD.format(page=page)
    loaded = list(_loaded(profile, ids))
    if not loaded:
        what = "is loaded in none of its profiles, as far as the files tell"
        yield warn("extension", what, load, title, doubt=doubt)
    for name, entry in loaded:
        folder = Path(str(entry.get("path", "")))
        version = _version_in(folder) if folder.is_absolute() else _version_of(entry)
        if entry.get("disable_reasons"):
            yield fail("extension", f"is switched off in {name}", f"switch it on at {page}", title)
        elif folder.is_absolute() and not folder.is_dir():
            yield fail("extension", f"was loaded in {name} from {folder}, which is gone", load, title)
        elif version != __version__:
            fix = f"{load}, or press its reload button if that folder is loaded already"
            yield warn("extension", f"is version {version} in {name}, this is Longwire {__version__}", fix, title)
        else:
            yield ok("extension", f"version {version} is loaded in {name}", title)


def _loaded(profile: Path, ids: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for folder in sorted(path for path in profile.glob("*") if path.is_dir()):
        for name in ("Preferences", "Secure Preferences"):
            entry = next((found for each in ids if (found := _entry(folder / name, each)) is not None), None)
            if entry is not None:
                yield f'profile "{folder.name}"', entry
                break


def _entry(preferences: Path, extension: str) -> dict[str, Any] | None:
    try:
        content = json.loads(preferences.read_bytes())
        entry = content["extensions"]["settings"][extension]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return entry if isinstance(entry, dict) and "path" in entry else None


def _version_in(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / "manifest.json").read_bytes())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _version_of(entry: dict[str, Any]) -> str | None:
    registration = entry.get("service_worker_registration_info")
    return str(registration.get("version")) if isinstance(registration, dict) else None
