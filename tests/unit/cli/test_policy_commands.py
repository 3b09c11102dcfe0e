import json
import re
import sys
from pathlib import Path

import pytest

from longwire.engine.validation import validated
from longwire.policy import Locations, PolicyStore
from longwire.policy.model import GrantEntry, LimitsEntry, policy_json_schema
from tests.unit.home import Home
from tests.unit.policy.samples import CHAT, grant, owned_lstat, policy_text

ASK = ("policy", "check", "--page", "https://chat.example.com", "--url")


NOTE = (
    'secret "key" (environment variable LONGWIRE_TEST_KEY) is this shell\'s here: '
    "the browser must be started with it too"
)


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGWIRE_TEST_KEY", "a-secret-of-more-than-12-bytes")


@pytest.fixture
def granted(home: Home) -> Home:
    home.write_policy(CHAT)
    return home


def test_check_names_the_grant_that_decides(granted: Home) -> None:
    done = granted.run(*ASK, "https://api.example.com/v1/chat", "--method", "POST")

    assert done.code == 0
    assert done.out.splitlines() == [
        "allowed    POST https://api.example.com/v1/chat",
        f'grant      "chat", {granted.policy} line 3',
        "network    the address must be public",
        "injected   Authorization",
        f"note       {NOTE}",
    ]


def test_check_makes_what_a_person_types_canonical(granted: Home) -> None:
    done = granted.run(
        "policy", "check", "--page", "HTTPS://chat.example.com:443/x", "--url", "https://API.example.com/v1/"
    )

    assert done.code == 0


def test_check_names_the_nearest_grant_and_what_to_add(granted: Home) -> None:
    done = granted.run(*ASK, "https://api.example.com/v2/chat")

    assert done.code == 1
    assert f'nearest    grant "chat", {granted.policy} line 3' in done.out
    assert "the path is not under /v1/" in done.out
    assert 'destinations = ["https://api.example.com/v2/"]' in done.out


@pytest.mark.parametrize(
    ("line", "asked", "change"),
    [
        ('methods = ["GET", "POST"]', ("--method", "PUT"), 'methods = ["GET", "POST", "PUT"]'),
        ("enabled = false", (), "enabled = true"),
        ("private_windows = false", ("--private",), "private_windows = true"),
    ],
)
def test_check_prints_the_one_line_of_the_nearest_grant_that_would_have_to_change(
    home: Home, line: str, asked: tuple[str, ...], change: str
) -> None:
    text = CHAT if line in CHAT else CHAT.replace('network = "public"', f'network = "public"\n{line}')
    home.write_policy(text)
    denied = home.run(*ASK, "https://api.example.com/v1/chat", *asked)

    assert denied.code == 1
    assert denied.out.endswith(f"\n\nThis in that grant would allow it:\n\n{change}\n")
    assert "[[grant]]" not in denied.out
    home.write_policy(text.replace(line, change))
    assert home.run(*ASK, "https://api.example.com/v1/chat", *asked).code == 0


def test_check_prints_every_line_of_it_and_a_grant_where_lines_do_not_help(home: Home) -> None:
    home.write_policy(CHAT.replace('network = "public"', 'network = "public"\nenabled = false'))
    two = home.run(*ASK, "https://api.example.com/v1/chat", "--method", "PUT")
    elsewhere = home.run(*ASK, "https://api.example.com/v2/chat", "--method", "PUT")

    assert two.out.endswith('\n\nmethods = ["GET", "POST", "PUT"]\nenabled = true\n')
    assert f"This would allow it, in {home.policy}:\n\n[[grant]]\n" in elsewhere.out


