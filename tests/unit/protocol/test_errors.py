"""Every code has its row, and a failure's text always fits the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.protocol.errors import (
    ERRORS,
    Category,
    ErrorCode,
    FrameError,
    LongwireError,
    Phase,
    StreamError,
    printable,
)
from longwire.protocol.limits import MAX_MESSAGE_CHARS
from longwire.protocol.messages import StreamErrorMessage


def test_every_code_has_a_row_in_the_order_of_the_list() -> None:
    assert list(ERRORS) == list(ErrorCode)


@pytest.mark.parametrize("code", ErrorCode)
def test_a_code_is_its_own_name_and_means_something(code: ErrorCode) -> None:
    assert code.name == code.value
    assert ERRORS[code].meaning


def test_of_all_failures_only_the_users_own_stop_is_a_cancellation() -> None:
    """What the page itself aborts ends with the page's own reason, and no code."""
    cancelled = [code for code in ErrorCode if ERRORS[code].category is Category.CANCELLED]
    assert cancelled == [ErrorCode.STOPPED_BY_USER]
    assert not ERRORS[ErrorCode.STOPPED_BY_USER].retryable


def test_a_body_that_was_cut_off_on_its_way_is_a_failure_of_the_network() -> None:
    """As one that the connection broke: which of the two a caller meets is a matter of how the server ended."""
    cut = [ErrorCode.UPSTREAM_TRUNCATED, ErrorCode.UPSTREAM_RESET]
    assert {ERRORS[code].category for code in cut} == {Category.NETWORK}


def test_a_frame_error_is_of_the_protocol() -> None:
    error = FrameError("a frame of length zero")
    assert (error.code, error.info.category) == (ErrorCode.PROTOCOL, Category.PROTOCOL)
    assert str(error) == "PROTOCOL: a frame of length zero"


def test_a_stream_error_knows_its_phase() -> None:
    error = StreamError(ErrorCode.UPSTREAM_DNS, "does not resolve", Phase.CONNECT)
    assert (error.phase, error.info.retryable) == (Phase.CONNECT, True)


def test_a_failure_said_of_another_phase_keeps_all_else() -> None:
    error = StreamError(
        ErrorCode.POLICY_DENIED, "text", Phase.CONNECT, "for the log", retryable=True, needed_network="private"
    )
    later = error.in_phase(Phase.HEADERS)
    assert vars(later) == vars(error) | {"phase": Phase.HEADERS}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("café 日本", "café 日本"),
        ("a\r\nb\x1b[2J\x00", r"a\r\nb\x1b[2J\x00"),
        ("\u202eexe.txt", r"\u202eexe.txt"),
        ("\ud800", r"\ud800"),
        ("x" * MAX_MESSAGE_CHARS, "x" * MAX_MESSAGE_CHARS),
        ("x" * (MAX_MESSAGE_CHARS + 1), "x" * (MAX_MESSAGE_CHARS - 3) + "..."),
        ("\n" * MAX_MESSAGE_CHARS, (r"\n" * MAX_MESSAGE_CHARS)[: MAX_MESSAGE_CHARS - 3] + "..."),
    ],
)
def test_text_is_cut_and_controls_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(), max_size=3_000))
def test_any_failure_fits_its_message(text: str) -> None:
    error = LongwireError(ErrorCode.PROTOCOL, text)
    message = StreamErrorMessage(
        type="STREAM_ERROR", id=1, code=error.code, message=error.text, phase=Phase.BODY, retryable=False
    )
    assert message.message.isprintable()
