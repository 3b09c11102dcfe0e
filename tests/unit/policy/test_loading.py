import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.assets import manifests_folder
from longwire.policy.files import read_policy
from longwire.policy.loading import MAX_POLICY_BYTES, parse_policy
from longwire.policy.model import policy_json_schema
from tests.unit.policy.samples import CHAT, grant, grants, policy_text

FULL = """\
version = 1
user_grants = false

[[grant]]
name = "chat"
pages = ["https://chat.example.com", "http://localhost:5173", "https://*.tools.example.com", "http://127.0.0.1:*"]
destinations = ["https://api.openai.com/v1/"]
methods = ["GET", "POST"]
network = "public"
inject = { Authorization = "Bearer {secret:openai}" }
enabled = true
private_windows = false
request_headers = ["content-type", "accept", "openai-*"]
response_headers = ["Content-Type", "x-request-id"]
reflection_guard = true
proxy = "http://proxy.example.com:3128"
ca_file = "/etc/ssl/company.pem"
limits = { streams = 8, sockets = 4, message_bytes = "1MiB", requests_per_minute = 120, bytes = "2GiB", \
header_timeout = "5m", total_timeout = "2h" }

[secret.openai]
file = "/run/secrets/openai"
"""


def problems(text: str) -> list[str]:
    return [str(problem) for problem in parse_policy(text.encode(), Path("p"), "user").problems]


def warnings(text: str) -> list[str]:
    document = parse_policy(text.encode(), Path("p"), "user")
    assert document.problems == ()
    return [str(warning) for warning in document.warnings]


def test_every_key_of_the_format_arrives() -> None:
    (only,) = grants(FULL)

    assert [str(page) for page in only.pages][2:] == ["https://*.tools.example.com", "http://127.0.0.1:*"]
    assert [str(destination) for destination in only.destinations] == ["https://api.openai.com/v1/"]
    assert (only.methods, only.network, only.ca_file) == (("GET", "POST"), "public", "/etc/ssl/company.pem")
    assert [(name, template.secrets) for name, template in only.inject] == [("Authorization", ("openai",))]
    assert [source.describe() for source in only.secrets] == ['secret "openai" (file /run/secrets/openai)']
    assert only.request_headers == ("content-type", "accept", "openai-*")
    assert only.response_headers == ("content-type", "x-request-id")
    assert (only.limits.streams, only.limits.requests_per_minute, only.limits.bytes) == (8, 120, 2 * 1024**3)
    assert (only.limits.sockets, only.limits.message_bytes) == (4, 1024**2)
    assert (only.limits.header_timeout_ms, only.limits.total_timeout_ms) == (300_000, 7_200_000)
    assert (only.enabled, only.private_windows, only.reflection_guard) == (True, False, True)
    assert (only.source, only.line) == ("user", 4)


