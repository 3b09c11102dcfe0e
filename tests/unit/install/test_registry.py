import pytest

from longwire.install.registry import NoRegistry, RegistryKey, system_registry

KEY = RegistryKey("HKCU", "Software\\Chromium\\NativeMessagingHosts")


def test_a_key_is_text_and_back() -> None:
    assert str(KEY) == "HKCU\\Software\\Chromium\\NativeMessagingHosts"
    assert RegistryKey.parse(str(KEY)) == KEY
    assert KEY.child("x") == RegistryKey("HKCU", "Software\\Chromium\\NativeMessagingHosts\\x")
    assert KEY.parents() == [RegistryKey("HKCU", "Software"), RegistryKey("HKCU", "Software\\Chromium")]


def test_another_hive_is_no_key() -> None:
    with pytest.raises(ValueError, match="HKCR"):
        RegistryKey.parse("HKCR\\x")


@pytest.mark.skipif("sys.platform == 'win32'")
def test_elsewhere_nothing_is_in_the_registry_and_nothing_can_be_written() -> None:
    registry = system_registry()
    assert isinstance(registry, NoRegistry)
    assert not registry.exists(KEY)
    assert not registry.is_empty(KEY)
    assert registry.default(KEY) is None
    assert registry.values(KEY) == {}
    with pytest.raises(OSError, match="no registry"):
        registry.set_default(KEY, "x")
    with pytest.raises(OSError, match="no registry"):
        registry.delete(KEY)
