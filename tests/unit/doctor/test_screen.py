import io

import pytest
from rich.console import Console

from longwire.doctor.finding import fail, ok
from longwire.doctor.screen import _show_findings, show

FINDINGS = [
    ok("manifest", "/home/jane/.config/chromium/NativeMessagingHosts/com.longwire.host.json", "Chromium"),
    fail("launcher", "/home/jane/.local/share/longwire/longwire-host is not executable", "run `longwire install`"),
]


LONG = "/home/jane/.config/a-browser-of-some-maker/a-profile-of-some-department/NativeMessagingHosts/longwire.json"


@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit_the_terminal_but_where_a_path_alone_is_longer(width: int) -> None:
    screen = io.StringIO()
    _show_findings(Console(file=screen, width=width, highlight=False), [*FINDINGS, ok("policy", LONG)], "/home/jane")
    lines = screen.getvalue().splitlines()

    assert all(len(line) <= width or "~/.config/a-browser" in line for line in lines)
    assert any("~/.config/chromium/NativeMessagingHosts/com.longwire.host.json" in line for line in lines)
    assert any(LONG.replace("/home/jane", "~") in line for line in lines)
    assert any("fix: run `longwire install`" in line for line in lines)


def test_anything_but_a_terminal_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show(FINDINGS, "/home/jane")

    assert capsys.readouterr().out.splitlines() == [
        f"ok    manifest (Chromium): {FINDINGS[0].what}",
        f"fail  launcher: {FINDINGS[1].what}",
        "      fix: run `longwire install`",
        "1 broken.",
    ]
