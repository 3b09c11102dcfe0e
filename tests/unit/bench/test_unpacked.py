"""Extensions of a run: loadable, with an id that follows from their key."""

import base64
import hashlib
import json
from pathlib import Path

from tests.bench import ceiling, extension_only
from tests.bench.unpacked import new_identity


def test_an_id_follows_from_its_key_as_the_browser_has_it() -> None:
    identity = new_identity()
    digest = hashlib.sha256(base64.b64decode(identity.key)).hexdigest()[:32]
    assert [ord(letter) - ord("a") for letter in identity.extension_id] == [int(digit, 16) for digit in digest]
    assert new_identity() != identity


def test_the_bridge_without_a_host_has_its_parts_and_no_word_left_to_fill_in(tmp_path: Path) -> None:
    folder, frame = extension_only.prepare(tmp_path / "it")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert frame.startswith("chrome-extension://") and frame.endswith("/frame.html")
    for name in (manifest["background"]["service_worker"], *manifest["content_scripts"][0]["js"], "frame.html"):
        assert (folder / name).is_file()
    assert not [file.name for file in folder.iterdir() if "@KEY@" in file.read_text()]
    assert not list(folder.glob("*.py"))


def test_the_bare_hosts_manifest_lets_its_own_extension_in_and_no_other(tmp_path: Path) -> None:
    folder = ceiling.prepare(tmp_path / "it", tmp_path / "profile", "http://localhost:1")
    (file,) = (tmp_path / "profile" / "NativeMessagingHosts").iterdir()
    manifest = json.loads(file.read_text())
    key = json.loads((folder / "manifest.json").read_text())["key"]
    digest = hashlib.sha256(base64.b64decode(key)).hexdigest()[:32]
    name = "".join(chr(ord("a") + int(digit, 16)) for digit in digest)
    assert manifest["allowed_origins"] == [f"chrome-extension://{name}/"]
    assert Path(manifest["path"]).stat().st_mode & 0o100
    assert "http://localhost:1" in (folder / "worker.js").read_text()
