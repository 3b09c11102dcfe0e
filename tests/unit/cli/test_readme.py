"""The README and docs/troubleshooting.md, tried as a newcomer would: every command, every file, every word quoted."""

import io
import re
import sys
from pathlib import Path

import pytest

from longwire.families import chromium
from longwire.protocol.records import BridgeState
from tests.unit.home import Home

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
KEY = "sk-newcomer-0123456789"


def blocks(language: str) -> list[str]:
    """The README's code of one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def lines_of_shell() -> list[list[str]]:
    """What a newcomer types, word by word, without what is explained beside it."""
    lines = "".join(blocks("sh")).splitlines()
    return [words for line in lines if (words := line.split("#")[0].split())]


def longwire_commands() -> list[list[str]]:
    """The arguments of each `longwire` in the order of the page."""
    return [words[1:] for words in lines_of_shell() if words[0].split("/")[-1] == "longwire"]


def test_from_top_to_bottom_it_leads_to_a_grant_that_works(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.config / "chromium").mkdir(parents=True)
    install, set_secret, check, doctor, *_ = longwire_commands()
    assert "load unpacked" in home.run(*install).out.lower()

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{KEY}\n".encode())))
    printed = home.run(*set_secret)
    assert printed.code == 0
    section = printed.out[printed.out.index("[secret.") :]
    (shown,) = blocks("toml")
    placeholder = section.replace(str(home.folder), "/home/me")
    assert shown.endswith(placeholder), "the page shows the lines that `secret set` prints"
    home.write_policy(shown.replace(placeholder, section))

    assert home.run(*check).out.startswith("allowed ")
    examined = home.run(*doctor)
    assert (examined.code, KEY in examined.out) == (0, False)


def test_what_install_shows_as_an_example_is_a_policy(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    told = home.run("install", "--browser", "chromium").out
    lines = told[told.index("version = 1") : told.index("and store the key")].splitlines()
    home.write_policy("\n".join(line.strip() for line in lines))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{KEY}\n".encode())))

    assert home.run("policy", "validate", str(home.policy)).code == 0
    assert home.run("secret", "set", "example").code == 0
    asked = ("--page", "https://chat.example.com", "--url", "https://api.example.com/v1/x")
    assert home.run("policy", "check", *asked).out.startswith("allowed ")


def test_every_make_target_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    typed = [word for words in lines_of_shell() if words[0] == "make" for word in words[1:]]
    assert {"demo", "build", "test", "check"} <= set(typed)
    for target in {*typed, *re.findall(r"`make ([a-z-]+)`", README)}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))])
def test_every_link_leads_somewhere(page: str) -> None:
    file = ROOT / page
    text = re.sub(r"```.*?```", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text):
        if "://" not in target:
            assert (file.parent / target).exists(), target


# --- docs/troubleshooting.md ----------------------------------------------------------------------------------------


def test_every_word_of_the_browser_is_a_heading() -> None:
    words = set(chromium().errors.values())
    assert len(words) == 6
    headings = set(re.findall(r'^### "(.+)"$', TROUBLESHOOTING, re.MULTILINE))
    assert words <= headings


def test_every_state_is_in_the_table() -> None:
    table = TROUBLESHOOTING.partition("| state |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == {*BridgeState, "starting"}


def test_every_check_of_the_doctor_has_its_heading() -> None:
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "host/longwire/doctor").rglob("*.py"))
    checks = set(re.findall(r'\b(?:ok|warn|fail)\(\s*"([a-z ]+)"', sources))
    assert {"manifest", "launcher", "host", "shadowing", "secret", "clock"} <= checks
    section = TROUBLESHOOTING.partition("## What `longwire doctor` says")[2]
    assert checks <= set(re.findall(r"^### ([a-z ]+)$", section, re.MULTILINE))
