from longwire.policy.coverage import unreachable_grants
from tests.unit.policy.samples import grant, grants, policy_text


def reported(*texts: str) -> list[str]:
    return [found.name for found, _ in unreachable_grants(grants(policy_text(*texts)))]


def test_a_grant_behind_its_twin_is_reported() -> None:
    granted = grants(policy_text(grant(name="a"), grant(name="b")))
    ((found, problem),) = unreachable_grants(granted)

    assert found.name == "b"
    assert str(problem) == 'line 8: the grant "b" can never match: "a" before it decides'


def test_a_narrower_one_behind_a_wider_one_is_reported() -> None:
    wide = grant(
        name="wide",
        pages='["https://*.example.com", "http://127.0.0.1:*"]',
        destinations='["https://api.example.com/"]',
    )
    narrow = grant(
        name="narrow",
        pages='["https://*.a.example.com", "https://x.example.com", "http://127.0.0.1:80"]',
        destinations='["https://api.example.com/v1/chat"]',
        methods='["GET"]',
    )

    assert reported(wide, narrow) == ["narrow"]
    assert reported(narrow, wide) == []


def test_one_that_adds_anything_is_not() -> None:
    first = grant(name="a")
    for keys in (
        {"methods": '["GET", "PUT"]'},
        {"pages": '["https://chat.example.com", "https://b.example.com"]'},
        {"pages": '["http://chat.example.com"]'},
        {"destinations": '["https://api.example.com/"]'},
        {"destinations": '["https://api.example.com/v1"]'},
        {"destinations": '["https://api.example.com:8443/v1/"]'},
        {"private_windows": "true"},
    ):
        assert reported(first, grant(name="b", **keys)) == []


def test_disabled_grants_neither_hide_nor_are_reported() -> None:
    assert reported(grant("enabled = false", name="a"), grant(name="b")) == []
    assert reported(grant(name="a"), grant("enabled = false", name="b")) == []


def test_each_entry_may_be_covered_by_another_grant() -> None:
    assert reported(
        grant(name="get", methods='["GET"]'), grant(name="post", methods='["POST"]'), grant(name="both")
    ) == ["both"]


def test_an_enormous_policy_is_loaded_without_the_check_and_told_so() -> None:
    pages = str([f"https://h{number}.example.com" for number in range(200)]).replace("'", '"')
    texts = [grant(name=f"g{number}", pages=pages, destinations=pages) for number in range(4)]
    found = unreachable_grants(grants(policy_text(*texts)))

    assert "too many entries" in str(found[-1][1])
