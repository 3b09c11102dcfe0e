import sys
from pathlib import Path

import pytest

from longwire.console.errors import CommandError
from longwire.install.launcher import (
    MAX_SHEBANG_BYTES,
    Program,
    check_for_everyone,
    check_interpreter,
    launcher_text,
    this_launcher,
)


def test_the_launcher_names_the_interpreter_absolutely_and_alone() -> None:
    first, *rest = launcher_text("/opt/py/bin/python3").splitlines()

    assert first == "#!/opt/py/bin/python3 -I"
    assert rest[-3:] == ["from longwire.native.main import main", "", "main()"]


def test_the_longest_first_line_passes_and_one_byte_more_does_not() -> None:
    longest = "/" + "p" * (MAX_SHEBANG_BYTES - len("#!/ -I"))

    assert len(launcher_text(longest).splitlines()[0]) == MAX_SHEBANG_BYTES
    with pytest.raises(CommandError, match="too long"):
        launcher_text(longest + "p")


@pytest.mark.parametrize(
    "path", ["/with space/python", "/tab\there/python", "/line\nbreak/python", "/wide\u3000/python"]
)
def test_a_space_in_the_path_is_refused_with_the_fix(path: str) -> None:
    with pytest.raises(CommandError, match="contains a space") as caught:
        launcher_text(path)
    assert "virtual environment" in caught.value.fix


@pytest.mark.parametrize("path", ["", "python3", "./python3"])
def test_an_interpreter_that_is_not_absolute_is_refused(path: str) -> None:
    with pytest.raises(CommandError, match="where its interpreter is"):
        launcher_text(path)


def test_this_interpreter_finds_longwire_alone() -> None:
    check_interpreter(sys.executable)


def test_one_that_does_not_find_it_is_named(tmp_path: Path) -> None:
    deaf = tmp_path / "python"
    deaf.write_text("#!/bin/sh\nexit 1\n")
    deaf.chmod(0o755)

    with pytest.raises(CommandError, match="does not find Longwire") as caught:
        check_interpreter(str(deaf))
    assert "--user" in caught.value.fix


def test_one_that_does_not_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="does not start"):
        check_interpreter(str(tmp_path / "gone"))


def test_here_the_launcher_is_this_interpreter() -> None:
    assert this_launcher("linux") == sys.executable


def test_on_windows_it_is_pips_program_and_its_absence_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is missing"):
        this_launcher("win32", str(tmp_path))
    (tmp_path / "longwire-host.exe").touch()

    assert this_launcher("win32", str(tmp_path)) == Program(tmp_path / "longwire-host.exe")


def test_a_system_interpreter_is_for_everyone() -> None:
    check_for_everyone("/bin/sh")
