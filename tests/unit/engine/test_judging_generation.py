"""What a page hears of its providers, and what `policy check --generate` says of them: by real hosts."""

import json
from pathlib import Path
from typing import Any

import pytest

from longwire.engine.judging import Judge
from longwire.policy import Locations, PolicyStore, Suspensions
from longwire.protocol.errors import ErrorCode
from tests.host_process import ENTRY, PAGE, HostProcess, environment, write_policy
from tests.unit.home import Done, run_command
from tests.unit.policy.samples import page, provider
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

SECRET = "lw-canary-provider-7d20c41fa93e"
ORIGIN = str(PAGE["origin"])
GRANT = '[[grant]]\nname = "chat"\npages = ["{origin}"]\ngenerate = [{names}]\n'
INSIDE = "10.20.30.40"


def policy(*providers: str, names: str = '"p"', more: str = "") -> str:
    return "\n".join(["version = 1", GRANT.format(origin=ORIGIN, names=names), *providers, more])


def status(host: HostProcess, request: int = 1) -> dict[str, Any]:
    host.send(type="STATUS_REQUEST", request=request, page=PAGE)
    return host.expect("STATUS")


def check(home: Path, name: str, *options: str) -> tuple[int, dict[str, Any]]:
    done = longwire(home, "policy", "check", "--json", "--page", ORIGIN, "--generate", name, *options)
    return done.code, json.loads(done.out)


def longwire(home: Path, *arguments: str) -> Done:
    return run_command(environment(home), *arguments)


def test_a_page_hears_of_its_providers_and_their_models_and_of_nothing_else(tmp_path: Path) -> None:
    text = policy(
        provider(name="p", models='["gpt-5*", "o4-mini"]', base_url='"http://127.0.0.1:9/v1"', network='"loopback"'),
        provider(name="q", models='["q"]'),
        provider(name="hidden", models='["secret-model"]'),
        names='"p", "q"',
    )
    with HostProcess(tmp_path, text, ENTRY) as host:
        host.hello()
        told = status(host)
        host.send(type="STATUS_REQUEST", request=2, page=PAGE | {"origin": "https://third.example.net"})
        other = host.expect("STATUS")
        host.send(type="STATUS_REQUEST", request=3, page=PAGE | {"private": True})
        private = host.expect("STATUS")

    assert told["providers"] == [{"name": "p", "models": ["gpt-5*", "o4-mini"]}, {"name": "q", "models": ["q"]}]
    assert (told["destinations"], "fix" in told, "obstacles" in told) == ([], False, False)
    assert "providers" not in other
    assert "providers" not in private
    assert "private_windows = true" in private["fix"]
    for heard in (told, other, private):
        assert not any(word in json.dumps(heard) for word in ("127.0.0.1", "hidden", "secret-model"))


UNAVAILABLE, DENIED, TLS = ErrorCode.SECRET_UNAVAILABLE, ErrorCode.POLICY_DENIED, ErrorCode.UPSTREAM_TLS


@pytest.mark.parametrize(
    ("keys", "files", "code", "says", "to_the_administrator"),
    [
        (
            {"secret": '"key"', "network": '"loopback"', "base_url": '"http://127.0.0.1:9"'},
            {},
            UNAVAILABLE,
            'secret "key"',
            "does not exist",
        ),
        (
            {"base_url": f'"http://{INSIDE}:11434"'},
            {},
            DENIED,
            'the provider "p" is at an address that its network = "public" does not reach',
            'the address of the provider "p" is a private address, which network = "public" does not reach',
        ),
        (
            {"ca_file": '"{home}/ca.pem"', "base_url": '"https://127.0.0.1:9"', "network": '"loopback"'},
            {"ca.pem": 0o666},
            TLS,
            "could be changed or replaced",
            "ca.pem",
        ),
    ],
)
def test_the_status_and_the_check_say_what_a_generation_would_meet(
    tmp_path: Path,
    keys: dict[str, str],
    files: dict[str, int],
    code: ErrorCode,
    says: str,
    to_the_administrator: str,
) -> None:
    for name, mode in files.items():
        (tmp_path / name).write_text("nothing")
        (tmp_path / name).chmod(mode)
    asked = provider(**{key: value.replace("{home}", str(tmp_path)) for key, value in keys.items()})
    secret = f'[secret.key]\nfile = "{tmp_path}/key"\n' if "secret" in keys else ""
    with HostProcess(tmp_path, policy(asked, more=secret), ENTRY) as host:
        host.hello()
        told = status(host)

    (obstacle,) = told["obstacles"]
    assert (obstacle["providers"], obstacle["destinations"], obstacle["code"]) == (["p"], [], code)
    assert says in obstacle["message"]
    assert obstacle["command"] in obstacle["message"]
    assert told["fix"] == obstacle["message"]
    # What lies where is nothing for a page.
    assert INSIDE not in json.dumps(told)
    assert str(tmp_path) not in json.dumps(told)
    exit_code, said = check(tmp_path, "p")
    assert (exit_code, said["allowed"], said["code"], said["grant"], said["model"]) == (1, False, code, "chat", "m")
    assert to_the_administrator in said["message"]
    assert longwire(tmp_path, "policy", "check", "--page", ORIGIN, "--generate", "p").out.startswith("denied ")
    # A file in its place is told of by `validate`, where its line does not tell already.
    validated = longwire(tmp_path, "policy", "validate").out
    assert to_the_administrator in validated or "is a private address" in validated


