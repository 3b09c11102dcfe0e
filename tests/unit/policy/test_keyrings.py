"""The keyring, by the interface that the package `keyring` documents for its backends; the package itself is faked."""

import os
import sys
from types import ModuleType

import pytest

from longwire.policy.keyrings import KeyringUnavailable, delete_entry, load_keyring, read_entry, write_entry
from longwire.policy.secret_reader import SecretReader
from longwire.policy.secrets import SecretSource
from longwire.protocol.errors import ErrorCode, StreamError
from tests.unit.policy.keyring_fake import MemoryKeyring, install_keyring

VALUE = "sk-keyring-0123456789"


class Locked(MemoryKeyring):
    """A keyring whose errors quote what they should not."""

    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError(f"locked; {VALUE}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"locked; {password}")


def test_an_entry_is_stored_read_and_deleted() -> None:
    keyring = MemoryKeyring()
    write_entry(keyring, "openai", VALUE)

    assert keyring.entries == {("longwire", "openai"): VALUE}
    assert read_entry(keyring, "openai") == VALUE.encode()
    assert delete_entry(keyring, "openai")
    assert not delete_entry(keyring, "openai")
    with pytest.raises(KeyringUnavailable, match="does not exist"):
        read_entry(keyring, "openai")


def test_what_a_backend_says_is_never_passed_on() -> None:
    for act in (
        lambda: read_entry(Locked(), "a"),
        lambda: write_entry(Locked(), "a", VALUE),
        lambda: delete_entry(Locked(), "a"),
    ):
        with pytest.raises(KeyringUnavailable) as caught:
            act()
        assert VALUE not in str(caught.value)
        assert caught.value.__suppress_context__


def test_a_reader_asks_the_keyring_and_names_the_entry() -> None:
    keyring = MemoryKeyring()
    reader, source = SecretReader(keyring=lambda: keyring), SecretSource("openai", "keyring", "my entry")
    with pytest.raises(StreamError) as caught:
        reader.read(source)
    assert caught.value.reason.startswith('secret "openai" (keyring entry my entry) does not exist')
    assert caught.value.code is ErrorCode.SECRET_UNAVAILABLE

    write_entry(keyring, "my entry", VALUE)
    assert reader.read(source).reveal() == VALUE
    assert source.may_block


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(KeyringUnavailable, match=r"pip install 'longwire\[keyring\]'"):
        load_keyring()


def test_the_package_is_asked_for_its_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = MemoryKeyring()
    install_keyring(monkeypatch, keyring)

    assert load_keyring() is keyring


def test_a_machine_without_a_keyring_is_told_to_use_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    fail = install_keyring(monkeypatch, None)

    assert isinstance(fail, ModuleType)
    with pytest.raises(KeyringUnavailable, match="no keyring; use a file"):
        load_keyring()


def test_the_environment_does_not_choose_the_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    install_keyring(monkeypatch, MemoryKeyring())
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "planted.module.Keyring")
    monkeypatch.setenv("KEYRING_PROPERTY_FILE_PATH", "/tmp/planted")
    load_keyring()

    assert not [name for name in os.environ if "KEYRING" in name]


def test_a_frozen_longwire_without_it_does_not_ask_for_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeyringUnavailable, match="pip install"):
        load_keyring()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(KeyringUnavailable, match="frozen Longwire has no keyring in it; use a file"):
        load_keyring()
