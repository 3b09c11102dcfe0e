"""What leaves the machine says nothing about whose machine it is; and no way of speaking shows a secret."""

import json

import pytest

from longwire.doctor.report import redact
from tests.unit.doctor.installed import Installed

SECRET = "sk-not-to-be-seen-0123456789"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("/home/jane/.config/x", "~/.config/x"),
        ("/home/jane", "~"),
        ("/home/janet/x", "/home/janet/x"),
        ("/run/user/jane/x", "/run/user/USER/x"),
        ("janes", "janes"),
        ("https://api.example.com/v1/?key=1", "https://api.example.com/…"),
        ("https://u:p@api.example.com", "https://api.example.com/…"),
        ("https://api.example.com", "https://api.example.com"),
        ("of box7: yes", "of MACHINE: yes"),
        ("chrome-extension://abc/", "chrome-extension://abc/"),
    ],
)
def test_a_report_is_redacted(text: str, redacted: str) -> None:
    assert redact(text, "/home/jane", "jane", "box7") == redacted


def test_short_or_common_names_are_no_names() -> None:
    assert redact("as root at a", "/root", "root", "a") == "as root at a"


@pytest.fixture
def with_secret(installed: Installed) -> Installed:
    file = installed.home.folder / "key"
    file.write_text(SECRET)
    file.chmod(0o600)
    installed.home.write_policy(
        "version = 1\n[[grant]]\nname = 'a'\npages = ['https://p.example.com']\nmethods = ['GET']\n"
        "destinations = ['https://api.example.com/v1/']\ninject = { Authorization = 'Bearer {secret:one}' }\n"
        f"[secret.one]\nfile = '{file}'\n"
    )
    return installed


@pytest.mark.parametrize("how", [(), ("--json",), ("--report",), ("--fix",)])
def test_no_way_of_speaking_shows_a_secret(with_secret: Installed, how: tuple[str, ...]) -> None:
    done = with_secret.home.run("doctor", *how)

    assert done.code == 0
    assert "secret" in done.out
    assert SECRET not in done.out + done.err


def test_the_report_of_a_real_installation_names_no_home(installed: Installed) -> None:
    (installed.home.config / "chromium" / "Last Version").write_text("156.0.8078.79")
    done = installed.home.run("doctor", "--report")

    assert str(installed.home.folder) not in done.out
    assert "~/.config/chromium/NativeMessagingHosts/com.longwire.host.json" in done.out
    assert "Chromium: version 156.0.8078.79" in done.out


def test_the_report_says_how_bodies_were_carried_and_not_whose(installed: Installed) -> None:
    assert "carried:" not in installed.home.run("doctor", "--report").out
    logs = installed.home.folder / ".local" / "state" / "longwire"
    logs.mkdir(parents=True, exist_ok=True)
    counted = {"pieces": 9, "chunks": 3, "packed_chunks": 2, "carried_bytes": 400, "most_queued_bytes": 70}
    end = {"event": "end", "destination": "https://private.example.com/", "bytes": 1000, "credit_wait_ms": 5, **counted}
    (logs / "host-20260101T000000-41.jsonl").write_text(json.dumps(end) + "\n")

    said = installed.home.run("doctor", "--report").out

    assert "carried: 1 streams, 1000 bytes of body carried as 400 in 3 chunks (2 compressed) of 9 pieces" in said
    assert "private.example.com" not in said


def test_json_and_report_exclude_each_other(installed: Installed) -> None:
    assert installed.home.run("doctor", "--json", "--report").code == 2


def test_json_says_whether_all_is_well(installed: Installed) -> None:
    content = json.loads(installed.home.run("doctor", "--json").out)

    assert content["healthy"] is True
    assert set(content["findings"][0]) == {"check", "subject", "state", "what", "fix", "fixable"}
