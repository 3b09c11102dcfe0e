"""How each family of browsers names the extension that starts a host, as `manifests/browsers.json` says it."""

from pathlib import Path

import pytest

from longwire import families as module
from longwire.assets import AssetError, extension_id
from longwire.families import chromium, families

OURS, MANIFEST = extension_id(), Path("/hosts/com.longwire.host.json")


def test_the_caller_is_found_where_the_family_puts_it() -> None:
    for family in families().values():
        line = family.command_line(OURS, MANIFEST)

        assert family.caller_in(["longwire-host", *line]) == family.name_of(OURS)
        assert family.caller_in(["longwire-host", *line[:-1]]) is None


def test_a_browser_of_each_family_says_what_was_seen() -> None:
    lines = {name: family.command_line(OURS, MANIFEST) for name, family in families().items()}

    assert lines == {"chromium": [f"chrome-extension://{OURS}/"], "firefox": [str(MANIFEST), OURS]}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (f"chrome-extension://{OURS}/", True),
        (f"chrome-extension://{'a' * 32}/", True),
        (f"chrome-extension://{'a' * 31}/", False),
        (f"chrome-extension://{'q' * 32}/", False),
        (f"chrome-extension://{OURS}/\n", False),
        (f"x chrome-extension://{OURS}/", False),
        ("chrome-extension://[a-p]{32}/", False),
    ],
)
def test_what_could_be_an_extension_is_told_from_what_a_person_typed(text: str, is_one: bool) -> None:
    assert chromium().is_name(text) is is_one


def test_where_ids_are_not_known_nothing_looks_like_one() -> None:
    assert not families()["firefox"].is_name(OURS)


def test_longwire_works_in_one_family_so_far() -> None:
    assert [name for name, family in families().items() if not family.not_yet] == ["chromium"]


@pytest.mark.parametrize(
    "table", [{}, {"families": []}, {"families": {"x": {}}}, {"families": {"x": {"arguments": [], "new": 1}}}]
)
def test_a_damaged_table_is_named(table: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "read_manifest", lambda _name: table)

    with pytest.raises(AssetError, match="damaged"):
        families()
