from pathlib import Path

import pytest

from longwire.cli.browsers import Surroundings, browser_table, choose, linux_places
from longwire.cli.errors import CommandError, MisuseError

CONFIG = Path("/home/someone/.config")


def surroundings(tmp_path: Path, *, programs: tuple[str, ...] = (), platform: str = "linux") -> Surroundings:
    return Surroundings(platform, tmp_path, lambda name: f"/usr/bin/{name}" if name in programs else None)


def test_the_table_names_the_chromium_family() -> None:
    assert list(browser_table().browsers) == ["chrome", "chromium", "edge", "brave", "vivaldi", "opera"]


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("chrome", "google-chrome"),
        ("chromium", "chromium"),
        ("edge", "microsoft-edge"),
        ("brave", "BraveSoftware/Brave-Browser"),
        ("vivaldi", "vivaldi"),
        ("opera", "opera"),
    ],
)
def test_each_browser_reads_its_own_folder(name: str, user: str) -> None:
    places = linux_places(browser_table().browsers[name], Surroundings("linux", CONFIG, lambda _: None))

    assert places.profile == f"/home/someone/.config/{user}"
    assert places.user == f"/home/someone/.config/{user}/NativeMessagingHosts"
    assert Path(places.system).is_absolute()
    assert "{" not in "".join((places.profile, places.user, places.system))
    assert places.programs


def test_browsers_are_found_by_profile_or_program(tmp_path: Path) -> None:
    (tmp_path / "vivaldi").mkdir()

    found = choose(browser_table(), [], surroundings(tmp_path, programs=("google-chrome",)))
    assert list(found) == ["chrome", "vivaldi"]


def test_a_named_browser_need_not_be_found(tmp_path: Path) -> None:
    assert list(choose(browser_table(), ["opera", "edge"], surroundings(tmp_path))) == ["opera", "edge"]


def test_no_browser_at_all_is_a_finding_that_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        choose(browser_table(), [], surroundings(tmp_path))
    assert "--user-data-dir" in caught.value.fix


def test_an_unknown_name_is_misuse_and_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="netscape") as caught:
        choose(browser_table(), ["netscape"], surroundings(tmp_path))
    assert "chromium" in caught.value.fix


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_platforms_without_a_row_are_refused_by_name(tmp_path: Path, platform: str) -> None:
    with pytest.raises(CommandError, match=platform):
        choose(browser_table(), ["chrome"], surroundings(tmp_path, platform=platform))


@pytest.mark.parametrize(("value", "expected"), [("", ".config"), ("relative/x", ".config"), ("/abs/x", "/abs/x")])
def test_the_configuration_folder_is_chromiums_idea_of_it(
    value: str, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert Surroundings.here({"XDG_CONFIG_HOME": value}).config == tmp_path / expected