def test_check_speaks_json(granted: Home) -> None:
    allowed = granted.run(*ASK, "https://api.example.com/v1/chat", "--json")
    denied = granted.run(*ASK, "https://api.example.com/v1/chat", "--method", "PUT", "--json")

    assert json.loads(allowed.out) == {
        "allowed": True,
        "method": "GET",
        "url": "https://api.example.com/v1/chat",
        "grant": "chat",
        "file": str(granted.policy),
        "line": 3,
        "network": "public",
        "features": None,
        "proxy": None,
        "inject": ["Authorization"],
        "notes": [NOTE],
    }
    answer = json.loads(denied.out)
    assert denied.code == 1
    assert (answer["allowed"], answer["code"]) == (False, "POLICY_DENIED")
    assert answer["nearest"]["differences"] == ["its methods are GET, POST"]
    assert answer["nearest"]["changes"] == ['methods = ["GET", "POST", "PUT"]']
    assert answer["suggestion"] is None
    assert answer["put_into"] == str(granted.policy)
    elsewhere = json.loads(granted.run(*ASK, "https://api.example.com/v2/", "--json").out)
    assert elsewhere["suggestion"].startswith("[[grant]]")
    assert elsewhere["suggestion"].endswith('inject = { Authorization = "Bearer {secret:key}" }')


def test_check_without_a_policy_is_a_denial(home: Home) -> None:
    done = home.run(*ASK, "https://api.example.com/")

    assert done.code == 1
    assert "no policy file" in done.out


def test_check_with_a_broken_policy_says_line_and_field(home: Home) -> None:
    home.write_policy(CHAT.replace("methods", "method"))
    done = home.run(*ASK, "https://api.example.com/v1/", "--json")

    assert done.code == 1
    assert json.loads(done.out)["code"] == "POLICY_INVALID"
    assert f"{home.policy}: line " in json.loads(done.out)["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--page", "null", "--url", "https://api.example.com/"),
        ("--page", "https://chat.example.com", "--url", "/v1"),
        ("--page", "https://chat.example.com", "--url", "https://api.example.com/", "--method", "TRACE"),
        ("--page", "https://chat.example.com"),
        (),
    ],
)
def test_a_question_that_makes_no_sense_is_misuse(granted: Home, arguments: tuple[str, ...]) -> None:
    done = granted.run("policy", "check", *arguments)

    assert (done.code, done.out) == (2, "")
    assert done.err


def test_show_tells_every_setting_of_a_grant_and_its_file(granted: Home) -> None:
    done = granted.run("policy", "show")
    lines = done.out.splitlines()
    at = lines.index(f'grant      "chat", {granted.policy} line 3')
    settings = [line.split() for line in lines[at + 1 :]]

    assert done.code == 0
    assert settings[:8] == [
        ["principal", "page:", "its", "own", "scripts"],
        ["pages", "https://chat.example.com"],
        ["http://localhost:5173"],
        ["generate", "with", "no", "provider"],
        ["destinations", "https://api.example.com/v1/"],
        ["methods", "GET", "POST"],
        ["network", "public"],
        ["inject", "Authorization,", "with", "{secret:key}"],
    ]
    told = {line[0].partition(".")[0] for line in settings} - {"http://localhost:5173", "secrets"}
    assert told | {"name"} == GrantEntry.model_fields.keys()
    limits = {line[0].partition(".")[2] for line in settings if line[0].startswith("limits.")}
    assert limits == LimitsEntry.model_fields.keys()


def test_show_tells_how_much_of_durable_requests_is_kept_and_for_how_long(home: Home) -> None:
    home.write_policy(policy_text(grant('durable = { max_bytes = "2MiB", keep = "2h", detached = "90s" }')))

    kept = "2,097,152 bytes for each entry of pages, kept for 2h, 90s without a page"
    assert re.search(rf"^  durable +{kept}$", home.run("policy", "show").out, re.MULTILINE)
    (only,) = json.loads(home.run("policy", "show", "--json").out)["grants"]
    assert only["durable"] == {"max_bytes": 2 * 1024 * 1024, "keep_ms": 7_200_000, "detached_ms": 90_000}


def test_show_never_shows_a_value_that_is_injected(home: Home) -> None:
    home.write_policy(policy_text(grant('inject = { Authorization = "Bearer sk-pasted-0123" }')))

    assert "sk-pasted" not in home.run("policy", "show").out


