"""TypeScript's constants and error table say what limits.py and errors.py say."""

import re

import pytest

from longwire.protocol import limits
from longwire.protocol.errors import ERRORS
from longwire.protocol.export.typescript import constants_ts, errors_ts, literal


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "'plain'"),
        ('it\'s "so"\\\n', "'it\\'s \"so\"\\\\\\n'"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-1, "-1"),
        (1000, "1000"),
        (65_536, "65_536"),
    ],
)
def test_literals(value: object, text: str) -> None:
    assert literal(value) == text


def test_what_has_no_literal_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        literal(0.5)


def test_every_limit_is_a_constant() -> None:
    constants = {
        name: int(value) for name, value in re.findall(r"^export const (\w+) = ([\d_]+)$", constants_ts(), re.M)
    }
    assert constants == {name: value for name, value in vars(limits).items() if name.isupper()}


def test_every_error_is_in_the_table() -> None:
    rows = re.findall(
        r"^  (\w+): \{\n    category: '(\w+)',\n    retryable: (\w+),\n    meaning: '(.+)'\n", errors_ts(), re.M
    )
    assert [
        (code, category, retryable == "true", meaning.replace("\\'", "'"))
        for code, category, retryable, meaning in rows
    ] == [(code, row.category, row.retryable, row.meaning) for code, row in ERRORS.items()]
