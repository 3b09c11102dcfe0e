"""What the demo looks like on a console, in a file, and to a program."""

import io

import pytest
from rich.console import Console

from longwire.demo.chat import TEXT, tokens
from longwire.demo.screen import Lively, Plain, Silent, choose_screen

MIB = 1024 * 1024


def play(screen: Plain | Lively) -> None:
    """A run in which the download comes in quarters."""
    screen.facts([("upstream", "wants a key")])
    for number, token in enumerate(tokens()):
        screen.text(token)
        if number % 50 == 49:
            screen.download((number // 50 + 1) * MIB, 0.5)
    screen.close()
    screen.verdict("ok: all of it", ok=True)


def test_plain_lines_hold_all_words_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    play(Plain(4 * MIB))
    lines = capsys.readouterr().out.splitlines()
    words = " ".join(line.removeprefix("text") for line in lines if line.startswith("text"))

    assert lines[0] == "upstream  wants a key"
    assert words.split() == TEXT.split()
    assert max(map(len, lines)) <= 80
    assert lines.count("text") == TEXT.count("\n\n"), "a paragraph's end is an empty line, not two"
    assert [line for line in lines if line.startswith("download")][-1] == "download  4.0 of 4.0 MiB, 8 MB/s"
    assert len([line for line in lines if line.startswith("download")]) == 4
    assert lines[-1] == "ok: all of it"


def test_plain_lines_are_written_as_soon_as_they_are_full(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Plain(MIB)
    for token in tokens()[:20]:
        screen.text(token)

    assert capsys.readouterr().out.count("text  ") >= 1


@pytest.mark.parametrize("height", [10, 50])
def test_a_console_of_any_height_ends_with_the_whole_text(capsys: pytest.CaptureFixture[str], height: int) -> None:
    output = io.StringIO()
    play(Lively(4 * MIB, Console(file=output, force_terminal=True, width=80, height=height, color_system=None)))
    last = output.getvalue().rpartition("This text was not")[2]

    assert ("This text was not" + last).partition("download")[0].split() == TEXT.split()
    assert "4.0 of 4.0 MiB" in last
    assert last.rstrip().endswith("ok: all of it")


def test_a_console_is_never_given_more_lines_than_it_has() -> None:
    """What is redrawn has to be on the screen, or each redrawing leaves a copy behind."""
    output = io.StringIO()
    screen = Lively(4 * MIB, Console(file=output, force_terminal=True, width=40, height=8, color_system=None))
    for token in tokens():
        screen.text(token)
    ups = max(output.getvalue().count("\x1b[1A", *span) for span in _redraws(output.getvalue()))
    screen.close()

    assert 0 < ups < 8


def _redraws(written: str) -> list[tuple[int, int]]:
    starts = [i for i in range(len(written)) if written.startswith("\r\x1b[2K", i)]
    return list(zip(starts, [*starts[1:], len(written)], strict=True))


def test_the_choice_follows_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(choose_screen(1, silent=False), Lively)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(choose_screen(1, silent=False), Plain)
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    assert isinstance(choose_screen(1, silent=False), Plain)
    assert isinstance(choose_screen(1, silent=True), Silent)
