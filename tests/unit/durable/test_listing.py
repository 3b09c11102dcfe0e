"""A listed request: what a daemon tells of one, and what a command of another version makes of it."""

import json

import pytest

from longwire.durable.listing import ListedRequest, short
from longwire.durable.record import Failure, Record, RecordState
from longwire.protocol.errors import ErrorCode, Phase
from tests.unit.durable.samples import START, request

FAILED = request().model_copy(
    update={
        "state": RecordState.FAILED,
        "owner": "",
        "ended_ms": START + 1,
        "failure": Failure(code=ErrorCode.UPSTREAM_RESET, message="it broke off", phase=Phase.BODY, retryable=True),
    }
)


@pytest.mark.parametrize("record", [request(), FAILED], ids=["running", "failed"])
def test_what_is_told_is_read_again_as_it_was(record: Record) -> None:
    listed = ListedRequest.of(record, first=7)
    assert ListedRequest.read(json.loads(json.dumps(listed.told()))) == listed


def test_a_failure_is_told_by_code_and_message_alone() -> None:
    assert ListedRequest.of(FAILED).told()["error"] == {"code": "UPSTREAM_RESET", "message": "it broke off"}


def test_a_newer_daemon_may_tell_more_and_none_may_tell_less() -> None:
    told = ListedRequest.of(request()).told()
    assert ListedRequest.read(told | {"size": 3}) == ListedRequest.of(request())
    del told["readers"]
    with pytest.raises(KeyError):
        ListedRequest.read(told)


def test_its_page_hears_neither_profile_nor_id() -> None:
    listed = ListedRequest.of(request())
    said = json.dumps(listed.for_page())
    assert listed.id not in said
    assert listed.profile not in said


def test_only_a_running_record_is_another_daemons() -> None:
    assert [ListedRequest.of(record).elsewhere for record in (request(), FAILED)] == [True, False]


def test_an_id_is_shown_by_its_beginning() -> None:
    assert short("0123456789abcdef" * 4) == "0123456789ab"
