"""Row 23: the search at the end of the run finds what it looks for, in each of the places where it looks.

That there is nothing to find is what the run itself shows: `hits: 0` in its last lines, and a failed run otherwise.
"""

import base64
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from longwire.policy.secrets import Secret, SecretSource
from tests.secret_search import Search

SECRET = "lw/canary+search=9d2c"
ROOT = Path(__file__).resolve().parents[2]
# The beginning of a test file that reads a secret as the host does.
RUN = f"""\
import logging, subprocess
from base64 import b64encode
from json import dumps as _dumps
import pytest
from longwire.policy.secret_reader import SecretReader
from longwire.policy.secrets import SecretSource
from longwire.protocol.frames import FrameDecoder, frame

def dumps(message):
    return _dumps(message).encode()

@pytest.fixture
def secret():
    reader = SecretReader(environ=lambda: {{b"KEY": b"{SECRET}"}})
    return reader.read(SecretSource("key", "env", "KEY")).reveal()

"""


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


LEAKS = {
    "a file": "(tmp_path / 'log').write_text(f'Bearer {secret}')",
    "base64 in a folder below": "(tmp_path / 'log').write_bytes(b64encode(b'user:' + secret.encode()))",
    "standard output": "print(secret)",
    "a failure": "assert secret == ''",
    "the output of a command": "subprocess.run(['echo', secret], capture_output=True)",
    "a frame": "list(FrameDecoder().feed(frame(dumps({'type': 'X', 'text': secret}))))",
    "a log record": "logging.getLogger('x').warning(secret)",
}


def test_a_run_in_which_something_leaks_fails_and_says_where(tmp_path: Path) -> None:
    leaking = [f"def test_{number}(tmp_path, secret):\n    {leak}\n" for number, leak in enumerate(LEAKS.values())]
    (tmp_path / "test_leaks.py").write_text(RUN + "\n\n".join(leaking))
    (tmp_path / "test_tight.py").write_text(RUN + "\n\ndef test_tight(secret):\n    print(len(secret))\n")
    for file, leaks in (("test_leaks.py", len(LEAKS)), ("test_tight.py", 0)):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.secret_search", "-p", "no:cacheprovider"]
        place = [
            "-c",
            "/dev/null",
            "--rootdir",
            str(tmp_path),
            "--basetemp",
            str(tmp_path / "run"),
            str(tmp_path / file),
        ]
        # Not `subprocess.run`, which the search of this run listens to: what leaks there is meant to.
        with subprocess.Popen(
            [*command, *place, tmp_path / file], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            printed, _ = process.communicate()
        found = [line for line in printed.splitlines() if line.startswith("a secret was written")]
        assert process.returncode == (1 if leaks else 0), printed
        # The failure's text is there once more as what the test printed, or not, by pytest's own choice.
        assert len(found) >= leaks, printed
        assert f"hits: {len(found)}" in printed


def test_without_grep_it_is_slower_and_finds_the_same(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    (tmp_path / "log").write_text(f"Bearer {SECRET}")
    search.run(tmp_path)
    assert search.hits == ["file log"]
