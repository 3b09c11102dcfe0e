"""Templates beside the policy: found by name, held to their owner, and never a way out of their folder."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from longwire.generation.templates import Template
from longwire.policy.locations import Locations, Source
from longwire.policy.template_files import MAX_TEMPLATE_BYTES, TemplateFiles, TemplateUnavailable, is_name
from longwire.protocol.errors import ErrorCode
from tests.unit.policy.samples import owned_lstat

TEXT = "Describe {PR_TITLE}: {DIFF}\n"
SOURCES: tuple[Source, Source] = ("administrator", "user")


@pytest.fixture
def places(tmp_path: Path) -> Locations:
    places = Locations(tmp_path / "etc" / "policy.toml", tmp_path / "home" / "policy.toml")
    for file in (places.administrator, places.user):
        (file.parent / "templates").mkdir(parents=True)
    return places


def files(places: Locations, foreign: Sequence[Path] = (), writable: Sequence[Path] = ()) -> TemplateFiles:
    """On a machine where all is root's but what is `foreign`."""
    return TemplateFiles(places, owned_lstat(list(foreign), list(writable)), lambda: 2000)


def put(places: Locations, source: Source, name: str = "describe", text: str = TEXT) -> Path:
    path = files(places).path(source, name)
    path.write_text(text)
    return path


def unavailable(read: TemplateFiles, source: Source, name: str = "describe") -> TemplateUnavailable:
    with pytest.raises(TemplateUnavailable) as caught:
        read.read(source, name)
    error = caught.value
    assert str(read.folder(source).parent) not in error.text  # the page reads that
    return error


@pytest.mark.parametrize("source", SOURCES)
def test_it_is_read_from_beside_the_policy_file_and_from_nowhere_else(places: Locations, source: Source) -> None:
    put(places, source)
    other = SOURCES[1 - SOURCES.index(source)]
    assert files(places).read(source, "describe") == TEXT
    assert unavailable(files(places), other).unknown


def test_each_use_reads_anew(places: Locations) -> None:
    put(places, "user")
    read = files(places)
    assert read.read("user", "describe") == TEXT
    put(places, "user", text="other")
    assert read.read("user", "describe") == "other"


def test_an_unknown_one_is_told_with_those_that_there_are(places: Locations) -> None:
    error = unavailable(files(places), "user")
    assert (error.code, error.retryable) == (ErrorCode.POLICY_DENIED, False)
    assert error.text == 'there is no template "describe" beside the policy file of this grant; there are none'
    for name in ("one", "two.v2"):
        put(places, "user", name)
    put(places, "administrator", "three")
    assert unavailable(files(places), "user").text.endswith("; there are: one, two.v2")
    assert str(files(places).path("user", "describe")) in unavailable(files(places), "user").reason
    for number in range(100):
        put(places, "user", f"a{number:02}")
    assert unavailable(files(places), "user").text.endswith("a18, a19 …")


@given(st.text(max_size=80))
@example("../policy")
@example("a/../../policy")
@example("..")
@example("a..b")
@example("a\0")
@example("a\n")
@example("C:x")
@example("a\\b")
@example("ä")
@example("")
@example("a" * 65)
def test_no_name_leads_out_of_the_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "templates-of-any-name"
    (folder / "templates").mkdir(parents=True, exist_ok=True)
    (folder / "policy.txt").write_text("no template")
    read = files(Locations(folder / "none" / "policy.toml", folder / "policy.toml"))
    with pytest.raises(TemplateUnavailable) as caught:
        read.read("user", name)
    assert caught.value.unknown
    assert caught.value.text.isprintable()
    if is_name(name):
        assert read.path("user", name).resolve().parent == (folder / "templates").resolve()


