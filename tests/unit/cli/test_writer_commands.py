"""What the policy commands say of the writer: `check --writer`, `show`, `validate`, `budgets`."""

import json

import pytest

from tests.unit.home import Home
from tests.unit.policy.samples import grant, policy_text, provider

CODE = "https://code.example.com"
ASK = ("policy", "check", "--page", CODE)
URL = ("--url", "https://api.example.com/v1/x")
WRITERS = grant('principal = "writer"', name="w", pages=f'["{CODE}"]')
LIMITS = 'limits = { requests = "3/day" }'
BOTH = "".join(
    f'[[grant]]\nname = "{name}"\nprincipal = "{name}"\npages = ["{CODE}"]\ngenerate = ["p"]\n'
    for name in ("page", "writer")
)
WRITER = f'[writer]\npages = ["{CODE}"]\n'


def test_check_answers_for_the_writer_only_where_it_is_asked_to(home: Home) -> None:
    home.write_policy(policy_text(WRITERS, WRITER))
    allowed = home.run(*ASK, *URL, "--writer")
    assert (allowed.code, allowed.out.splitlines()[1]) == (0, f'grant      "w", {home.policy} line 2')
    refused = home.run(*ASK, *URL)
    assert refused.code == 1
    assert f'nearest    grant "w", {home.policy} line 2\n           it is the writer\'s alone\n' in refused.out
    assert 'principal = "writer"' not in refused.out, "the lines are for the page"


def test_check_answers_for_a_generation_of_the_writers(home: Home) -> None:
    home.write_policy(policy_text(BOTH.replace('"page"]', '"x"]'), provider(LIMITS), WRITER))
    for more, name in (((), "page"), (("--writer",), "writer")):
        done = home.run(*ASK, "--generate", "p", *more)
        assert done.code == 0
        assert f'grant      "{name}"' in done.out


@pytest.mark.parametrize("asked", [URL, ("--generate", "p")], ids=["request", "generation"])
def test_where_the_writers_pages_lack_one_that_is_said_and_is_what_helps(home: Home, asked: tuple[str, ...]) -> None:
    text = policy_text(WRITERS.replace("methods", 'generate = ["p"]\nmethods'), provider())
    home.write_policy(text)
    refused = home.run(*ASK, *asked, "--writer")
    assert refused.code == 1
    assert "the [writer] of its file does not name this page" in refused.out
    assert refused.out.endswith(f'in {home.policy}:\n\n[writer]\npages = ["{CODE}"]\n')
    home.write_policy(text + WRITER)
    assert home.run(*ASK, *asked, "--writer").code == 0


def test_a_terminal_has_no_writer(home: Home) -> None:
    home.write_policy(policy_text(WRITERS, WRITER))
    done = home.run("policy", "check", "--page", "longwire:terminal", "--generate", "p", "--writer")
    assert done.code == 2
    assert "there is no writer at a terminal" in done.err


def test_show_says_whose_a_grant_is_and_where_the_writer_is(home: Home) -> None:
    home.write_policy(policy_text(WRITERS, WRITER))
    lines = [line.split(maxsplit=1) for line in home.run("policy", "show").out.splitlines()]
    assert ["principal", "writer: the extension's own, and no script of a page"] in lines
    assert lines[-2:] == [["writer", f"{home.policy} line 9"], ["pages", CODE]]
    told = json.loads(home.run("policy", "show", "--json").out)
    assert told["grants"][0]["principal"] == "writer"
    assert told["writer"] == [{"pages": [CODE], "source": "user", "file": str(home.policy), "line": 9}]


def test_validate_warns_of_a_writer_that_is_nowhere(home: Home) -> None:
    home.write_policy(policy_text(WRITERS))
    done = home.run("policy", "validate")
    assert done.code == 0
    assert "grant[0].principal: this file has no [writer]" in done.out
    assert "but not all of it works" in done.out
    home.write_policy(policy_text(WRITERS, WRITER))
    assert home.run("policy", "validate").out == f"valid      {home.policy} (grants: 1)\n"


def test_budgets_lists_what_the_writer_spends_apart(home: Home) -> None:
    home.write_policy(policy_text(BOTH, provider(LIMITS), WRITER))
    rows = [line.split("\t")[1] for line in home.run("policy", "budgets").out.splitlines()]
    assert rows == [CODE, f"{CODE} (writer)"]