def test_show_in_json_names_the_file_of_each_grant(granted: Home) -> None:
    (only,) = json.loads(granted.run("policy", "show", "--json").out)["grants"]

    assert (only["file"], only["line"]) == (str(granted.policy), 3)


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("https://api.example.com/v1/chat", "\x1b[1;32mallowed\x1b[0m"),
        ("https://x.example.com/", "\x1b[1;31mdenied\x1b[0m"),
    ],
)
def test_the_verdict_is_coloured_in_a_terminal(
    granted: Home, monkeypatch: pytest.MonkeyPatch, url: str, verdict: str
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert granted.run(*ASK, url).out.startswith(verdict)


@pytest.mark.parametrize("width", ["80", "200"])
def test_a_terminal_gets_a_table_only_where_it_fits(home: Home, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    place = "/home/jane/a-folder-of-some-department/that-has-a-long-name/secrets/key"
    home.write_policy(CHAT.replace('env = "LONGWIRE_TEST_KEY"', f'file = "{place}"'))
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", home.run("secret", "list").out).splitlines()

    assert any(place in line for line in lines), lines
    assert (lines[0].split() == ["name", "kind", "place", "state", "grants"]) == (width == "200")


def test_show_tells_warnings_and_files(home: Home) -> None:
    home.write_policy(policy_text(grant(name="a"), grant(name="b")))
    done = home.run("policy", "show")

    assert f"file       {home.policy}" in done.out
    assert 'the grant "b" can never match' in done.out


def test_show_without_a_policy_says_where_it_belongs(home: Home) -> None:
    done = home.run("policy", "show")

    assert done.code == 0
    assert str(home.policy) in done.out
    assert "/etc/longwire/policy.toml" in done.out


def test_show_with_a_broken_policy_is_a_finding(home: Home) -> None:
    home.write_policy("version = 3")
    done = home.run("policy", "show", "--json")

    assert done.code == 1
    assert json.loads(done.out)["state"] == "invalid"


def test_show_in_json_names_secrets_and_never_reads_them(granted: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGWIRE_TEST_KEY", "sk-canary")
    done = granted.run("policy", "show", "--json")
    (only,) = json.loads(done.out)["grants"]

    assert only["secrets"] == ['secret "key" (environment variable LONGWIRE_TEST_KEY)']
    assert only["limits"]["bytes"] is None
    assert "sk-canary" not in done.out


def test_check_asks_for_a_private_window_too(granted: Home) -> None:
    done = granted.run(*ASK, "https://api.example.com/v1/chat", "--private")

    assert done.code == 1
    assert "private_windows = true" in done.out


def test_check_says_that_a_proxy_resolves_the_name(home: Home) -> None:
    home.write_policy(policy_text(grant('proxy = "http://proxy.example.com:3128"')))
    done = home.run(*ASK, "https://api.example.com/v1/chat")

    assert "proxy      http://proxy.example.com:3128, which resolves the name" in done.out


def test_show_says_that_everything_is_switched_off(home: Home) -> None:
    home.write_policy(CHAT.replace("version = 1", "version = 1\nenabled = false"))
    shown, machine = home.run("policy", "show"), home.run("policy", "show", "--json")
    checked = home.run(*ASK, "https://api.example.com/v1/chat")

    assert f"off        {home.policy} says enabled = false" in shown.out
    assert json.loads(machine.out)["enabled"] is False
    assert checked.code == 1
    assert "switched off" in checked.out


def write_log(home: Home, *events: dict[str, object]) -> None:
    folder = home.folder / ".local" / "state" / "longwire"
    folder.mkdir(parents=True)
    (folder / "host-20260101T000000-7.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def denial(destination: str, method: str = "GET", **fields: object) -> dict[str, object]:
    return {
        "event": "error",
        "code": "POLICY_DENIED",
        "phase": "policy",
        "page": "https://chat.example.com",
        "method": method,
        "destination": destination,
        "timestamp": "2026-01-01T00:00:00Z",
        **fields,
    }


def test_suggest_prints_grants_that_can_be_taken_over_as_they_are(granted: Home) -> None:
    other = "https://other.example.com/v2/chat"
    write_log(granted, denial(other), denial(other, "POST"), denial("https://api.example.com/v1/allowed-by-now"))
    done = granted.run("policy", "suggest")
    granted.write_policy(CHAT + done.out)

    assert done.code == 0
    first, where, heading = done.out.splitlines()[:3]
    assert (first, heading) == ("# asked 2 times, last at 2026-01-01T00:00:00Z", "[[grant]]")
    assert where == f"# in {granted.policy}:"
    assert granted.run(*ASK, other, "--method", "POST").code == 0
    assert json.loads(granted.run("policy", "suggest", "--json").out) == []


def test_without_a_policy_each_command_says_where_an_example_is(home: Home) -> None:
    shown, secrets = home.run("policy", "show"), home.run("secret", "list")

    assert f"write {home.policy}; `longwire docs policy` has an example" in shown.out
    assert secrets.out == "there is no policy file: `longwire docs policy` has an example\n"


def test_suggest_without_denials_says_so_and_prints_nothing(granted: Home) -> None:
    done = granted.run("policy", "suggest")

    assert (done.code, done.out) == (0, "")
    assert "no refusal" in done.err


def test_validate_accepts_a_good_file_and_tells_warnings(home: Home) -> None:
    file = home.folder / "new.toml"
    file.write_text(CHAT + '[secret.spare]\nenv = "X"\n')
    done = home.run("policy", "validate", str(file))

    assert done.code == 0
    assert done.out.splitlines() == [
        f"warning    {file}: line 13, field secret.spare: no grant injects this secret",
        f"valid      {file} (grants: 1)",
    ]


def test_validate_names_every_problem(home: Home) -> None:
    file = home.folder / "new.toml"
    file.write_text(CHAT.replace('"GET"', '"get"').replace("network", "netwrok"))
    done = home.run("policy", "validate", str(file))
    machine = home.run("policy", "validate", str(file), "--json")

    assert (done.code, machine.code) == (1, 1)
    assert [line.partition(": ")[2][:7] for line in done.out.splitlines()] == ["line 7,", "line 8,"]
    assert [problem["line"] for problem in json.loads(machine.out)["problems"]] == [7, 8]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('env = "LONGWIRE_TEST_KEY"', 'file = "/nonexistent"', "(file /nonexistent) does not exist"),
        ('env = "LONGWIRE_TEST_KEY"', 'env = "LONGWIRE_TEST_UNSET"', "is not set"),
        ('network = "public"', 'ca_file = "/nonexistent"', "cannot read the grant's ca_file, /nonexistent"),
        ("https://api.example.com/v1/", "https://10.0.0.1/v1/", 'write network = "private"'),
        ("version = 1", "version = 1\nenabled = false", "switches all of it off"),
    ],
)
def test_validate_says_what_would_not_work_yet(home: Home, old: str, new: str, says: str) -> None:
    file = home.folder / "new.toml"
    file.write_text(CHAT.replace(old, new))
    done = home.run("policy", "validate", str(file))

    assert done.code == 0
    warning, last = done.out.splitlines()
    assert says in warning
    assert last == f"valid      {file} (grants: 1), but not all of it works: see the warnings"
    assert json.loads(home.run("policy", "validate", str(file), "--json").out)["works"] is False


def both_files(folder: Path, administrator: str) -> PolicyStore:
    places = Locations(folder / "etc" / "policy.toml", folder / "user.toml")
    places.administrator.parent.mkdir()
    places.administrator.write_text(administrator)
    places.user.write_text(CHAT)
    return PolicyStore(places, lstat=owned_lstat())


def test_validate_finds_a_name_that_both_files_use(home: Home) -> None:
    other = policy_text("user_grants = true", grant(name="chat"))
    store = both_files(home.folder, other)
    file = home.folder / "new.toml"
    file.write_text(CHAT)

    for each in (file, store.locations.user):
        (problem,) = validated(each, store).problems
        assert "closes everything" in str(problem) or "already" in str(problem)
        assert str(store.locations.administrator) in str(problem)
    (problem,) = validated(store.locations.administrator, store).problems
    assert f'{store.locations.user} line 3 has a grant "chat" too' in str(problem)


def test_validate_says_that_a_users_file_does_not_count(home: Home) -> None:
    store = both_files(home.folder, policy_text(grant(name="theirs")))
    document = validated(store.locations.user, store)

    assert document.problems == ()
    assert [str(warning) for warning in document.warnings] == [
        f"{store.locations.administrator} alone decides, without user_grants = true: what stands here does not count"
    ]
    assert validated(store.locations.administrator, store).warnings == ()


def test_validate_of_the_file_in_its_place_says_who_else_may_write_it(granted: Home) -> None:
    granted.policy.chmod(0o666)
    done = granted.run("policy", "validate", str(granted.policy))

    assert done.code == 1
    assert "chmod" in done.out


def test_check_and_show_name_a_users_file_that_does_not_count(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    store = both_files(home.folder, CHAT)
    monkeypatch.setattr("longwire.cli.policy_commands.PolicyStore", lambda: store)
    places = store.locations

    assert f"silenced   {places.user}: {places.administrator} alone decides" in home.run("policy", "show").out
    for url in ("https://api.example.com/v1/x", "https://elsewhere.example.com/"):
        assert f"note       {places.user} does not count" in home.run(*ASK, url).out


@pytest.mark.parametrize(
    ("place", "fix"),
    [
        ('file = "/nonexistent"', "`longwire secret set key` asks for it and stores it there"),
        ('env = "LONGWIRE_TEST_UNSET"', "set LONGWIRE_TEST_UNSET where the browser is started"),
    ],
)
def test_check_says_how_a_secret_that_is_missing_comes_there(home: Home, place: str, fix: str) -> None:
    home.write_policy(CHAT.replace('env = "LONGWIRE_TEST_KEY"', place))
    done = home.run(*ASK, "https://api.example.com/v1/chat")

    assert done.code == 1
    denied, granted_by, told = done.out.splitlines()
    assert denied.startswith('denied     secret "key"')
    assert granted_by.startswith('grant      "chat"')
    assert told.startswith(f"fix        {fix}")


def test_check_takes_a_method_as_fetch_does(granted: Home) -> None:
    assert granted.run(*ASK, "https://api.example.com/v1/chat", "--method", "post").code == 0
    granted.write_policy(CHAT.replace('"POST"', '"PATCH"'))
    assert granted.run(*ASK, "https://api.example.com/v1/chat", "--method", "patch").code == 1


def test_validate_without_a_file_takes_the_one_in_force(home: Home) -> None:
    home.write_policy(CHAT)
    good = home.run("policy", "validate")
    home.write_policy(CHAT.replace('"GET"', '"get"'))
    bad = home.run("policy", "validate")

    assert (good.code, good.out) == (0, f"valid      {home.policy} (grants: 1)\n")
    assert bad.code == 1
    assert bad.out.startswith(f"problem    {home.policy}: line 7, ")


def test_validate_without_any_file_says_where_one_belongs(home: Home) -> None:
    done = home.run("policy", "validate")

    assert (done.code, done.out) == (1, "")
    assert str(home.policy) in done.err


def test_validate_of_a_file_that_is_not_there_is_misuse(home: Home) -> None:
    assert home.run("policy", "validate", str(home.folder / "gone")).code == 2


def test_schema_prints_the_models(home: Home) -> None:
    assert json.loads(home.run("policy", "schema").out) == policy_json_schema()


def test_check_and_show_say_what_features_leave_open(home: Home) -> None:
    home.write_policy(policy_text(grant(features='["websocket"]')))
    denied = home.run(*ASK, "https://api.example.com/v1/chat")
    assert (denied.code, 'features = ["fetch", "websocket"]' in denied.out) == (1, True)
    home.write_policy(policy_text(grant(features='["fetch"]')))
    assert "features   fetch" in home.run(*ASK, "https://api.example.com/v1/chat").out
    assert json.loads(home.run(*ASK, "https://api.example.com/v1/chat", "--json").out)["features"] == ["fetch"]
    assert re.search(r"^  features +fetch$", home.run("policy", "show").out, re.MULTILINE)
    assert json.loads(home.run("policy", "show", "--json").out)["grants"][0]["features"] == ["fetch"]
