import re
from pathlib import Path

import pytest

from longwire import __version__
from longwire.assets import docs_folder
from tests.unit.home import Home

ROOT = Path(__file__).resolve().parents[3]


def test_it_says_which_version_it_is(home: Home) -> None:
    done = home.run("--version")

    assert (done.code, done.out) == (0, f"longwire {__version__}\n")


@pytest.mark.parametrize("words", [(), ("policy",), ("policy", "check"), ("secret", "set"), ("doctor",)])
def test_every_command_explains_itself_after_h(home: Home, words: tuple[str, ...]) -> None:
    short, long = home.run(*words, "-h"), home.run(*words, "--help")

    assert (short.code, short.out) == (0, long.out)
    assert "Usage:" in short.out


@pytest.mark.parametrize("words", [(), ("policy",), ("secret",), ("durable",), ("template",)])
def test_a_list_of_commands_says_whole_sentences_at_80_columns(home: Home, words: tuple[str, ...]) -> None:
    listed = home.run(*words, "-h").out.partition("Commands:")[2]

    assert listed.strip()
    assert not [row for row in listed.splitlines() if row.endswith("...")]


def test_docs_lists_the_pages_and_prints_one(home: Home) -> None:
    listed, page = home.run("docs"), home.run("docs", "policy")

    assert "policy           The policy file\n" in listed.out
    assert str(docs_folder()) in listed.out
    assert page.out == (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["PROTOCOL", "docs/PROTOCOL.md", "protocol"])
def test_a_page_is_found_however_it_is_called(home: Home, name: str) -> None:
    assert home.run("docs", name).out == (ROOT / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")


def test_a_page_that_is_not_there_is_misuse(home: Home) -> None:
    done = home.run("docs", "../README")

    assert (done.code, done.out) == (2, "")
    assert "faq" in done.err


def test_texts_point_only_to_what_an_installed_longwire_has(home: Home) -> None:
    sources = [file for file in (ROOT / "host" / "longwire").rglob("*.py") if "export" not in file.parts]
    texts = [re.sub(r'""".*?"""|^\s*#[^\n]*', "", file.read_text("utf-8"), flags=re.DOTALL | re.M) for file in sources]
    pages = {page for text in texts for page in re.findall(r"`longwire docs ([a-z-]+)`", text)}

    assert not [text for text in texts if re.search(r"docs/[\w-]+\.md", text)]
    assert pages
    assert {home.run("docs", page).code for page in pages} == {0}
