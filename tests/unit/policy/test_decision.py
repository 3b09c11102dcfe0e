import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.policy.decision import PolicyDeniedError, decide
from longwire.policy.grants import Grant
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.limits import MAX_MESSAGE_CHARS
from tests.unit.policy.samples import grant, grants, policy_text

PAGE = "https://chat.example.com"
URL = "https://api.example.com/v1/chat"
ONE = grants(policy_text(grant()))


def denied(
    granted: tuple[Grant, ...], origin: str = PAGE, method: str = "GET", url: str = URL, *, private: bool = False
) -> PolicyDeniedError:
    with pytest.raises(PolicyDeniedError) as caught:
        decide(granted, origin, private=private, method=method, url=url)
    assert caught.value.code is ErrorCode.POLICY_DENIED
    return caught.value


def test_a_grant_that_matches_decides() -> None:
    decision = decide(ONE, PAGE, private=False, method="POST", url=URL)

    assert (decision.grant.name, decision.method, decision.url.href) == ("g", "POST", URL)


def test_the_first_in_file_order_wins() -> None:
    granted = grants(
        policy_text(
            grant(name="narrow", destinations='["https://api.example.com/v1/chat"]'),
            grant(name="off", destinations='["https://api.example.com/"]', enabled="false"),
            grant(name="wide", destinations='["https://api.example.com/"]'),
        )
    )

    assert decide(granted, PAGE, private=False, method="GET", url=URL).grant.name == "narrow"
    other = "https://api.example.com/v1/other"
    assert decide(granted, PAGE, private=False, method="GET", url=other).grant.name == "wide"


def test_a_private_window_matches_only_grants_that_say_so() -> None:
    granted = grants(policy_text(grant(name="a"), grant(name="b", private_windows="true")))

    assert decide(granted, PAGE, private=False, method="GET", url=URL).grant.name == "a"
    assert decide(granted, PAGE, private=True, method="GET", url=URL).grant.name == "b"
    assert "private_windows = true" in denied(ONE, private=True).text


@pytest.mark.parametrize("origin", ["null", "", "file://", "chrome-extension://abc", "https://chat.example.com/"])
def test_a_page_without_an_http_origin_has_no_grant(origin: str) -> None:
    assert "only http and https pages" in denied(ONE, origin=origin).text


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"method": "PUT"}, "its methods are GET, POST"),
        ({"url": "https://api.example.com/v2/chat"}, "the path is not under /v1/"),
        ({"url": "https://api.example.com/v1/a%2f.."}, "an escaped segment of dots or spaces only"),
        ({"url": "https://api.example.com:8443/v1/x"}, "for port 443, not 8443"),
        ({"url": "http://api.example.com/v1/x"}, "for https, not http"),
        ({"url": "https://other.example.com/v1/x"}, "for another server (https://api.example.com/v1/)"),
    ],
)
def test_a_refusal_says_which_grant_came_nearest_and_what_differs(changes: dict[str, str], difference: str) -> None:
    error = denied(ONE, method=changes.get("method", "GET"), url=changes.get("url", URL))

    assert 'nearest is grant "g"' in error.text
    assert difference in error.text
    assert error.nearest is not None
    assert difference in error.nearest.describe()


def test_a_disabled_grant_can_be_the_nearest() -> None:
    assert "enabled = false" in denied(grants(policy_text(grant("enabled = false")))).text


def test_a_page_learns_nothing_of_grants_for_other_pages() -> None:
    error = denied(ONE, origin="https://stranger.example.com")

    assert '"g"' not in error.text
    assert "chat.example.com" not in error.text.replace("stranger.example.com", "")
    assert error.nearest is not None
    assert error.nearest.describe() == 'grant "g": it is for other pages (https://chat.example.com)'


def test_the_slip_is_nearer_than_the_stranger() -> None:
    granted = grants(
        policy_text(
            grant(name="elsewhere", destinations='["https://elsewhere.example.com"]'),
            grant(name="slip", methods='["PUT"]'),
            grant(name="other-page", pages='["https://other.example.com"]'),
        )
    )
    nearest = denied(granted).nearest

    assert nearest is not None
    assert nearest.grant.name == "slip"


@pytest.mark.parametrize(
    ("url", "network"),
    [
        ("https://api.example.com/v1/chat?key=hidden", "public"),
        ("http://localhost:8000/x", "loopback"),
        ("http://127.0.0.1/", "loopback"),
        ("http://[::1]/", "loopback"),
        ("http://10.1.2.3/a/b", "private"),
    ],
)
def test_the_lines_of_the_message_would_allow_the_request(url: str, network: str) -> None:
    error = denied((), url=url)

    assert "hidden" not in error.text
    lines = re.split(r", (?=[a-z]+ = )", error.text.partition("[[grant]] with ")[2])
    (suggested,) = grants(policy_text("\n".join(["[[grant]]", 'name = "g"', *lines])))
    assert suggested.network == network
    assert decide((suggested,), PAGE, private=False, method="GET", url=url).grant is suggested


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "TRACK", "connect", "", "GE T", "GET\r\n", "A" * 33])
def test_a_method_that_no_policy_could_allow_is_a_protocol_error(method: str) -> None:
    with pytest.raises(StreamError) as caught:
        decide(ONE, PAGE, private=False, method=method, url=URL)
    assert caught.value.code is ErrorCode.PROTOCOL


def test_methods_are_case_sensitive() -> None:
    assert "its methods are GET, POST" in denied(ONE, method="get").text


@given(st.text(max_size=60), st.text(max_size=60).map("https://api.example.com/v1/".__add__) | st.text(max_size=60))
def test_whatever_is_asked_the_answer_is_a_decision_or_a_typed_error(origin: str, url: str) -> None:
    try:
        decision = decide(ONE, origin, private=False, method="GET", url=url)
    except StreamError as error:
        outcome: object = error.code
        longest = len(error.text)
    else:
        outcome = (origin, decision.url.origin, decision.url.path.startswith("/v1/"))
        longest = 0
    allowed = (PAGE, "https://api.example.com", True)
    assert outcome in (ErrorCode.POLICY_DENIED, ErrorCode.PROTOCOL, allowed)
    assert longest <= MAX_MESSAGE_CHARS


@pytest.mark.parametrize(
    ("method", "url", "says"),
    [
        ("patch", URL, 'the page has to write "PATCH"'),
        ("GET", "http://169.254.169.254/", "no grant can open that address"),
    ],
)
def test_what_no_grant_could_allow_is_said_to_be_that(method: str, url: str, says: str) -> None:
    message = denied((), method=method, url=url).text

    assert says in message
    assert "[[grant]]" not in message


def test_a_slip_in_a_grant_of_the_page_is_told_as_the_line_of_it() -> None:
    message = denied(ONE, method="PUT").text

    assert message.endswith('The policy would need methods = ["GET", "POST", "PUT"] in that grant')
