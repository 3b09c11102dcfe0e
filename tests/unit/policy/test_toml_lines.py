import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.policy.toml_lines import Location, line_of, locate_keys

DOCUMENT = """\
# a comment with [brackets] and "quotes"
version = 1

[[grant]]
name = "a # not a comment"
pages = [
  "https://a.example.com", # one
  # between
  "https://b.example.com",
]
inject = { Authorization = "Bearer {secret:x}", 'X-Two' = 'y' }

[[grant]]
name = '''three
lines'''
text = \"\"\"
  ] } = "quoted" \\\"\"\" more
\"\"\"
limits.streams = 8
limits . bytes = "2GiB"
[grant.extra]
deep = [[1, 2], [3,
  { x = 4 }]]

[secret."with.dot"]
file = "/run/x"
"""


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("version",), 2),
        (("grant", 0), 4),
        (("grant", 0, "name"), 5),
        (("grant", 0, "pages"), 6),
        (("grant", 0, "pages", 0), 7),
        (("grant", 0, "pages", 1), 9),
        (("grant", 0, "inject", "X-Two"), 11),
        (("grant", 1), 13),
        (("grant", 1, "text"), 16),
        (("grant", 1, "limits", "streams"), 19),
        (("grant", 1, "limits", "bytes"), 20),
        (("grant", 1, "extra", "deep", 1, 1, "x"), 23),
        (("secret", "with.dot", "file"), 26),
    ],
)
def test_each_key_has_its_line(location: Location, line: int) -> None:
    assert locate_keys(DOCUMENT)[location] == line


def test_a_missing_key_is_put_where_its_table_begins() -> None:
    assert line_of(locate_keys(DOCUMENT), ("grant", 1, "methods")) == 13
    assert line_of({}, ("grant", 1)) == 1


def test_windows_line_ends_count_once() -> None:
    assert locate_keys("a = 1\r\nb = 2\r\n")[("b",)] == 2


def locations(value: Any, here: Location = ()) -> set[Location]:
    found = {here} if here else set()
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found |= locations(inner, (*here, key))
    return found


SCALARS = st.sampled_from(
    [
        "1",
        "-2.5e3",
        "true",
        '"a]}#,\\""',
        "'b}\\'",
        '""',
        "1979-05-27T07:32:00Z",
        '"""x\n"y""z\n"""',
        "'''\n]'''",
        "inf",
    ]
)
KEYS = st.sampled_from(["a", "b-c", '"d.e"', "'f g'", "1", "_"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + " , # c\n".join(items) + "\n]")
        | st.dictionaries(KEYS, inner.filter(lambda text: "\n" not in text), max_size=3).map(
            lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"
        )
    ),
    max_leaves=6,
)
TABLES = st.tuples(
    st.sampled_from(["[[t]]", "[[t.u]]", "[v]", "[t.w]", "# nothing"]),
    st.dictionaries(KEYS, VALUES, max_size=4),
).map(lambda part: part[0] + "\n" + "".join(f"{key} = {value}\n" for key, value in part[1].items()))


@given(st.lists(TABLES, max_size=5).map("\n".join))
def test_every_location_that_tomllib_reads_is_found(text: str) -> None:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = locate_keys(text)

    assert locations(content) <= lines.keys()
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@given(st.text(alphabet="ab=[]{}\"'.,# \n1\\", max_size=40))
def test_on_any_text_it_ends(text: str) -> None:
    try:
        locate_keys(text)
    except ValueError:
        return
