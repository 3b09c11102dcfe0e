"""The examples for administrators say the same on every system, name what is really ours, and their policy works."""

import json
import plistlib
import re
from pathlib import Path
from typing import Any

from longwire.assets import extension_id, manifests_folder, read_manifest
from longwire.policy.files import read_policy
from longwire.policy.matching import PagePattern

FOLDER = manifests_folder() / "enterprise"


def linux() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / "linux-managed-policy.json").read_text())
    return content


def macos() -> dict[str, Any]:
    content: dict[str, Any] = plistlib.loads((FOLDER / "macos-com.google.Chrome.plist").read_bytes())
    settings = plistlib.loads((FOLDER / f"macos-com.google.Chrome.extensions.{extension_id()}.plist").read_bytes())
    return content | {"3rdparty": {"extensions": {extension_id(): settings}}}


def windows() -> dict[str, Any]:
    """The registry file's keys and values as the tree that the other systems write."""
    root: dict[str, Any] = {}
    here = root
    for line in (FOLDER / "windows-policy.reg").read_text().splitlines():
        if match := re.fullmatch(r"\[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Google\\Chrome(?:\\(.*))?\]", line):
            here = root
            for name in (match[1] or "").split("\\") if match[1] else []:
                here = here.setdefault(name, {})
        elif match := re.fullmatch(r'"(\w+)"=(?:dword:0000000([01])|(".*"))', line):
            value: Any = match[2] == "1" if match[2] else json.loads(match[3])
            here[match[1]] = json.loads(value) if match[1] == "ExtensionSettings" else value
    extension = root["3rdparty"]["extensions"][extension_id()]
    root["3rdparty"]["extensions"][extension_id()] = extension["policy"]
    return {name: _lists(value) for name, value in root.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value.keys() == {"1"}:
        return [value["1"]]
    return {name: _lists(inner) for name, inner in value.items()}


def test_all_systems_say_the_same() -> None:
    assert linux() == macos() == windows()


def test_they_install_ours_allow_ours_and_nothing_of_the_users() -> None:
    content = linux()
    assert content["ExtensionSettings"].keys() == {extension_id()}
    assert content["ExtensionSettings"][extension_id()]["installation_mode"] == "force_installed"
    assert content["NativeMessagingBlocklist"] == ["*"]
    assert content["NativeMessagingAllowlist"] == [read_manifest("native-host.json")["name"]]
    assert content["NativeMessagingUserLevelHosts"] is False


def test_what_they_set_for_the_extension_is_in_its_schema() -> None:
    schema = read_manifest("managed_storage.schema.json")["properties"]
    settings = linux()["3rdparty"]["extensions"][extension_id()]
    kinds = {"boolean": bool, "array": list}
    assert settings.keys() == schema.keys()
    for name, value in settings.items():
        assert isinstance(value, kinds[schema[name]["type"]])
    for page in settings["pages"]:
        PagePattern.parse(page)


def test_the_example_policy_can_be_used_as_it_is() -> None:
    document = read_policy(Path(FOLDER / "policy.toml"), "administrator")
    assert (document.problems, document.warnings) == ((), ())
    assert [grant.name for grant in document.grants] == ["chat", "tickets", "answers"]
    assert [provider.name for provider in document.providers] == ["openai"]