def test_the_defaults_are_the_closed_ones() -> None:
    (only,) = grants(policy_text(grant()))

    assert (only.network, only.inject, only.private_windows, only.reflection_guard) == ("public", (), False, True)
    assert (only.request_headers, only.response_headers, only.limits.streams) == (None, None, None)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("streams = 8", "streamz = 8", 'line 18, field grant[0].limits.streamz: unknown key, did you mean "streams"?'),
        ("ca_file", "cafile", 'line 17, field grant[0].cafile: unknown key, did you mean "ca_file"?'),
        ("user_grants", "user_grant", 'line 2, field user_grant: unknown key, did you mean "user_grants"?'),
        ("\nfile =", "\npath =", "line 21, field secret.openai.path: unknown key; the keys here are command, env"),
        ('methods = ["GET", "POST"]\n', "", 'line 4, field grant[0]: the key "methods" is missing'),
        ("version = 1\n", "", 'line 1: the key "version" is missing'),
        ("version = 1", "version = 2", "line 1, field version: this version of Longwire reads version = 1"),
        ("version = 1", "version = true", "line 1, field version: this version of Longwire reads version = 1"),
        ('"POST"]', "5]", "line 8, field grant[0].methods[1]: must be a text"),
        ('"POST"]', '"post"]', 'line 8, field grant[0].methods[1]: methods are case-sensitive: write "POST"'),
        ('["GET", "POST"]', "[]", "line 8, field grant[0].methods: must have at least 1 entry"),
        ('["GET", "POST"]', '"GET"', 'line 8, field grant[0].methods: must be a list: write ["GET", "POST"]'),
        ('"public"', '"publick"', "line 9, field grant[0].network: must be 'public', 'private' or 'loopback'"),
        ("enabled = true", 'enabled = "yes"', "line 11, field grant[0].enabled: must be true or false"),
        ("streams = 8", 'streams = "8"', "line 18, field grant[0].limits.streams: must be a whole number"),
        ("streams = 8", "streams = 0", "line 18, field grant[0].limits.streams: must be at least 1"),
        ("streams = 8", "streams = 1025", "line 18, field grant[0].limits.streams: must be at most 1024"),
        ('"1MiB"', '"65MiB"', 'line 18, field grant[0].limits.message_bytes: must be at most "64MiB"'),
        ("sockets = 4", "sockets = 0", "line 18, field grant[0].limits.sockets: must be at least 1"),
        ('"2GiB"', '"2 GB/s"', "line 18, field grant[0].limits.bytes: must be a size"),
        ('"5m"', "300", "line 18, field grant[0].limits.header_timeout: must be a duration"),
        ('"2h"', '"25h"', "line 18, field grant[0].limits.total_timeout: must be between"),
        ("limits = {", "limits = 5 # {", "line 18, field grant[0].limits: must be a table"),
        ("proxy = ", "proxy = 5 # ", "line 16, field grant[0].proxy: must be a text"),
        ('proxy = "http:', 'proxy = "https:', 'line 16, field grant[0].proxy: must be "http://host:port": TLS'),
        (":3128", "", 'line 16, field grant[0].proxy: must be "http://host:port"; the port is not optional'),
        ("//proxy.", "//me:pw@proxy.", 'line 16, field grant[0].proxy: must be "http://host:port", without a user'),
        (":3128", ":3128/x", 'line 16, field grant[0].proxy: must be "http://host:port", without a path'),
        ('"public"', '"loopback"', "line 16, field grant[0].proxy: leads away from this machine"),
        ('file = "/run/secrets/openai"', 'keyring = " x"', "line 21, field secret.openai.keyring: must be the name of"),
        ("version = 1\n", 'version = 1\nenabled = "no"\n', "line 2, field enabled: must be true or false"),
        ('file = "/run/secrets/openai"', "", "line 20, field secret.openai: must have exactly one of env, file"),
        ('file = "/run/secrets/openai"', 'file = "x"', "line 21, field secret.openai.file: must be an absolute path"),
        ("\nfile =", '\nenv = "X"\nfile =', "line 20, field secret.openai: must have exactly one of env, file"),
        ("[secret.openai]", "[secret.x]", "line 10, field grant[0].inject.Authorization: there is no [secret.openai]"),
        ("[secret.openai]", '[secret."a b"]', "line 20, field secret.a b: a secret's name has"),
        ("Authorization", '"Host"', "line 10, field grant[0].inject.Host: belongs to the HTTP stack"),
        ("Authorization", '"Proxy-Authorization"', "line 10, field grant[0].inject.Proxy-Authorization: belongs"),
        ("Authorization", '"a b"', "line 10, field grant[0].inject.a b: is not a header name"),
        ("{ Auth", '{ AUTHORIZATION = "x", Auth', "line 10, field grant[0].inject.Authorization: the same header"),
        ("{ Auth", '{ X-Key = "x", X_Key = "y", Auth', "line 10, field grant[0].inject.X_Key: the same header"),
        ('"openai-*"', '"*-openai"', "line 13, field grant[0].request_headers[2]: must be a header name"),
        ('"https://*.tools.example.com"', '"https://*.com"', "line 6, field grant[0].pages[2]: "),
        ('name = "chat"', 'name = " chat"', "line 5, field grant[0].name: must be printable"),
        ('name = "chat"', 'name = "chat', "line 5: not valid TOML: Illegal character"),
        ("user_grants = false", "user_grants = ", "line 2: not valid TOML: Invalid value"),
        ("user_grants = false", "version = 1", "line 2: not valid TOML: Cannot overwrite a value"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_line_field_and_what_was_expected(old: str, new: str, expected: str) -> None:
    assert old in FULL
    found = problems(FULL.replace(old, new, 1))

    assert any(text.startswith(expected) for text in found), found


@pytest.mark.parametrize(
    ("old", "new", "right"),
    [
        ("[[grant]]", "[grant]", "[[grant]]"),
        ('pages = ["https://chat.example.com"', 'pages = ["chat.example.com"', '"https://chat.example.com"'),
        ('"http://localhost:5173"', '"localhost:5173"', '"http://localhost:5173"'),
        ('"https://chat.example.com"', '"HTTPS://chat.example.com"', '"https"'),
        ('["https://api.openai.com/v1/"]', '["api.example.com/v1/"]', '"https://api.example.com/v1/"'),
        ('["https://api.openai.com/v1/"]', '"https://api.example.com/v1/"', '["https://api.example.com/v1/"]'),
        ('["https://api.openai.com/v1/"]', '["*"]', '"https://chat.example.com"'),
        ('["GET", "POST"]', '["*"]', '["GET", "POST"]'),
        ('"public"', '"Public"', '"public"'),
        ('total_timeout = "2h"', "total_timeout = 7200", '"7200s"'),
        ('total_timeout = "2h"', 'total_timeout = "7200"', '"7200s"'),
        ('"2GiB"', '"2000"', '"2000B"'),
    ],
)
def test_the_usual_mistakes_are_answered_with_the_right_form(old: str, new: str, right: str) -> None:
    assert old in FULL
    found = problems(FULL.replace(old, new, 1))

    assert any(right in text for text in found), found


@pytest.mark.parametrize(
    "key", ["sk-proj-Q1w2E3r4", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.SflKxwRJSMeKKF2Q", "1234567890123"]
)
def test_a_key_that_was_pasted_where_a_page_belongs_is_not_shown(key: str) -> None:
    found = problems(FULL.replace('"https://chat.example.com"', f'"{key}"', 1))

    assert found
    assert not any(key in text for text in found), found


def test_the_line_is_right_in_the_third_grant_too() -> None:
    text = policy_text(grant(name="a"), grant(name="b"), grant("enabeld = true", name="c"))

    assert problems(text) == ['line 19, field grant[2].enabeld: unknown key, did you mean "enabled"?']


def test_all_problems_are_told_in_file_order() -> None:
    found = problems(FULL.replace('"POST"]', '"post"]').replace("version = 1", "version = 1\nfoo = 1"))

    assert [text.partition(",")[0] for text in found] == ["line 2", "line 9"]


def test_two_grants_of_one_name_are_a_mistake() -> None:
    assert problems(policy_text(grant(), grant())) == ["line 9, field grant[1].name: grant[0] has the same name"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xef\xbb\xbfversion = 1", "line 1: it begins with a byte-order mark"),
        (b"version = 1\n# \xff", "line 2: it is not UTF-8"),
        (b"#" * (MAX_POLICY_BYTES + 1), "larger than"),
        (b"a = " + b"[" * 5000, "nested too deeply"),
        (b"a = " + b"[" * 40 + b"]" * 40, "nested too deeply"),
        (b"a = " + b"1" * 5000, "a number that is too long"),
        (b"[[grant]]\nlimits.streams = -" + b"9" * 5000, "a number that is too long"),
        (b"", 'the key "version" is missing'),
    ],
)
def test_files_that_are_no_policy_at_all(data: bytes, expected: str) -> None:
    document = parse_policy(data, Path("p"), "user")

    assert document.grants == ()
    assert expected in str(document.problems[0])


@pytest.mark.parametrize("key", ["a", '"a"', "'a'", " a\t"])
@pytest.mark.parametrize(("before", "after"), [("", " = 1"), ("x = { y = 1, ", " = 1 }"), ("[", "]"), ("[[", "]]")])
def test_a_key_of_very_many_parts_is_refused_before_it_takes_time(
    monkeypatch: pytest.MonkeyPatch, before: str, key: str, after: str
) -> None:
    read: list[str] = []
    monkeypatch.setattr("tomllib.loads", read.append)

    found = problems(f"version = 1\n{before}{'.'.join([key] * 20_000)}{after}")

    assert found == ["its keys, lists or tables are nested too deeply"]
    assert read == []


def test_dots_in_values_are_not_parts_of_a_key() -> None:
    host = ".".join(["a"] * 60)
    assert problems(policy_text(grant(destinations=f'["https://{host}/{host}", "https://b.test/"]'))) == []


def test_what_is_no_file_is_a_problem_and_no_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo"):
        assert "not a regular file" in str(read_policy(path, "user").problems[0])
    assert "it was there a moment ago" in str(read_policy(tmp_path / "gone", "user").problems[0])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").touch(mode=0o000)

    assert "may not read it" in str(read_policy(tmp_path / "policy.toml", "user").problems[0])


def test_no_problem_quotes_a_value() -> None:
    canary = "sk-canary-0123456789"
    for place in ("name = ", "network = ", "ca_file = ", "inject = ", "pages = ", "enabled = "):
        for value in (f'"{canary}\\u0000"', f'["{canary} "]', f'{{ a = "{canary}{{" }}', f'"{canary}', f"'{canary}''"):
            for text in problems(policy_text(grant(name="x"), f"[[grant]]\n{place}{value}")):
                assert canary not in text


def test_no_problem_quotes_what_was_pasted_where_a_name_belongs() -> None:
    canary = "sk-canary-0123456789-abcdefghijklmnop"
    for line in (f"{canary} = 1", f'inject = {{ "{canary}:" = "x" }}', f'inject = {{ A = "{{secret:{canary}}}" }}'):
        found = problems(policy_text(grant(line)))
        assert found
        assert canary not in str(found)
    assert canary not in str(problems(policy_text(grant(), f'[secret."{canary}"]')))
    assert canary not in str(problems(policy_text(f"[{canary}]")))


def test_what_is_useless_is_a_warning() -> None:
    assert warnings(CHAT + '[secret.other]\nenv = "X"\n') == [
        "line 13, field secret.other: no grant injects this secret"
    ]
    assert "administrator's file only" in warnings("version = 1\nuser_grants = true\n")[0]
    text = policy_text(grant(destinations='["http://localhost:8000"]'))
    assert warnings(text) == [
        'line 5, field grant[0].destinations[0]: is this machine, which network = "public" does not reach: '
        'write network = "loopback" if it is meant'
    ]
    assert warnings(text.replace("methods", 'network = "loopback"\nmethods')) == []


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_the_parser_raise(data: bytes) -> None:
    document = parse_policy(data, Path("p"), "user")

    assert document.problems or not document.grants


@given(st.data())
def test_no_mutilated_policy_makes_the_parser_raise(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(FULL)))
    end = data.draw(st.integers(start, min(start + 40, len(FULL))))
    insert = data.draw(st.text(alphabet='[]{}"=,.\n#1atrue ', max_size=10))
    document = parse_policy((FULL[:start] + insert + FULL[end:]).encode(), Path("p"), "user")

    assert all(problem.line is None or problem.line >= 1 for problem in document.problems)


def test_the_schema_in_manifests_is_the_models() -> None:
    written = (manifests_folder() / "policy.schema.json").read_text(encoding="utf-8")

    assert json.loads(written) == policy_json_schema()
    assert written.endswith("}\n")
