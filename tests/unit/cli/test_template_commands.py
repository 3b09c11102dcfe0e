"""`longwire template list`, `check`, `render`, with the user's own templates."""

import io
import json
import sys

import pytest

from tests.unit.home import Home

TEXT = 'Describe {PR_TITLE}.\n\n{DIFF_CONTENT}\nAnswer as {"title": "…"}.\n'


def put(home: Home, name: str = "describe", text: str | bytes = TEXT) -> str:
    path = home.config / "longwire" / "templates" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_the_list_says_which_there_are_with_their_fields(home: Home) -> None:
    done = home.run("template", "list")
    assert (done.code, done.out.startswith("there are no templates")) == (0, True)
    describe, broken = put(home), put(home, "broken", b"\xff")
    done = home.run("template", "list")
    assert done.out.splitlines() == [
        f"broken\tuser\tcannot be used\t-\t{broken}",
        f"describe\tuser\tDIFF_CONTENT PR_TITLE\t{len(TEXT.encode())}\t{describe}",
    ]
    listed = json.loads(home.run("template", "list", "--json").out)
    assert listed[1] == {
        "name": "describe",
        "source": "user",
        "file": describe,
        "fields": ["DIFF_CONTENT", "PR_TITLE"],
        "bytes": len(TEXT.encode()),
        "problem": None,
        "warnings": [],
    }
    assert "not UTF-8" in listed[0]["problem"]


def test_a_check_finds_what_cannot_be_used_and_what_may_be_meant_otherwise(home: Home) -> None:
    assert home.run("template", "check").code == 0
    path = put(home)
    done = home.run("template", "check", "describe")
    assert (done.code, done.out) == (0, f"valid      {path} (fields: DIFF_CONTENT PR_TITLE)\n")
    put(home, "describe", "Of {pr title}\nand {Diff_Content} and {PR_TITLE}\n")
    done = home.run("template", "check")
    assert done.code == 0
    assert "line 1: {pr title} is text and no field; a field would be {PR_TITLE}" in done.out
    assert "line 2: {Diff_Content} is text and no field; a field would be {DIFF_CONTENT}" in done.out
    put(home, "a b")
    done = home.run("template", "check")
    assert (done.code, "a b.txt: no request can name it" in done.err) == (1, True)
    assert home.run("template", "check", "describe").code == 0
    put(home, "broken", "")
    done = home.run("template", "check", "broken")
    assert (done.code, "it is empty" in done.out) == (1, True)
    told = json.loads(home.run("template", "check", "--json").out)
    assert [each["name"] for each in told["templates"]] == ["broken", "describe"]
    assert len(told["misnamed"]) == 1


@pytest.mark.parametrize("name", ["other", "../policy", ""])
def test_one_that_is_not_there_is_said_to_be_so(home: Home, name: str) -> None:
    put(home)
    for command in ("check", "render"):
        done = home.run("template", command, name)
        assert done.code == 1
        assert "there are: describe" in done.err


def test_what_is_rendered_is_what_a_provider_would_get(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home)
    diff = home.folder / "a.diff"
    diff.write_text("+ {PR_TITLE} é")
    expected = 'Describe @1.\n\n+ {PR_TITLE} é\nAnswer as {"title": "…"}.\n'
    title = home.folder / "title"
    title.write_text("@1")
    given = ("--field", f"DIFF_CONTENT=@{diff}", "--field", f"PR_TITLE=@{title}")
    assert home.run("template", "render", "describe", *given).out == expected
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(diff.read_bytes())))
    done = home.run("template", "render", "describe", "--field", "PR_TITLE=a=b", "--field", "DIFF_CONTENT=-", "--json")
    assert json.loads(done.out)["text"] == expected.replace("@1", "a=b")
    put(home, "plain", "no field, no end of line")
    assert home.run("template", "render", "plain").out == "no field, no end of line\n"


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ([], 2, "fields.DIFF_CONTENT: is missing"),
        (["PR_TITLE=a", "DIFF_CONTENT=b", "OTHER=c"], 2, "fields.OTHER: is not in the template"),
        (["PR_TITLE=a", "PR_TITLE=b"], 2, "the field PR_TITLE is given twice"),
        (["pr_title=a"], 2, "names no field"),
        (["PR_TITLE"], 2, "names no field"),
        (["PR_TITLE=-", "DIFF_CONTENT=-"], 2, "two fields are read from standard input"),
        (["PR_TITLE=@/no/such/file"], 1, "/no/such/file cannot be read for PR_TITLE"),
    ],
    ids=["missing", "unknown", "twice", "lower", "bare", "two", "file"],
)
def test_fields_that_do_not_fit_are_refused(
    home: Home, monkeypatch: pytest.MonkeyPatch, fields: list[str], code: int, says: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x")))
    put(home)
    done = home.run("template", "render", "describe", *(part for each in fields for part in ("--field", each)))
    assert done.code == code
    assert says in done.err
    assert "fix:" in done.err


def test_a_source_that_is_none_is_refused(home: Home) -> None:
    put(home)
    assert home.run("template", "check", "describe", "--source", "root").code == 2
    assert home.run("template", "check", "describe", "--source", "user").code == 0
    assert home.run("template", "check", "describe", "--source", "administrator").code == 1
