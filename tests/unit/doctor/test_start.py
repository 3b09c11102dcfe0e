"""Started as a browser starts it, whatever it then does."""

import json
import os
import sys
from functools import partial
from pathlib import Path

import pytest

from longwire.assets import extension_id
from longwire.doctor.checks import start
from longwire.doctor.checks.start import Kind, bare_environment
from longwire.families import chromium

ask = partial(start.ask, arguments=chromium().command_line(extension_id(), Path("manifest.json")))

REAL_HOST = "from longwire.native.main import main\nmain()"


def script(folder: Path, text: str, mode: int = 0o755) -> Path:
    path = folder / "host"
    path.write_text(f"#!{sys.executable} -I\n{text}\n")
    path.chmod(mode)
    return path


def test_a_real_host_answers_and_ends(tmp_path: Path) -> None:
    answer = ask(script(tmp_path, REAL_HOST), {"HOME": str(tmp_path)})

    assert answer.kind is Kind.ANSWERED
    assert answer.message["type"] == "WELCOME"
    assert (answer.exit_code, answer.lingered) == (0, False)
    assert 0 < answer.seconds < 10


def test_it_gets_what_a_browser_would_give_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    said = tmp_path / "said"
    text = (
        "import json, os, sys\n"
        "facts = dict(argv=sys.argv[1:], cwd=os.getcwd(), names=sorted(os.environ), path=os.environ['PATH'],\n"
        "             terminal=any(os.isatty(d) for d in (0, 1, 2)), leader=os.getsid(0) == os.getpid())\n"
        f"open({str(said)!r}, 'w').write(json.dumps(facts))"
    )
    ask(script(tmp_path, text), {**os.environ, "HOME": str(tmp_path), "OPENAI_API_KEY": "x"})
    facts = json.loads(said.read_text())

    assert facts["argv"] == [f"chrome-extension://{extension_id()}/"]
    assert facts["cwd"] == str(tmp_path)
    assert facts["path"] == os.defpath
    assert "HOME" in facts["names"]
    assert not {"PYTHONPATH", "OPENAI_API_KEY"} & set(facts["names"])
    assert (facts["terminal"], facts["leader"]) == (False, True)


def test_folders_of_the_desktop_are_kept() -> None:
    assert bare_environment({"XDG_CONFIG_HOME": "/c", "EDITOR": "vi"}) == {"XDG_CONFIG_HOME": "/c", "PATH": os.defpath}


@pytest.mark.parametrize(
    ("text", "kind", "exit_code", "words"),
    [
        ("raise SystemExit(3)", Kind.ENDED, 3, ""),
        ("import nonexistent", Kind.ENDED, 1, "ModuleNotFoundError: No module named 'nonexistent'"),
        ("print('hello, world', flush=True)\ninput()", Kind.GARBAGE, 0, ""),
        ("print('x', flush=True)", Kind.GARBAGE, 0, ""),
        ("import os; os.write(1, (7).to_bytes(4, 'little') + b'{\"a\":1}')", Kind.ANSWERED, 0, ""),
        ("import os; os.write(1, (3).to_bytes(4, 'little') + b'abc')", Kind.GARBAGE, 0, ""),
        ("import os; os.write(1, (1).to_bytes(4, 'little') + b'1')", Kind.GARBAGE, 0, ""),
    ],
)
def test_what_else_may_happen(tmp_path: Path, text: str, kind: Kind, exit_code: int, words: str) -> None:
    answer = ask(script(tmp_path, text), {})

    assert (answer.kind, answer.last_words) == (kind, words)
    if kind is not Kind.GARBAGE:  # one that still reads when it is let go may mind that
        assert answer.exit_code == exit_code


def test_one_that_says_nothing_is_given_up_and_killed(tmp_path: Path) -> None:
    answer = ask(script(tmp_path, "import threading; threading.Event().wait()"), {}, deadline_s=0.5)

    assert answer.kind is Kind.MUTE
    assert answer.exit_code == -9


def test_one_that_does_not_end_with_its_input_is_killed_and_said_so(tmp_path: Path) -> None:
    text = "import os, threading\nos.write(1, (2).to_bytes(4, 'little') + b'{}')\nthreading.Event().wait()"

    assert ask(script(tmp_path, text), {}).lingered


@pytest.mark.parametrize("mode", [0o644])
def test_what_the_system_refuses_is_no_exception(tmp_path: Path, mode: int) -> None:
    assert ask(script(tmp_path, "", mode), {}).kind is Kind.NOT_STARTED
    gone = tmp_path / "interpreter-gone"
    gone.write_text("#!/nonexistent/python\n")
    gone.chmod(0o755)
    assert ask(gone, {}).kind is Kind.NOT_STARTED
