"""Templates, cutting and counting: what goes in is what was meant, fits, and is never dearer than was reserved."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from longwire.generation.adapters import ADAPTERS
from longwire.generation.cutting import CutAll, DoesNotFit, cut, cut_longest, size_of
from longwire.generation.estimate import IMAGE_TOKENS, OVERHEAD_TOKENS, estimate_tokens, estimated, upper_bound
from longwire.generation.fitting import Fitted, fill, fit
from longwire.generation.parts import Usage
from longwire.generation.prices import cost_of
from longwire.generation.prompt import Prompt
from longwire.generation.requests import RequestRefused, parse_request
from longwire.generation.templates import Template
from longwire.prices import Price, Prices
from longwire.protocol.generation import Cost, FailureCode
from longwire.protocol.generation_request import UserMessage

# --- templates ------------------------------------------------------------------------------------------------------


def test_a_template_puts_each_field_where_its_name_is() -> None:
    template = Template.parse("Describe {PR_TITLE}:\n{DIFF_CONTENT}\nAgain: {PR_TITLE}")
    assert template.render({"PR_TITLE": "T", "DIFF_CONTENT": "D"}) == "Describe T:\nD\nAgain: T"


def test_a_value_cannot_inject_another_field() -> None:
    template = Template.parse("{DIFF_CONTENT} by {AUTHOR}")
    rendered = template.render({"DIFF_CONTENT": "+ {AUTHOR} {DIFF_CONTENT} \\1 \\g<0>", "AUTHOR": "{DIFF_CONTENT}"})
    assert rendered == "+ {AUTHOR} {DIFF_CONTENT} \\1 \\g<0> by {DIFF_CONTENT}"


@given(values=st.lists(st.text(max_size=20) | st.sampled_from(["{A}", "{B}", "{C}"]), min_size=3, max_size=3))
@example(values=["{B}", "{C}", "{A}"])
def test_any_values_go_in_as_they_are(values: list[str]) -> None:
    rendered = Template.parse("<{A}|{B}|{C}>").render(dict(zip("ABC", values, strict=True)))
    assert rendered == f"<{'|'.join(values)}>"


@pytest.mark.parametrize("text", ['{"a": {B_c}}', "{}", "{a}", "{ A }", "{A", "{1A}", "no field", ""])
def test_a_brace_that_names_no_field_is_text(text: str) -> None:
    assert Template.parse(text).render({}) == text


@pytest.mark.parametrize(
    ("fields", "field", "fix"),
    [
        ({"A": "1"}, "fields.B", "is missing"),
        ({"A": "1", "B": "2", "C": "3"}, "fields.C", "its fields: A, B"),
        ({}, "fields.A", "is missing"),
    ],
)
def test_a_missing_or_unknown_field_is_refused_by_name(fields: dict[str, str], field: str, fix: str) -> None:
    with pytest.raises(RequestRefused) as refusal:
        Template.parse("{A}{B}").render(fields)
    assert refusal.value.field == field and fix in refusal.value.message


# --- cutting --------------------------------------------------------------------------------------------------------

HUNK = "@@ -1,2 +1,2 @@\n-old\n+new\n"
DIFF = f"diff --git a/x b/x\n--- a/x\n+++ b/x\n{HUNK}{HUNK}diff --git a/y b/y\n--- a/y\n+++ b/y\n{HUNK}"


def test_what_fits_is_not_cut_and_one_byte_less_is() -> None:
    text = "one\ntwo\n"
    assert cut(text, 8) == (text, 8, 8) and not cut(text, 8).truncated
    assert cut(text, 7) == ("one\n", 8, 4) and cut(text, 7).truncated


def test_a_diff_is_cut_between_hunks_and_files() -> None:
    end_of_second_hunk = DIFF.index("diff --git a/y")
    # One byte short of the second file, and inside its head.
    assert cut(DIFF, end_of_second_hunk + 5).text == DIFF[:end_of_second_hunk]
    assert cut(DIFF, end_of_second_hunk).text == DIFF[:end_of_second_hunk]
    end_of_first_hunk = end_of_second_hunk - len(HUNK)
    assert cut(DIFF, end_of_second_hunk - 1).text == DIFF[:end_of_first_hunk]


def test_one_long_hunk_is_cut_between_lines_rather_than_lost() -> None:
    long = "diff --git a/x b/x\n@@ -1,500 +1,500 @@\n" + "+line\n" * 500
    result = cut(long, 1_000)
    assert result.text.endswith("+line\n") and 990 < result.size <= 1_000


def test_lines_that_look_like_borders_in_text_that_is_no_diff_are_lines() -> None:
    text = "a line\n" * 10 + "@@ not a diff\n" + "b line\n" * 5
    assert cut(text, len(text) - 1).text == text[:-7]


def test_one_long_line_is_cut_between_characters() -> None:
    assert cut("é" * 10, 5) == ("éé", 20, 4)
    assert cut("🌍🌍", 7) == ("🌍", 8, 4)
    assert cut("abc", 0) == ("", 3, 0)


@given(text=st.text(max_size=60) | st.lists(st.sampled_from([HUNK, "diff --git a b\n", "x\n", "é"])).map("".join),
       limit=st.integers(0, 80))  # fmt: skip
def test_what_is_cut_fits_and_is_a_beginning(text: str, limit: int) -> None:
    result = cut(text, limit)
    assert result.size == size_of(result.text) <= limit or not result.truncated
    assert text.startswith(result.text) and result.original_size == size_of(text)
    assert result.truncated == (result.text != text)


def test_the_longest_text_is_cut_first_and_the_next_only_if_it_must() -> None:
    texts = {"DIFF": "line\n" * 100, "TITLE": "A title", "BODY": "text\n" * 10}
    assert cut_longest(texts, 1_000) == CutAll(texts, 557, 557)
    result = cut_longest(texts, 300, fixed_size=43)
    assert result.texts["TITLE"] == "A title" and result.texts["BODY"] == texts["BODY"]
    assert result.texts["DIFF"] == "line\n" * 40 and result.truncated
    assert (result.original_size, result.size) == (557, 257)
    short = cut_longest(texts, 90, fixed_size=43, keep=["TITLE"])
    assert short.texts["TITLE"] == "A title" and short.texts["DIFF"] == "" and short.size + 43 <= 90


def test_what_may_not_be_cut_and_does_not_fit_is_a_typed_failure() -> None:
    with pytest.raises(DoesNotFit) as error:
        cut_longest({"A": "x" * 50}, 40, fixed_size=41)
    assert error.value.failure.code is FailureCode.CONTEXT_TOO_LONG and not error.value.failure.retryable
    with pytest.raises(DoesNotFit):
        cut_longest({"A": "x" * 50}, 49, keep=["A"])


def _prompt(*messages: dict[str, Any], **more: Any) -> Prompt:
    request = parse_request({"provider": "p", "messages": list(messages)} | more)
    assert request.messages is not None
    return Prompt.of(request, "m", request.messages)


def _user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


IMAGE = {"type": "image", "mediaType": "image/png", "data": "A" * 4_000}
CALL = {"role": "assistant", "content": "I look.", "toolCalls": [{"id": "a", "name": "look", "arguments": {}}]}
RESULT = {"role": "tool", "toolCallId": "a", "content": "result\n" * 100}


def test_a_prompt_that_fits_is_sent_as_it_is() -> None:
    prompt = _prompt(_user("Hello"), system="Be brief.")
    assert fit(prompt, 14) == fit(prompt, None) == (prompt, 14, 14) and not fit(prompt, 14).truncated


def test_the_longest_text_of_a_prompt_is_cut_and_its_images_and_system_are_not() -> None:
    parts = [{"type": "text", "text": "What?"}, IMAGE, {"type": "text", "text": "line\n" * 100}]
    prompt = _prompt(_user(parts), CALL, RESULT, system="Be brief.")
    assert prompt.images == 1
    fitted = fit(prompt, 600)
    assert fitted.truncated and fitted.size <= 600 and fitted.original_size == 9 + 5 + 500 + 7 + 4 + 2 + 700
    user, call, result = fitted.prompt.messages
    assert (user, call) == (prompt.messages[0], prompt.messages[1]) and fitted.prompt.system == "Be brief."
    assert result.content == "result\n" * 10
    # And then the next.
    user, _, result = fit(prompt, 100).prompt.messages
    assert result.content == "" and isinstance(user, UserMessage) and isinstance(user.content, list)
    assert [type(part).__name__ for part in user.content] == ["TextPart", "ImagePart", "TextPart"]


def test_a_text_of_which_nothing_is_left_is_not_sent_empty() -> None:
    prompt = _prompt(_user("long line " * 10), _user("Hi"))
    assert [message.content for message in fit(prompt, 3).prompt.messages] == ["l", "Hi"]
    assert [message.content for message in fit(prompt, 2).prompt.messages] == ["Hi"]
    parts = [{"type": "text", "text": "line " * 10}, IMAGE, {"type": "text", "text": "Hi"}]
    (message,) = fit(_prompt(_user(parts)), 2).prompt.messages
    assert isinstance(message.content, list) and len(message.content) == 2


def test_a_prompt_whose_fixed_part_is_too_long_is_a_typed_failure() -> None:
    with pytest.raises(DoesNotFit):
        fit(_prompt(_user("Hello"), system="x" * 20), 20)
    with pytest.raises(DoesNotFit):
        fit(_prompt(_user("é")), 1)


def test_a_template_knows_its_size_without_its_fields() -> None:
    assert Template.parse("é{A}b{B}").size == 3


# --- counting -------------------------------------------------------------------------------------------------------


def test_an_estimate_says_that_it_is_one() -> None:
    assert estimate_tokens("") == 0 and estimate_tokens("abcd") == 1 and estimate_tokens("abcde") == 2
    assert 4 <= estimate_tokens("日本語です") <= 6
    assert estimated(3, 4).model_dump(exclude_none=True) == {"inputTokens": 3, "outputTokens": 4, "estimated": True}


def test_the_bound_is_bytes_and_what_was_asked_for() -> None:
    bound = upper_bound(b"x" * 1_000, 500, images=2, prices=Prices.parse("1 USD/1M", "10 USD/1M"))
    assert bound.input_tokens == 1_000 + OVERHEAD_TOKENS + 2 * IMAGE_TOKENS
    assert bound.output_tokens == 500 and bound.tokens == bound.input_tokens + 500
    assert bound.cost == (Decimal(bound.input_tokens) + Decimal(5_000)) / 1_000_000
    assert upper_bound(b"", 1).cost is None


@given(text=st.text(min_size=1, max_size=200))
def test_the_bound_is_never_below_the_estimate_nor_below_a_token_for_each_character(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    request = parse_request({"provider": "p", "messages": [{"role": "user", "content": text}]})
    assert request.messages is not None
    for adapter in ADAPTERS.values():
        body = adapter.request(Prompt.of(request, "m", request.messages)).body
        bound = upper_bound(body, 1)
        assert bound.input_tokens >= max(len(text), estimate_tokens(text))


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("1.25 USD/1M", "0.00000125", "USD"),
        ("10 USD/1M", "0.00001", "USD"),
        ("0.5EUR/1k", "0.0005", "EUR"),
        ("3 USD/1000", "0.003", "USD"),
        ("3 USD/M", "0.000003", "USD"),
        ("0 USD/1M", "0", "USD"),
    ],
)
def test_a_price_is_for_so_many_tokens(text: str, amount: str, currency: str) -> None:
    assert Price.parse(text) == (Decimal(amount), currency)


NO_PRICES = ("", "1.25", "1 USD", "1 USD/", "USD/1M", "-1 USD/1M", "1 usd/1M", "1 USD/0M", "1,5 USD/1M", "1e3 USD/1M")


@pytest.mark.parametrize("text", [*NO_PRICES, "NaN USD/1M", "1 USD/1G"])
def test_what_is_no_price_is_refused_with_one_that_is(text: str) -> None:
    with pytest.raises(ValueError, match="must be a price"):
        Price.parse(text)


def test_prices_have_one_currency() -> None:
    with pytest.raises(ValueError, match="one currency"):
        Prices.parse("1 USD/1M", "1 EUR/1M")


def test_a_cost_is_exact_and_written_as_a_decimal() -> None:
    prices = Prices.parse("1.25 USD/1M", "10 USD/1M")
    assert cost_of(Usage(input=9, output=5), prices) == Cost(amount="0.00006125", currency="USD")
    assert cost_of(Usage(input=0, output=0), prices) == Cost(amount="0", currency="USD")
    assert cost_of(Usage(input=800_000, output=0), prices) == Cost(amount="1", currency="USD")
    # A price that no decimal holds is rounded up, never down.
    assert cost_of(Usage(input=1, output=0), Prices.parse("1 USD/3", "0 USD/1M")) == Cost(
        amount="0.333333333334", currency="USD"
    )
    assert cost_of(Usage(input=None, output=5), prices) is None


@given(input_tokens=st.integers(0, 10**7), output_tokens=st.integers(0, 10**6))
def test_what_is_spent_within_the_bound_costs_no_more_than_was_reserved(input_tokens: int, output_tokens: int) -> None:
    prices = Prices.parse("1 USD/7", "3 USD/11")
    bound = upper_bound(b"x" * (input_tokens % 1_000), output_tokens, prices=prices)
    spent = cost_of(Usage(input=min(input_tokens, bound.input_tokens), output=output_tokens), prices)
    assert spent is not None and bound.cost is not None
    assert Decimal(spent.amount) <= bound.cost + Decimal("1E-12")


@given(text=st.text(max_size=40), limit=st.integers(0, 60))
@example(text="abc", limit=3)
def test_a_field_that_stands_twice_fits_twice_or_it_is_said_what_does_not(text: str, limit: int) -> None:
    template = Template.parse("a {FIELD} {FIELD} b")
    fitted = _filled(template, text, limit)
    if isinstance(fitted, str):
        assert f"{template.size} bytes" in fitted and f"allows {limit}" in fitted
        return
    content = fitted.prompt.messages[0].content
    assert isinstance(content, str) and size_of(content) == fitted.size <= limit
    assert fitted.original_size == template.size + 2 * size_of(text)


def _filled(template: Template, text: str, limit: int) -> Fitted | str:
    try:
        return fill(Prompt("m", ()), template, {"FIELD": text}, limit)
    except DoesNotFit as problem:
        return str(problem)
