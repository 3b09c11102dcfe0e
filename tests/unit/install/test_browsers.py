from pathlib import Path

import pytest

from longwire.console.errors import CommandError, MisuseError
from longwire.families import families
from longwire.install.browsers import BrowserTable, browser_table, choose, find_sandboxed, is_snap, places_of, present
from longwire.install.registry import RegistryKey
from longwire.install.surroundings import Surroundings
from tests.unit.install.registry import FakeRegistry

HOME = "/home/someone"
WINDOWS_HOME = "C:\\Users\\someone"


def linux(*folders: str, programs: tuple[str, ...] = (), where: str = "/usr/bin/") -> Surroundings:
    return Surroundings(
        platform="linux",
        home=HOME,
        config=f"{HOME}/.config",
        state=Path(f"{HOME}/.local/share/longwire"),
        which=lambda name: f"{where}{name}" if name in programs else None,
        is_dir=lambda path: path in folders,
    )


def macos(*folders: str) -> Surroundings:
    return Surroundings(
        "darwin", "/Users/someone", "/none", Path("/none"), user="someone", is_dir=lambda path: path in folders
    )


def windows(*folders: str, registry: FakeRegistry | None = None) -> Surroundings:
    return Surroundings(
        platform="win32",
        home=WINDOWS_HOME,
        config="",
        state=Path(f"{WINDOWS_HOME}\\AppData\\Local\\longwire"),
        local=f"{WINDOWS_HOME}\\AppData\\Local",
        roaming=f"{WINDOWS_HOME}\\AppData\\Roaming",
        is_dir=lambda path: path in folders,
        registry=registry or FakeRegistry(),
    )


def test_the_table_names_seven_browsers() -> None:
    assert list(browser_table().browsers) == ["chrome", "chromium", "edge", "brave", "vivaldi", "opera", "firefox"]


def test_a_browser_is_of_a_family_that_the_table_has() -> None:
    table = browser_table()
    assert {browser.family for browser in table.browsers.values()} == set(table.families) == set(families())
    assert table.families == families()
    with pytest.raises(ValueError, match="no such family of browsers: firefox"):
        BrowserTable.model_validate(table.model_dump() | {"families": {"chromium": table.families["chromium"]}})


def test_what_a_family_lacks_its_browsers_lack() -> None:
    lacking = {name for name in LINUX if places_of(name, browser_table(), linux()).not_yet}
    assert lacking == {"firefox"}


LINUX = {
    "chrome": (".config/google-chrome/NativeMessagingHosts", "/etc/opt/chrome/native-messaging-hosts"),
    "chromium": (".config/chromium/NativeMessagingHosts", "/etc/chromium/native-messaging-hosts"),
    "edge": (".config/microsoft-edge/NativeMessagingHosts", "/etc/opt/edge/native-messaging-hosts"),
    "brave": (".config/BraveSoftware/Brave-Browser/NativeMessagingHosts", "/etc/chromium/native-messaging-hosts"),
    "vivaldi": (".config/vivaldi/NativeMessagingHosts", "/etc/chromium/native-messaging-hosts"),
    "opera": (".config/opera/NativeMessagingHosts", "/etc/chromium/native-messaging-hosts"),
    "firefox": (".mozilla/native-messaging-hosts", "/usr/lib/mozilla/native-messaging-hosts"),
}
MACOS = {
    "chrome": ("Google/Chrome", "/Library/Google/Chrome"),
    "chromium": ("Chromium", "/Library/Application Support/Chromium"),
    "edge": ("Microsoft Edge", "/Library/Microsoft/Edge"),
    "brave": ("BraveSoftware/Brave-Browser", "/Library/Application Support/Chromium"),
    "vivaldi": ("Vivaldi", "/Library/Application Support/Chromium"),
    "opera": ("com.operasoftware.Opera", "/Library/Application Support/Chromium"),
    "firefox": ("Mozilla", "/Library/Application Support/Mozilla"),
}
WINDOWS = {
    "chrome": ("Google\\Chrome", "Local\\Google\\Chrome\\User Data"),
    "chromium": ("Chromium", "Local\\Chromium\\User Data"),
    "edge": ("Microsoft\\Edge", "Local\\Microsoft\\Edge\\User Data"),
    "brave": ("Google\\Chrome", "Local\\BraveSoftware\\Brave-Browser\\User Data"),
    "vivaldi": ("Google\\Chrome", "Local\\Vivaldi\\User Data"),
    "opera": ("Google\\Chrome", "Roaming\\Opera Software\\Opera Stable"),
    "firefox": ("Mozilla", "Roaming\\Mozilla\\Firefox"),
}


@pytest.mark.parametrize("name", LINUX)
def test_linux_places(name: str) -> None:
    here = places_of(name, browser_table(), linux())
    user, system = LINUX[name]

    assert (here.user, here.system) == (Path(HOME) / user, Path(system))


@pytest.mark.parametrize("name", MACOS)
def test_macos_places(name: str) -> None:
    here = places_of(name, browser_table(), macos())
    user, system = MACOS[name]

    assert here.user == Path("/Users/someone/Library/Application Support") / user / "NativeMessagingHosts"
    assert here.system == Path(system) / "NativeMessagingHosts"
    assert all("{" not in str(place) for place in here.policies)


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_keys(name: str) -> None:
    here = places_of(name, browser_table(), windows())
    key, profile = WINDOWS[name]

    assert here.user == RegistryKey("HKCU", f"Software\\{key}\\NativeMessagingHosts")
    assert here.system == RegistryKey("HKLM", f"Software\\{key}\\NativeMessagingHosts")
    assert str(here.profile) == f"{WINDOWS_HOME}\\AppData\\{profile}"