@pytest.mark.parametrize("source", SOURCES)
def test_one_that_others_could_write_or_replace_is_not_used(places: Locations, source: Source) -> None:
    path = put(places, source)
    for changed in (
        files(places, writable=[path]),
        files(places, writable=[path.parent]),
        files(places, foreign=[path]),
        files(places, foreign=[path.parent]),
        files(places, writable=[path.parent.parent]),
    ):
        error = unavailable(changed, source)
        assert (error.code, error.unknown, error.command) == (
            ErrorCode.POLICY_INVALID,
            False,
            "longwire template check",
        )
        assert str(path.parent.parent) in error.reason
    assert files(places).read(source, "describe") == TEXT


def test_the_users_own_may_be_the_users_and_the_administrators_may_not(places: Locations) -> None:
    mine, theirs = put(places, "user"), put(places, "administrator")
    read = TemplateFiles(places, owned_lstat([mine, theirs]), lambda: 1000)
    assert read.read("user", "describe") == TEXT
    assert "belongs to user id 1000, not to root" in unavailable(read, "administrator").detail


def test_where_a_link_leads_counts(places: Locations, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text(TEXT)
    files(places).path("user", "describe").symlink_to(target)
    assert files(places).read("user", "describe") == TEXT
    unavailable(files(places, writable=[target]), "user")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "it is empty"),
        (b" \n\t\n", "it is empty"),
        (b"one\ntwo \xff", "line 2: it is not UTF-8"),
        (b"\xef\xbb\xbftext", "begins with a byte-order mark"),
        (b"x" * (MAX_TEMPLATE_BYTES + 1), "it is larger than 256 KiB"),
    ],
    ids=["empty", "blank", "bytes", "mark", "large"],
)
def test_what_is_no_template_is_said_to_be_none(places: Locations, data: bytes, says: str) -> None:
    path = put(places, "user")
    path.write_bytes(data)
    error = unavailable(files(places), "user")
    assert error.code is ErrorCode.POLICY_INVALID
    assert says in error.detail


def test_the_largest_passes(places: Locations) -> None:
    put(places, "user", text="x" * MAX_TEMPLATE_BYTES)
    assert len(files(places).read("user", "describe")) == MAX_TEMPLATE_BYTES


def test_what_is_no_regular_file_is_refused_and_does_not_block(places: Locations) -> None:
    path = files(places).path("user", "describe")
    os.mkfifo(path)
    assert "not a regular file" in unavailable(files(places), "user").detail
    path.unlink()
    path.mkdir()
    assert "not a regular file" in unavailable(files(places), "user").detail


def test_the_list_has_what_a_request_can_name_and_the_rest_apart(places: Locations) -> None:
    for name in ("b", "a", ".hidden", "with space", "a..b"):
        put(places, "user", name)
    (files(places).folder("user") / "README.md").write_text("")
    assert files(places).names("user") == ["a", "b"]
    assert [path.name for path in files(places).misnamed("user")] == [".hidden.txt", "a..b.txt", "with space.txt"]
    assert files(places).names("administrator") == []
    (files(places).folder("administrator")).rmdir()
    assert files(places).names("administrator") == []
    assert files(places).misnamed("administrator") == []


FIELDS = st.lists(st.from_regex(r"[A-Z][A-Z0-9_]{0,5}", fullmatch=True), min_size=1, max_size=5, unique=True)


@given(FIELDS, st.data())
def test_a_fields_value_never_puts_in_another_field(names: list[str], data: st.DataObject) -> None:
    """Values are drawn from pieces of fields and of text, so that they look like what they must not be."""
    pieces = st.sampled_from(["{", "}", "{{", "}}", "\\", "$", *names, *(f"{{{name}}}" for name in names), "x"])
    values = {name: "".join(data.draw(st.lists(pieces, max_size=8))) for name in names}
    literals = data.draw(st.lists(st.sampled_from(["", "text", "{", "}", "{}", "\n"]), min_size=6, max_size=6))
    order = data.draw(st.lists(st.sampled_from(names), max_size=5)) + names
    text, expected = "", ""
    for index, name in enumerate(order):
        literal = literals[index % 6] + "|"
        text += f"{literal}{{{name}}}"
        expected += literal + values[name]
    assert Template.parse(text).render(values) == expected
