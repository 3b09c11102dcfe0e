import io

import pytest
from rich.console import Console

from longwire.cli.doctor.finding import fail, ok
from longwire.cli.doctor.screen import _table, show

FINDINGS = [
    ok("manifest", "/home/jane/.config/chromium/NativeMessagingHosts/com.longwire.host.json", "Chromium"),
    fail("launcher", "/home/jane/.local/share/longwire/longwire-host is not executable", "run `longwire install`"),
]


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal_and_keeps_paths_whole(width: int) -> None:
    screen = io.StringIO()
    Console(file=screen, width=width, highlight=False).print(_table(FINDINGS, "/home/jane"))
    lines = screen.getvalue().splitlines()

    assert max(map(len, lines)) <= width
    assert any("~/.config/chromium/NativeMessagingHosts/com.longwire.host.json" in line for line in lines)
    assert any("fix: run `longwire install`" in line for line in lines)


def test_anything_but_a_terminal_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show(FINDINGS, "/home/jane")

    assert capsys.readouterr().out.splitlines() == [
        f"ok    manifest (Chromium): {FINDINGS[0].what}",
        f"fail  launcher: {FINDINGS[1].what}",
        "      fix: run `longwire install`",
        "1 broken.",
    ]
