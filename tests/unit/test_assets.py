import base64
import hashlib
import json
from pathlib import Path

import pytest

from longwire import assets
from longwire.assets import (
    AssetError,
    client_library,
    client_package,
    extension_folder,
    extension_id,
    manifests_folder,
    read_manifest,
    rpc_library,
)


def keys() -> dict[str, str]:
    contents = {path.name: json.loads(path.read_bytes()) for path in manifests_folder().glob("extension.*.json")}
    return {name: content["key"] for name, content in contents.items() if "key" in content}


def test_the_id_is_the_one_that_the_key_gives() -> None:
    """SHA-256 of the public key's DER, first 16 bytes, hex digits mapped to a to p."""
    assert keys()
    for key in keys().values():
        digest = hashlib.sha256(base64.b64decode(key, validate=True)).hexdigest()[:32]
        assert extension_id() == "".join(chr(ord("a") + int(digit, 16)) for digit in digest)


def test_a_checkout_reads_its_own_files() -> None:
    assert (manifests_folder() / "native-host.json").is_file()
    assert read_manifest("native-host.json")["name"] == read_manifest("browsers.json")["host_name"]


def test_a_wheel_reads_the_files_inside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("manifests/browsers.json", "extension/manifest.json", "client/longwire.tgz"):
        (tmp_path / "_assets" / name).parent.mkdir(parents=True)
        (tmp_path / "_assets" / name).write_text("{}")
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path)

    assert manifests_folder() == tmp_path / "_assets" / "manifests"
    assert extension_folder() == tmp_path / "_assets" / "extension"
    assert client_library() == tmp_path / "_assets" / "client" / "longwire.min.js"
    assert rpc_library() == tmp_path / "_assets" / "client" / "rpc.min.js"
    assert client_package() == tmp_path / "_assets" / "client" / "longwire.tgz"


def test_what_is_not_built_is_named_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path)
    monkeypatch.setattr(assets, "_CHECKOUT", tmp_path)

    for find in (extension_folder, client_library, rpc_library, client_package):
        with pytest.raises(AssetError, match="not built") as caught:
            find()
        assert "make build" in caught.value.fix
    with pytest.raises(AssetError, match="manifests of Longwire are missing"):
        manifests_folder()


@pytest.mark.parametrize("text", ["", "[]", "{", None])
def test_a_damaged_manifest_is_named(text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "_assets" / "manifests"
    folder.mkdir(parents=True)
    (folder / "browsers.json").write_text("{}")
    if text is not None:
        (folder / "x.json").write_text(text)
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path)

    with pytest.raises(AssetError, match="damaged"):
        read_manifest("x.json")