def test_the_launcher_of_all_users_has_a_place_of_the_system() -> None:
    table = browser_table()

    assert table.system_state_folder(linux()) == Path("/usr/local/lib/longwire")
    assert table.system_state_folder(macos()) == Path("/Library/Application Support/Longwire")
    assert str(table.system_state_folder(windows())) == "C:\\Program Files\\Longwire"


def names(here: Surroundings) -> list[str]:
    return [browser.name for browser in present(browser_table(), here)]


def test_linux_browsers_are_found_by_profile_or_program() -> None:
    assert names(linux(f"{HOME}/.config/vivaldi", programs=("google-chrome",))) == ["chrome", "vivaldi"]


def test_macos_browsers_are_found_by_profile_or_bundle() -> None:
    bundle = "/Applications/Brave Browser.app"
    profile = "/Users/someone/Library/Application Support/Chromium"

    assert names(macos(bundle, profile)) == ["chromium", "brave"]


def test_windows_browsers_are_found_by_profile_or_app_path() -> None:
    registry = FakeRegistry()
    registry.put(RegistryKey("HKLM", "Software\\Microsoft\\Windows\\CurrentVersion\\App Paths\\msedge.exe"))
    profile = f"{WINDOWS_HOME}\\AppData\\Local\\Google\\Chrome\\User Data"

    assert names(windows(profile, registry=registry)) == ["chrome", "edge"]


def test_a_named_browser_need_not_be_found() -> None:
    chosen = choose(browser_table(), ["opera", "edge", "opera"], linux())
    assert [browser.name for browser in chosen] == ["opera", "edge"]


def test_firefox_is_left_out_and_refused_by_name_as_long_as_there_is_no_extension() -> None:
    here = linux(programs=("firefox", "chromium"))

    assert [browser.name for browser in choose(browser_table(), [], here)] == ["chromium"]
    with pytest.raises(CommandError, match="no extension for Firefox yet"):
        choose(browser_table(), ["firefox"], here)


def test_no_browser_at_all_is_a_finding_that_says_what_to_name() -> None:
    with pytest.raises(CommandError) as caught:
        choose(browser_table(), [], linux())
    assert "--user-data-dir" in caught.value.fix
    assert "firefox" not in caught.value.fix


def test_an_unknown_name_is_misuse_and_lists_the_known() -> None:
    with pytest.raises(MisuseError, match="netscape") as caught:
        choose(browser_table(), ["netscape"], linux())
    assert "chromium" in caught.value.fix


def test_an_unknown_platform_is_refused_by_name() -> None:
    here = Surroundings("plan9", HOME, "", Path("/"))
    with pytest.raises(CommandError, match="plan9"):
        choose(browser_table(), ["chrome"], here)


# --- sandboxes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "name", "kind"),
    [
        (linux(programs=("chromium",), where="/snap/bin/"), "chromium", "snap"),
        (linux(f"{HOME}/snap/brave"), "brave", "snap"),
        (linux("/snap/opera"), "opera", "snap"),
        (linux(f"{HOME}/.var/app/com.google.Chrome"), "chrome", "flatpak"),
        (linux("/var/lib/flatpak/app/com.microsoft.Edge"), "edge", "flatpak"),
        (linux(f"{HOME}/.local/share/flatpak/app/com.vivaldi.Vivaldi"), "vivaldi", "flatpak"),
    ],
)
def test_a_browser_in_a_sandbox_is_told_the_truth(here: Surroundings, name: str, kind: str) -> None:
    (found,) = find_sandboxed(browser_table(), here)

    assert (found.name, found.kind) == (name, kind)
    assert names(here) == []
    with pytest.raises(CommandError, match="cannot start a program outside its sandbox") as caught:
        choose(browser_table(), [], here)
    assert "package" in caught.value.fix


def test_a_browser_outside_is_served_beside_one_in_a_sandbox() -> None:
    here = linux("/var/lib/flatpak/app/com.google.Chrome", programs=("chromium",))
    assert [browser.name for browser in choose(browser_table(), [], here)] == ["chromium"]


def test_a_script_that_starts_a_snap_is_one(tmp_path: Path) -> None:
    wrapper, plain = tmp_path / "chromium-browser", tmp_path / "chromium"
    wrapper.write_text('#!/bin/sh\nexec /snap/bin/chromium "$@"\n')
    plain.write_text('#!/bin/sh\nexec /usr/lib/chromium/chromium "$@"\n')
    link = tmp_path / "link"
    link.symlink_to("/usr/bin/snap")

    assert is_snap(str(wrapper))
    assert is_snap(str(link))
    assert not is_snap(str(plain))
    assert not is_snap(str(tmp_path / "gone"))


# --- surroundings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "expected"), [("", ".config"), ("relative/x", ".config"), ("/abs/x", "/abs/x")])
def test_the_configuration_folder_is_chromiums_idea_of_it(
    value: str, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert Surroundings.here({"XDG_CONFIG_HOME": value}).config == str(tmp_path / expected)
