"""Row 23: the search at the end of the run finds what it looks for, in each of the places where it looks.

That there is nothing to find is what the run itself shows: `hits: 0` in its last lines, and a failed run otherwise.
"""

import base64
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from longwire.policy.secrets import Secret, SecretSource
from tests.secret_search import Search

SECRET = "lw/canary+search=9d2c"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that the search of the run itself does not look at."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def search(tmp_path: Path) -> Search:
    search = Search()
    search.learn(Secret("one", SECRET))
    (tmp_path / "log.jsonl").write_text("nothing")
    return search


@pytest.mark.parametrize(
    "text", [SECRET, f"xx{SECRET}", base64.b64encode(f"a:{SECRET}".encode()).decode(), quote(SECRET, safe="")]
)
def test_a_secret_in_a_file_is_a_hit_in_every_form(search: Search, tmp_path: Path, text: str) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log.jsonl").write_text(f"line\n{text} more\n")
    search.run(tmp_path)
    assert search.hits == ["file deep/log.jsonl"]
    assert "hits: 1" in search.report()


def test_a_secret_on_the_terminal_or_in_a_frame_is_a_hit_and_is_not_repeated(search: Search, tmp_path: Path) -> None:
    search.terminal.append(f"E   AssertionError: {SECRET}")
    search.frames.write(b"\x10\0\0\0" + SECRET.encode())
    search.run(tmp_path)
    assert len(search.hits) == 2
    assert SECRET not in str(search.hits)


def test_where_a_secret_is_kept_is_no_hit(search: Search, tmp_path: Path) -> None:
    for name, text in (("read", f"{SECRET} and more"), ("set", f"{SECRET}\n")):
        (tmp_path / name).write_text(text)
    search.learn_place(SecretSource("one", "file", str(tmp_path / "read")))
    search.run(tmp_path)
    assert search.hits == []


def test_a_policys_secrets_are_learnt_from_the_policy(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET)
    (tmp_path / "policy.toml").write_text(f"[secret.a]\nfile = '{tmp_path / 'key'}'\n")
    (tmp_path / "broken.toml").write_text("[secret")
    (tmp_path / "log").write_text(f"Bearer {SECRET}")
    search = Search()
    search.run(tmp_path)
    assert search.hits == ["file log"]


def test_without_grep_it_is_slower_and_finds_the_same(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    (tmp_path / "log").write_text(f"Bearer {SECRET}")
    search.run(tmp_path)
    assert search.hits == ["file log"]
