import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.policy.secret_reader import SecretReader
from longwire.policy.secrets import MAX_SECRET_BYTES, Secret, SecretProblem, SecretSource, SecretUnavailable
from longwire.policy.templates import ValueTemplate
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.limits import MAX_MESSAGE_CHARS

VALUE = "sk-0123456789"


def unavailable(source: SecretSource, environ: dict[bytes, bytes] | None = None) -> str:
    with pytest.raises(StreamError) as caught:
        SecretReader(environ=lambda: environ or {}).read(source)
    assert caught.value.code is ErrorCode.SECRET_UNAVAILABLE
    assert VALUE not in str(caught.value)
    assert source.where not in caught.value.text  # the page reads that
    assert len(caught.value.text) <= MAX_MESSAGE_CHARS
    return caught.value.reason


def file_source(tmp_path: Path, data: bytes) -> SecretSource:
    path = tmp_path / "key"
    path.write_bytes(data)
    path.chmod(0o600)
    return SecretSource("openai", "file", str(path))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_file_gives_its_bytes_without_the_line_end(tmp_path: Path, end: bytes) -> None:
    assert SecretReader().read(file_source(tmp_path, VALUE.encode() + end)).reveal() == VALUE


def test_a_variable_gives_its_bytes() -> None:
    source = SecretSource("openai", "env", "KEY")

    assert SecretReader(environ=lambda: {b"KEY": VALUE.encode() + b"\xfc"}).read(source).reveal() == VALUE + "\xfc"


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGWIRE_TEST_KEY", VALUE)

    assert SecretReader().read(SecretSource("k", "env", "LONGWIRE_TEST_KEY")).reveal() == VALUE


def test_a_secret_never_prints_its_value() -> None:
    secret = Secret("openai", VALUE)

    for text in (repr(secret), str(secret), f"{secret}", f"{[secret]}", f"{ {'a': secret} }"):
        assert VALUE not in text
        assert "openai" in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_missing_variable_is_named() -> None:
    message = unavailable(SecretSource("openai", "env", "OPENAI_API_KEY"))

    assert message == (
        'secret "openai" (environment variable OPENAI_API_KEY) is not set in the environment that the browser was '
        "started with"
    )


def test_what_a_person_has_to_do_about_it_is_a_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def problem(source: SecretSource) -> SecretProblem:
        with pytest.raises(SecretUnavailable) as caught:
            SecretReader(environ=lambda: {b"EMPTY": b""}).read(source)
        assert caught.value.source is source
        assert caught.value.reason == f"{source.describe()} {caught.value.detail}"
        return caught.value.problem

    def refused(*_: object) -> int:
        raise PermissionError

    assert problem(SecretSource("a", "env", "GONE")) is SecretProblem.MISSING
    assert problem(SecretSource("a", "env", "EMPTY")) is SecretProblem.UNUSABLE
    assert problem(SecretSource("a", "file", str(tmp_path / "gone"))) is SecretProblem.MISSING
    assert problem(SecretSource("a", "file", str(tmp_path))) is SecretProblem.UNUSABLE
    monkeypatch.setattr("longwire.policy.secret_files.os.open", refused)
    assert problem(SecretSource("a", "file", str(tmp_path))) is SecretProblem.FORBIDDEN


def test_the_page_is_told_the_name_and_not_the_place() -> None:
    error = SecretSource("openai", "file", "/home/alice/key").unavailable("does not exist")

    assert error.text == 'secret "openai" does not exist; `longwire secret list` says where it is looked for'
    assert error.reason == 'secret "openai" (file /home/alice/key) does not exist'


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert unavailable(SecretSource("openai", "file", str(tmp_path / "gone"))).endswith("gone) does not exist")


def test_what_is_no_regular_file_is_refused_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    assert "not a regular file" in unavailable(SecretSource("a", "file", str(tmp_path / "fifo")))
    assert "not a regular file" in unavailable(SecretSource("a", "file", str(tmp_path)))
    assert "not a regular file" in unavailable(SecretSource("a", "file", "/dev/null"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (VALUE.encode() + b"\n\n", "control character"),
        (VALUE.encode() + b"\r\nX: y", "control character"),
        (VALUE.encode() + b"\0", "control character"),
        (VALUE.encode() + b"\t", "control character"),
        (VALUE.encode() + b"\x7f", "control character"),
        (b"\xef\xbb\xbf" + VALUE.encode(), "byte-order mark"),
        (VALUE.encode() + b" \n", "space"),
        (b" " + VALUE.encode(), "space"),
        (b"x" * (MAX_SECRET_BYTES + 1), "longer than"),
    ],
)
def test_a_value_that_no_header_can_carry_is_named_not_shown(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in unavailable(file_source(tmp_path, data))


def test_the_largest_secret_passes(tmp_path: Path) -> None:
    # No run of one letter: the search at the end of a run would find that in other tests' frames.
    source = file_source(tmp_path, (b"largest-" * MAX_SECRET_BYTES)[:MAX_SECRET_BYTES] + b"\r\n")

    assert len(SecretReader().read(source).reveal()) == MAX_SECRET_BYTES


def test_each_use_reads_anew(tmp_path: Path) -> None:
    source = file_source(tmp_path, b"first-value-1")
    first = SecretReader().read_all([source])
    file_source(tmp_path, b"second-value-2")

    assert first["openai"].reveal() == "first-value-1"
    assert SecretReader().read_all([source])["openai"].reveal() == "second-value-2"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "}",
        "Bearer {secret:}",
        "{secret:a b}",
        "{Secret:a}",
        "{{secret:a}}",
        "a\nb",
        "",
        " a",
        "a ",
        "ü",
        "{env:A}",
    ],
)
def test_a_template_with_anything_odd_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        ValueTemplate.parse(text)


@given(st.lists(st.tuples(st.text(alphabet="ab =", max_size=5), st.sampled_from(["one", "two"])), max_size=4))
def test_a_template_is_filled_in_order(parts: list[tuple[str, str]]) -> None:
    text = "x" + "".join(f"{literal}{{secret:{name}}}" for literal, name in parts) + "y"
    values = {"one": "1{secret:two}", "two": "2"}

    assert (
        ValueTemplate.parse(text).fill(values.__getitem__)
        == "x" + "".join(literal + values[name] for literal, name in parts) + "y"
    )