def test_what_a_host_of_the_administrators_says_is_said_of_the_grant_that_decides(tmp_path: Path) -> None:
    write_policy(tmp_path, policy(provider(), provider(name="q", secret='"key"'), names='"q", "p"', more=KEYLESS))
    store = PolicyStore(Locations(tmp_path / "none", tmp_path / "config" / "longwire" / "policy.toml"))
    judge = Judge(store.current(), Suspensions())

    met = dict(judge.providers(page(ORIGIN)))
    assert list(met) == ["q", "p"]
    assert met["p"] is None
    assert met["q"] is not None
    assert met["q"].code is UNAVAILABLE
    assert judge.judge_generation(page(ORIGIN), "p").error is None
    assert judge.judge_generation(page(ORIGIN), "q").decision is not None
    assert judge.judge_generation(page(ORIGIN), "x").decision is None


KEYLESS = '[secret.key]\nenv = "LONGWIRE_TEST_UNSET"\n'


async def echo(request: Request) -> None:
    await bodies.respond(request.connection, f"you sent {request.header('authorization')}".encode())


def test_a_secret_that_a_plain_request_gave_away_is_suspended_for_the_provider_until_it_is_released(
    tmp_path: Path,
) -> None:
    key = tmp_path / "key"
    key.write_text(SECRET)
    key.chmod(0o600)
    with ThreadedServer(lambda: Server(echo)) as server:
        direct = "\n".join(
            [
                '[[grant]]\nname = "direct"',
                f'pages = ["{ORIGIN}"]',
                f'destinations = ["{server.url("/")}"]\nmethods = ["GET"]\nnetwork = "loopback"',
                'inject = { Authorization = "Bearer {secret:other}" }',
                f'[secret.key]\nfile = "{key}"\n[secret.other]\nfile = "{key}"\n',
            ]
        )
        asked = provider(secret='"key"', base_url=f'"{server.url("/").removesuffix("/")}"', network='"loopback"')
        with HostProcess(tmp_path, policy(asked, more=direct), ENTRY) as host:
            host.hello()
            assert "obstacles" not in status(host, 1)
            assert check(tmp_path, "p")[1]["allowed"]
            host.start(1, server.url("/echo"))
            assert host.expect("STREAM_ERROR")["code"] == ErrorCode.SECRET_REFLECTED
            (obstacle,) = status(host, 2)["obstacles"]
            code, said = check(tmp_path, "p")
            shown = longwire(tmp_path, "policy", "check", "--page", ORIGIN, "--generate", "p").out
            released = longwire(tmp_path, "policy", "release", "direct")
            # The host hears of it with the next look, which a request takes.
            afterwards = check(tmp_path, "p")

    assert (obstacle["code"], obstacle["providers"]) == (ErrorCode.SECRET_REFLECTED, ["p"])
    assert obstacle["command"] == "longwire policy release direct"
    assert (code, said["code"], said["suspended"]["release"]) == (1, "SECRET_REFLECTED", obstacle["command"])
    assert "\nrelease    longwire policy release direct\n" in shown
    assert released.code == 0
    assert (afterwards[0], afterwards[1]["allowed"]) == (0, True)
