"""What is known of one request, and whose it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from longwire.durable.record import NOBODY, Entry, Failure, Key, Record, RecordState
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from tests.unit.durable.samples import START, ended, request

TEXTS = st.text(max_size=20)


@given(st.tuples(TEXTS, TEXTS, TEXTS), st.tuples(TEXTS, TEXTS, TEXTS))
def test_two_keys_have_one_id_exactly_if_profile_origin_and_name_are_the_same(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert (Key(*one).id == Key(*other).id) == (one == other)
    assert len(Key(*one).id) == 64


def test_the_id_of_a_key_stays_what_it_was() -> None:
    # It is the name of files that the next version finds.
    key = Key("profile-1", "https://chat.example.com", "answer-42 ü")
    assert key.id == "ed11b0c8c3d0518dcf35a60728c809ab7fa57fd8e663714829f84c1e2ee11e57"


@pytest.mark.parametrize("name", ["a", "answer 42", "ключ/…?#%", "x" * 128])
def test_a_key_has_printable_characters(name: str) -> None:
    assert Key.of("p", "https://a", name).name == name


@pytest.mark.parametrize("name", ["", "x" * 129, "a\nb", "\x00", "a\u202eb", "\ud800", "\u2028"])
def test_any_other_key_is_refused_with_what_it_may_be(name: str) -> None:
    with pytest.raises(StreamError, match="1 to 128 printable characters") as refused:
        Key.of("p", "https://a", name)
    assert refused.value.code == ErrorCode.PROTOCOL


def test_a_record_is_the_same_when_it_was_written_and_read() -> None:
    failure = Failure(code=ErrorCode.UPSTREAM_RESET, message="gone", phase=Phase.BODY, retryable=True)
    record = ended(request(ask={"frame": 0, "document": "d", "parts": [1, None, {"a": "ü"}]}), 5)
    for each in (request(), record, record.model_copy(update={"state": RecordState.FAILED, "failure": failure})):
        assert Record.model_validate_json(each.model_dump_json(exclude_none=True)) == each


def test_a_record_has_nothing_that_is_not_known() -> None:
    fields = json.loads(request().model_dump_json(exclude_none=True))
    assert fields["version"] == 1
    for wrong in ({"version": 2}, {"more": 1}, {"state": "paused"}, {"digest": "x"}, {"owner": "../x"}, {"bytes": -1}):
        with pytest.raises(ValidationError):
            Record.model_validate_json(json.dumps({**fields, **wrong}))


def test_what_has_ended_has_a_deadline_and_what_runs_or_is_unknown_has_none() -> None:
    record = request(keep_ms=500)
    done = ended(record, 1, START + 10)
    failed = done.model_copy(update={"state": RecordState.FAILED})
    unknown = done.model_copy(update={"state": RecordState.UNKNOWN})
    assert [each.deadline_ms for each in (record, done, failed, unknown)] == [None, START + 510, START + 510, None]
    assert [each.over for each in (record, done, failed, unknown)] == [False, True, True, False]


def test_a_record_knows_its_key_and_its_entry() -> None:
    record = request("n", NOBODY)
    assert record.key == Key("profile-1", "https://chat.example.com", "n")
    assert record.id == record.key.id
    assert record.entry == Entry("chat", "https://chat.example.com")
    unread = Record.unreadable(record.key, "one")
    assert (unread.id, unread.state, unread.deadline_ms) == (record.id, RecordState.UNKNOWN, None)
