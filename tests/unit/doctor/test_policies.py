import json
import plistlib
from pathlib import Path

import pytest

from longwire.assets import extension_id
from longwire.doctor.checks.policies import read_policies
from longwire.install.registry import NoRegistry, RegistryKey
from tests.unit.install.registry import FakeRegistry

HOST = "com.longwire.host"
HKLM = RegistryKey("HKLM", "Software\\Policies\\Google\\Chrome")
HKCU = RegistryKey("HKCU", "Software\\Policies\\Google\\Chrome")


def test_macos_reads_managed_preferences_the_users_first(tmp_path: Path) -> None:
    user, machine = tmp_path / "user.plist", tmp_path / "machine.plist"
    machine.write_bytes(plistlib.dumps({"NativeMessagingBlocklist": ["*"], "NativeMessagingUserLevelHosts": False}))
    assert read_policies((user, machine), NoRegistry()).forbidden_by(HOST) == str(machine)

    user.write_bytes(plistlib.dumps({"NativeMessagingBlocklist": []}))
    policy = read_policies((user, machine), NoRegistry())
    assert policy.forbidden_by(HOST) is None
    assert policy.user_level_forbidden_by() == str(machine)


@pytest.mark.parametrize("data", [b"", b"<plist>", b"bplist00garbage", plistlib.dumps([])])
def test_preferences_that_are_broken_are_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.plist"
    path.write_bytes(data)

    assert read_policies((path,), NoRegistry()).unreadable == (str(path),)


def test_windows_reads_the_registry_the_machines_first() -> None:
    registry = FakeRegistry()
    registry.put(HKLM, NativeMessagingUserLevelHosts=0)
    registry.put(HKLM.child("NativeMessagingBlocklist"), **{"1": "com.example.other", "2": "*"})
    registry.put(HKCU, NativeMessagingUserLevelHosts=1)
    policy = read_policies((HKLM, HKCU), registry)

    assert policy.forbidden_by(HOST) == str(HKLM)
    assert policy.user_level_forbidden_by() == str(HKLM)
    registry.put(HKLM.child("NativeMessagingAllowlist"), **{"1": HOST})
    assert read_policies((HKLM, HKCU), registry).forbidden_by(HOST) is None


def test_without_any_policy_all_is_allowed(tmp_path: Path) -> None:
    policy = read_policies((tmp_path / "gone", HKLM), FakeRegistry())

    assert (policy.values, policy.forbidden_by(HOST), policy.user_level_forbidden_by()) == ({}, None, None)


def test_the_switches_of_the_extension_are_read_where_a_file_has_them(tmp_path: Path) -> None:
    switched = {"3rdparty": {"extensions": {extension_id(): {"enabled": False}}}}
    (tmp_path / "a.json").write_text(json.dumps({"NativeMessagingAllowlist": [HOST]}))
    (tmp_path / "b.json").write_text(json.dumps(switched))
    policy = read_policies((tmp_path,), NoRegistry())

    assert policy.switches(extension_id()) == ({"enabled": False}, str(tmp_path / "b.json"))
    assert policy.switches("another")[0] == {}


@pytest.mark.parametrize("content", ["on", [], {"extensions": 1}, {"extensions": {extension_id(): "off"}}])
def test_switches_that_are_none_switch_nothing(tmp_path: Path, content: object) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"3rdparty": content}))

    assert read_policies((tmp_path,), NoRegistry()).switches(extension_id())[0] == {}
