import pytest

from longwire.policy.admission import Admission
from longwire.policy.grants import Grant
from longwire.protocol.errors import ErrorCode, StreamError
from tests.unit.policy.samples import grant, grants, policy_text

PAGE = "https://chat.example.com"


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def limited(limits: str) -> Grant:
    return grants(policy_text(grant(f"limits = {{ {limits} }}")))[0]


def refused(admission: Admission, granted: Grant) -> str:
    with pytest.raises(StreamError) as caught:
        admission.enter(granted, PAGE)
    assert caught.value.code is ErrorCode.LIMIT_EXCEEDED
    return caught.value.text


def test_a_stream_past_the_limit_is_refused_until_one_is_closed() -> None:
    admission, granted = Admission(), limited("streams = 2")
    first, _second = admission.enter(granted, PAGE), admission.enter(granted, PAGE)

    assert refused(admission, granted) == 'the grant "g" allows 2 streams at once'
    first.leave()
    first.leave()  # a second time frees nothing more
    admission.enter(granted, PAGE)
    refused(admission, granted)
    assert admission.open_streams("g") == 2


def test_sockets_and_streams_are_counted_apart() -> None:
    admission, granted = Admission(), limited("streams = 1, sockets = 1")
    stream, socket = admission.enter(granted, PAGE), admission.enter(granted, PAGE, socket=True)
    with pytest.raises(StreamError, match="1 sockets at once"):
        admission.enter(granted, PAGE, socket=True)
    stream.leave()
    with pytest.raises(StreamError, match="1 sockets at once"):
        admission.enter(granted, PAGE, socket=True)
    socket.leave()
    socket.leave()
    admission.enter(granted, PAGE, socket=True)


def test_requests_past_a_minutes_number_wait_for_the_clock() -> None:
    clock = Clock()
    admission, granted = Admission(clock), limited("requests_per_minute = 3")
    for _ in range(3):
        admission.enter(granted, PAGE).leave()

    assert "3 requests per minute" in refused(admission, granted)
    clock.now_s += 19.9
    refused(admission, granted)
    clock.now_s += 0.2
    admission.enter(granted, PAGE).leave()
    refused(admission, granted)


def test_no_more_than_one_minutes_number_is_saved_up() -> None:
    clock = Clock()
    admission, granted = Admission(clock), limited("requests_per_minute = 2")
    admission.enter(granted, PAGE).leave()
    clock.now_s += 3600
    for _ in range(2):
        admission.enter(granted, PAGE).leave()
    refused(admission, granted)


def test_a_refused_stream_costs_no_request() -> None:
    clock = Clock()
    admission, granted = Admission(clock), limited("streams = 1, requests_per_minute = 2")
    ticket = admission.enter(granted, PAGE)
    for _ in range(5):
        refused(admission, granted)
    ticket.leave()
    admission.enter(granted, PAGE)


def test_a_redirect_is_a_request_like_any_other() -> None:
    admission, granted = Admission(Clock()), limited("streams = 1, requests_per_minute = 3")
    admission.enter(granted, PAGE)
    for _ in range(2):
        admission.request_again(granted, PAGE)

    with pytest.raises(StreamError, match="3 requests per minute"):
        admission.request_again(granted, PAGE)
    assert admission.open_streams("g") == 1


def test_counts_survive_a_reload_and_a_lower_limit_holds_at_once() -> None:
    admission = Admission()
    tickets = [admission.enter(limited("streams = 3"), PAGE) for _ in range(3)]
    tickets[0].leave()

    refused(admission, limited("streams = 1"))


def test_without_limits_everything_enters() -> None:
    admission, granted = Admission(), grants(policy_text(grant()))[0]
    for _ in range(2000):
        admission.enter(granted, PAGE)
    assert admission.open_streams("g") == 2000


def test_each_page_has_a_count_of_its_own() -> None:
    admission, granted = Admission(), limited("streams = 1, requests_per_minute = 1")
    admission.enter(granted, PAGE)

    refused(admission, granted)
    admission.enter(granted, "https://other.example.com")
    assert admission.open_streams("g") == 2


def test_pages_that_came_and_went_are_forgotten_and_those_that_matter_are_not() -> None:
    clock = Clock()
    admission, granted = Admission(clock), limited("streams = 1, requests_per_minute = 1")
    admission.enter(granted, PAGE)  # stays open
    for port in range(3000):
        admission.enter(granted, f"http://127.0.0.1:{port}").leave()
    clock.now_s += 61
    admission.enter(granted, "http://127.0.0.1:1").leave()

    assert len(admission._usage) == 2
    refused(admission, granted)
