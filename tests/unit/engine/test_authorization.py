"""Where policy and upstream meet: what goes out at each hop, and what a page may see of the answer."""

import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from longwire.engine.authorization import Authorization, Authorizer
from longwire.policy import Locations, SecretReader, secret_supply
from longwire.policy.files import PolicyFiles
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.limits import HEADER_TIMEOUT_MS
from longwire.protocol.messages import StreamStart
from longwire.upstream.model import Hop, Redirect, StreamedBody, UpstreamRequest
from tests.patience import PATIENCE_S
from tests.unit.policy.keyring_fake import MemoryKeyring

SECRET = "sk-0123456789-secret"
POLICY = """\
version = 1

[[grant]]
name = "api"
pages = ["http://localhost:5173"]
destinations = ["https://api.example.com/v1/"]
methods = ["GET", "POST"]
inject = { Authorization = "Bearer {secret:key}" }
limits = { streams = 1, bytes = "1KiB", header_timeout = "10s", total_timeout = "1h" }

[[grant]]
name = "files"
pages = ["http://localhost:5173"]
destinations = ["https://files.example.com/"]
methods = ["GET", "POST"]
reflection_guard = false

[secret.key]
file = "KEYFILE"
"""


def live(administrator: Path, user: Path) -> LivePolicy:
    """The policy as a host follows it, believed at the first look."""
    return LivePolicy(PolicyFiles(Locations(administrator, user)), settle_s=0)


@pytest.fixture
def authorizer(tmp_path: Path) -> Authorizer:
    key = tmp_path / "key"
    key.write_text(SECRET)
    key.chmod(0o600)
    return authorizer_of(tmp_path, POLICY.replace("KEYFILE", str(key)))


def authorizer_of(tmp_path: Path, text: str) -> Authorizer:
    """One that goes by this policy."""
    policy = tmp_path / "policy.toml"
    policy.write_text(text)
    return Authorizer(live(tmp_path / "none.toml", policy))


def start(**changes: Any) -> StreamStart:
    fields: dict[str, Any] = {
        "type": "STREAM_START",
        "id": 1,
        "page": {"origin": "http://localhost:5173", "tab": 1, "frame": 0, "document": "d", "private": False},
        "method": "POST",
        "url": "https://api.example.com/v1/chat?q=1",
        "headers": [["Content-Type", "application/json"], ["authorization", "Bearer dummy"], ["X-Trace", "t"]],
        "body": {"kind": "none"},
        "redirect": "follow",
        "timeouts": {},
    }
    return StreamStart.model_validate(fields | changes, strict=False)


def redirect(url: str, **changes: Any) -> Redirect:
    fields: dict[str, Any] = {"method": "GET", "crossed_origin": False, "body_dropped": False, "replays_body": False}
    return Redirect(url=url, **(fields | changes))


def names(hop: Hop) -> dict[str, str]:
    return {name.lower(): value for name, value in hop.headers}


def begun(authorizer: Authorizer, **changes: Any) -> AbstractAsyncContextManager[Authorization]:
    """A stream that begins, if it is allowed; its revocation is an error of the test."""

    def revoked(error: StreamError) -> None:
        raise AssertionError(error)

    return authorizer.begin(start(**changes), revoked)


async def judged(authorizer: Authorizer, **changes: Any) -> UpstreamRequest:
    """What goes out first of a stream without a body, which ends at once."""
    async with begun(authorizer, **changes) as authorization:
        return authorization.request(None)


async def refusal(authorization: Authorization, hop: Redirect) -> StreamError:
    with pytest.raises(StreamError) as refused:
        await authorization.request(None).next_hop(hop)
    return refused.value


async def test_the_first_hop_carries_the_injected_secret_and_not_the_pages_value(authorizer: Authorizer) -> None:
    request = await judged(authorizer)
    headers = names(request.hop)
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert [name.lower() for name, _ in request.hop.headers].count("authorization") == 1
    assert (request.hop.target, request.hop.network, request.isolation) == (
        "/v1/chat?q=1",
        "public",
        "http://localhost:5173",
    )


async def test_a_secret_is_in_no_representation(authorizer: Authorizer) -> None:
    async with begun(authorizer) as authorization:
        assert SECRET not in repr(authorization.request(None))
        assert SECRET not in repr(authorization.request(None).hop)


async def test_a_redirect_to_another_grant_takes_no_secret_along(authorizer: Authorizer) -> None:
    async with begun(authorizer) as authorization:
        hop = await authorization.request(None).next_hop(redirect("https://files.example.com/x", crossed_origin=True))
        assert SECRET not in str(hop.headers)
        assert "authorization" not in names(hop)  # nor the page's own, across origins
        assert names(hop)["x-trace"] == "t"
        assert authorization.grant_name == "files"


async def test_a_redirect_within_the_grant_is_injected_afresh(authorizer: Authorizer) -> None:
    async with begun(authorizer) as authorization:
        hop = await authorization.request(None).next_hop(redirect("https://api.example.com/v1/other"))
        assert names(hop)["authorization"] == f"Bearer {SECRET}"


async def test_a_dropped_body_takes_its_headers_along(authorizer: Authorizer) -> None:
    async with begun(authorizer) as authorization:
        other = redirect("https://api.example.com/v1/other", body_dropped=True)
        hop = await authorization.request(None).next_hop(other)
    assert "content-type" not in names(hop)


@pytest.mark.parametrize("url", ["https://evil.example/", "https://api.example.com/v2/", "http://api.example.com/v1/"])
async def test_a_redirect_out_of_every_grant_is_refused_as_a_redirect(authorizer: Authorizer, url: str) -> None:
    async with begun(authorizer) as authorization:
        error = await refusal(authorization, redirect(url))
    assert error.code is ErrorCode.REDIRECT_DENIED
    assert SECRET not in error.text
    assert url not in error.text
    assert f"GET {url} for" in error.reason


async def test_a_body_is_not_replayed_into_another_grant(authorizer: Authorizer) -> None:
    replayed = redirect("https://files.example.com/", method="POST", crossed_origin=True, replays_body=True)
    async with begun(authorizer) as authorization:
        error = await refusal(authorization, replayed)
    assert error.code is ErrorCode.REDIRECT_DENIED
    assert "body" in error.text


async def test_the_fragment_of_a_redirect_is_not_part_of_the_decision(authorizer: Authorizer) -> None:
    async with begun(authorizer) as authorization:
        hop = await authorization.request(None).next_hop(redirect("https://files.example.com/x#part"))
    assert hop.target == "/x"


async def test_a_place_under_the_grants_limit_is_free_only_at_the_end_of_the_block(authorizer: Authorizer) -> None:
    async with begun(authorizer):
        with pytest.raises(StreamError) as refused:
            await judged(authorizer)
        assert refused.value.code is ErrorCode.LIMIT_EXCEEDED
    await judged(authorizer)


async def test_the_byte_limit_is_exact(authorizer: Authorizer) -> None:
    async with begun(authorizer) as authorization:
        answer = authorization.answer([], status=200)
        answer.inspect(b"x", 1024)
        with pytest.raises(StreamError) as refused:
            answer.inspect(b"x", 1025)
        assert refused.value.code is ErrorCode.BODY_TOO_LARGE


@pytest.mark.parametrize("cut", range(0, len(SECRET) + 1, 5))
async def test_the_piece_that_completes_a_secret_is_withheld(authorizer: Authorizer, cut: int) -> None:
    async with begun(authorizer) as authorization:
        answer = authorization.answer([], status=200)
        if cut < len(SECRET):
            answer.inspect(f"you sent {SECRET[:cut]}".encode(), 1)
        with pytest.raises(StreamError) as refused:
            answer.inspect((SECRET[cut:] or SECRET).encode(), 1)
        assert refused.value.code is ErrorCode.SECRET_REFLECTED
        assert SECRET not in refused.value.text


async def test_a_secret_in_a_response_header_is_withheld(authorizer: Authorizer) -> None:
    async with begun(authorizer) as authorization:
        with pytest.raises(StreamError) as refused:
            authorization.answer([("x-echo", f"Bearer {SECRET}")], status=200)
    assert refused.value.code is ErrorCode.SECRET_REFLECTED


async def test_an_earlier_hops_secret_is_guarded_in_the_last_ones_answer(authorizer: Authorizer) -> None:
    async with begun(authorizer) as authorization:
        await authorization.request(None).next_hop(redirect("https://files.example.com/x"))
        answer = authorization.answer([], status=200)
        with pytest.raises(StreamError):
            answer.inspect(SECRET.encode(), 1)


async def test_a_redirect_to_where_a_secret_is_guarded_takes_no_range_along(authorizer: Authorizer) -> None:
    ranged = [["Range", "bytes=0-9"]]
    async with begun(authorizer, method="GET", url="https://files.example.com/x", headers=ranged) as authorization:
        assert names(authorization.request(None).hop)["range"] == "bytes=0-9"
        error = await refusal(authorization, redirect("https://api.example.com/v1/x"))
        assert (error.code, error.phase) == (ErrorCode.POLICY_DENIED, "policy")
        assert "ranges = true" in error.text
    with pytest.raises(StreamError, match="ranges = true"):
        await judged(authorizer, method="GET", headers=ranged)


async def test_timeouts_are_the_pages_but_never_more_than_the_grants(authorizer: Authorizer) -> None:
    timeouts = (await judged(authorizer, timeouts={"header_ms": 60_000, "idle_ms": 5_000})).timeouts
    assert (timeouts.header_s, timeouts.idle_s, timeouts.total_s) == (10, 5, 3600)
    plain = (await judged(authorizer, url="https://files.example.com/")).timeouts
    assert (plain.header_s, plain.idle_s, plain.total_s) == (HEADER_TIMEOUT_MS / 1000, None, None)


@pytest.mark.parametrize(
    ("granted", "asked_ms", "seconds", "says"),
    [
        ("", None, 600, "headerTimeout, by default. The page may ask for longer (longwire: { headerTimeout: … })"),
        ("", None, 600, 'limits = { header_timeout = "…" } in the grant "g"'),
        ("", 7_200_000, 7200, "headerTimeout, as the page asked"),
        ('limits = { header_timeout = "30m" }', None, 1800, 'headerTimeout, as the grant "g" bounds it'),
        ('limits = { header_timeout = "30m" }', 5_000, 5, "longwire: { headerTimeout: … }"),
        ('limits = { header_timeout = "30m" }', 7_200_000, 1800, 'raises it there: limits = { header_timeout = "…" }'),
    ],
)
async def test_the_time_to_the_head_is_the_grants_or_ten_minutes_and_the_page_moves_it_within_that(
    tmp_path: Path, granted: str, asked_ms: int | None, seconds: float, says: str
) -> None:
    text = f"""version = 1
[[grant]]
name = "g"
pages = ["http://localhost:5173"]
destinations = ["https://slow.example.com/"]
methods = ["POST"]
{granted}
"""
    authorizer = authorizer_of(tmp_path, text)
    asked = {} if asked_ms is None else {"header_ms": asked_ms}
    timeouts = (await judged(authorizer, url="https://slow.example.com/", timeouts=asked)).timeouts
    assert timeouts.header_s == seconds
    assert says in timeouts.header_by


async def test_a_streamed_body_keeps_its_announced_size(authorizer: Authorizer) -> None:
    async def pieces() -> Any:
        yield b"x"

    async with begun(authorizer, body={"kind": "stream", "size": 7}) as authorization:
        body = authorization.request(pieces()).body
        assert isinstance(body, StreamedBody)
        assert body.size == 7


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_body_with_get_or_head_is_refused(authorizer: Authorizer, method: str) -> None:
    with pytest.raises(StreamError) as refused:
        await judged(authorizer, method=method, body={"kind": "inline", "data": "eA=="})
    assert refused.value.code is ErrorCode.PROTOCOL


@pytest.mark.parametrize("url", [f"https://evil.example/{SECRET}", f"https://files.example.com/x?k={SECRET}"])
async def test_a_secret_in_a_redirects_target_is_withheld_from_the_refusal_too(
    authorizer: Authorizer, url: str
) -> None:
    async with begun(authorizer) as authorization:
        error = await refusal(authorization, redirect(url))
    assert error.code is ErrorCode.SECRET_REFLECTED
    assert SECRET not in error.text


async def test_a_secret_in_the_reason_or_in_the_final_url_is_withheld(authorizer: Authorizer) -> None:
    async with begun(authorizer) as authorization:
        authorization.answer([], "Fine", "https://files.example.com/x", status=200)
        for reason, url in ((f"Bearer {SECRET}", ""), ("OK", f"https://files.example.com/{SECRET}")):
            with pytest.raises(StreamError) as refused:
                authorization.answer([], reason, url, status=200)
            assert refused.value.code is ErrorCode.SECRET_REFLECTED


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("version = 1", "version = 1\nenabled = false"), ErrorCode.POLICY_DENIED),
        (('name = "api"', 'name = "api"\nenabled = false'), ErrorCode.POLICY_DENIED),
        (("/v1/", "/v2/"), ErrorCode.POLICY_DENIED),
        (("version = 1", "version = 2"), ErrorCode.POLICY_INVALID),
    ],
)
async def test_a_policy_that_no_longer_allows_a_stream_revokes_it(
    authorizer: Authorizer, tmp_path: Path, change: tuple[str, str], code: ErrorCode
) -> None:
    revoked: list[StreamError] = []
    async with authorizer.begin(start(), revoked.append):
        file = tmp_path / "policy.toml"
        file.write_text(file.read_text().replace("streams = 1", "streams = 2"))
        await authorizer._policy.settled()
        assert revoked == []  # another change is none of its business
        file.write_text(file.read_text().replace(*change, 1))
        await authorizer._policy.settled()
        # What is broken will be mended, and the same request goes through again; what is denied stays denied.
        assert [(error.code, error.retryable) for error in revoked] == [(code, code is ErrorCode.POLICY_INVALID)]
        assert "the policy was changed" in revoked[0].text
    file.write_text("oops")
    await authorizer._policy.settled()
    assert len(revoked) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (('name = "api"', 'name = "api"\nnetwork = "private"'), "network"),
        (('name = "api"', 'name = "api"\nproxy = "http://proxy.example.com:3128"'), "proxy"),
        (('name = "api"', 'name = "api"\nca_file = "/etc/ssl/company.pem"'), "ca_file"),
        (("Bearer {secret:key}", "Basic {secret:key}"), "inject"),
        (('inject = { Authorization = "Bearer {secret:key}" }', ""), "inject"),
        (('file = "', 'file = "/other'), "inject"),
        # Another grant, before it, would decide now.
        (
            (
                "[[grant]]",
                '[[grant]]\nname = "first"\npages = ["http://localhost:5173"]\nnetwork = "loopback"\n'
                'destinations = ["https://api.example.com/"]\nmethods = ["POST"]\n'
                'inject = { Authorization = "Bearer {secret:key}" }\n\n[[grant]]',
            ),
            "network",
        ),
    ],
)
async def test_a_stream_ends_when_the_policy_would_carry_it_another_way(
    authorizer: Authorizer, tmp_path: Path, change: tuple[str, str], field: str
) -> None:
    revoked: list[StreamError] = []
    async with authorizer.begin(start(), revoked.append):
        file = tmp_path / "policy.toml"
        before = file.read_text()
        assert change[0] in before
        file.write_text(before.replace(*change, 1))
        assert (await authorizer._policy.settled()).problem is None
        assert [error.code for error in revoked] == [ErrorCode.POLICY_DENIED]
        assert f"has another {field} for this request" in revoked[0].text


async def test_a_change_that_carries_a_stream_as_before_leaves_it_alone(authorizer: Authorizer, tmp_path: Path) -> None:
    revoked: list[StreamError] = []
    async with authorizer.begin(start(), revoked.append):
        file = tmp_path / "policy.toml"
        for change in (
            ("version = 1", "# a line more\nversion = 1"),
            ('name = "api"', 'name = "renamed"'),
            ("limits = { streams = 1,", "limits = { streams = 3,"),
            ('methods = ["GET", "POST"]', 'methods = ["POST"]'),
        ):
            assert change[0] in file.read_text()
            file.write_text(file.read_text().replace(*change, 1))
            await authorizer._policy.settled()
        assert revoked == []


async def test_a_guard_that_is_switched_on_ends_what_runs_without_one(authorizer: Authorizer, tmp_path: Path) -> None:
    revoked: list[StreamError] = []
    async with authorizer.begin(start(url="https://files.example.com/x"), revoked.append):
        file = tmp_path / "policy.toml"
        file.write_text(file.read_text().replace("reflection_guard = false", ""))
        await authorizer._policy.settled()
        assert "reflection_guard" in revoked[0].text


async def test_a_ca_file_that_others_could_replace_vouches_for_nobody(authorizer: Authorizer, tmp_path: Path) -> None:
    authorities = tmp_path / "open" / "ca.pem"
    authorities.parent.mkdir()
    authorities.touch()
    file = tmp_path / "policy.toml"
    file.write_text(file.read_text().replace('name = "api"', f'name = "api"\nca_file = "{authorities}"'))
    await judged(authorizer)
    authorities.parent.chmod(0o777)
    with pytest.raises(StreamError) as refused:
        await judged(authorizer)
    assert refused.value.code is ErrorCode.UPSTREAM_TLS
    assert str(tmp_path) not in refused.value.text
    assert f"run `chmod go-w {authorities.parent}`" in refused.value.reason


async def test_a_failed_start_gives_its_place_back(authorizer: Authorizer, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.unlink()
    for _ in range(3):
        with pytest.raises(StreamError) as refused:
            await judged(authorizer)
        assert refused.value.code is ErrorCode.SECRET_UNAVAILABLE


class AskingKeyring(MemoryKeyring):
    """A keyring that waits for a person."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.unlocked = threading.Event()
        self.asking = 0
        self._lock = threading.Lock()

    def get_password(self, service: str, username: str) -> str | None:
        with self._lock:
            self.asking += 1
        self.asked.set()
        self.unlocked.wait(PATIENCE_S)
        return SECRET


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[tuple[Authorizer, AskingKeyring]]:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY.replace('file = "KEYFILE"', 'keyring = "api"'))
    asking = AskingKeyring()
    yield Authorizer(live(tmp_path / "none.toml", policy), secrets=SecretReader(keyring=lambda: asking)), asking
    asking.unlocked.set()


async def test_a_keyring_that_asks_its_person_does_not_hold_up_the_others(
    keyring: tuple[Authorizer, AskingKeyring],
) -> None:
    authorizer, asking = keyring
    headers: list[str] = []

    async def one() -> None:
        headers.append(names((await judged(authorizer)).hop)["authorization"])

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(one)
            await anyio.to_thread.run_sync(asking.asked.wait)
            await judged(authorizer, url="https://files.example.com/")  # the loop is free
            assert headers == []
            asking.unlocked.set()
    assert headers == [f"Bearer {SECRET}"]


async def test_aborted_requests_to_a_locked_keyring_leave_no_more_threads_than_may_read_it(
    keyring: tuple[Authorizer, AskingKeyring],
) -> None:
    authorizer, asking = keyring
    for _ in range(50):
        async with anyio.create_task_group() as group:
            group.start_soon(judged, authorizer)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
    await anyio.to_thread.run_sync(asking.asked.wait)
    assert asking.asking <= secret_supply._KEYRING_THREADS
    asking.unlocked.set()
    with anyio.fail_after(PATIENCE_S):
        for _ in range(2 * secret_supply._KEYRING_THREADS):  # every place is free again
            async with begun(authorizer) as authorization:
                assert names(authorization.request(None).hop)["authorization"] == f"Bearer {SECRET}"


async def test_a_keyring_that_is_never_unlocked_is_given_up(
    keyring: tuple[Authorizer, AskingKeyring], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_supply, "KEYRING_TIMEOUT_S", 0.05)
    with pytest.raises(StreamError, match="unlock the keyring") as refused:
        await judged(keyring[0])
    assert refused.value.code is ErrorCode.SECRET_UNAVAILABLE


# --- secrets that commands print -------------------------------------------------------------------------------------


@pytest.fixture
def printing(tmp_path: Path) -> Authorizer:
    """A policy whose secret is another token each time that its command is run."""
    tool = tmp_path / "tool"
    count = "echo run >>runs; printf 'lw-canary-printed-token-%s' \"$(wc -l <runs | tr -d ' ')\""
    tool.write_text(f"#!/bin/sh\ncd '{tmp_path}'; {count}\n")
    tool.chmod(0o700)
    return authorizer_of(tmp_path, POLICY.replace('file = "KEYFILE"', f"command = ['{tool}']"))


def printed(number: int) -> str:
    return f"Bearer lw-canary-printed-token-{number}"


async def test_what_a_command_printed_is_injected_until_a_server_refuses_it(printing: Authorizer) -> None:
    for _ in range(2):
        async with begun(printing) as authorization:
            assert names(authorization.request(None).hop)["authorization"] == printed(1)
            authorization.answer([], status=403)
    async with begun(printing) as authorization:
        assert names(authorization.request(None).hop)["authorization"] == printed(1)
        # The page sees the refusal, and nothing is sent again.
        assert authorization.answer([("x", "y")], status=401).headers == [("x", "y")]
    async with begun(printing) as authorization:
        assert names(authorization.request(None).hop)["authorization"] == printed(2)
    printing.close()


@pytest.mark.parametrize("number", [1, 2])
async def test_a_value_that_was_injected_is_guarded_after_a_new_one_was_too(printing: Authorizer, number: int) -> None:
    async with begun(printing) as first, begun(printing, url="https://files.example.com/") as other:
        other.answer([], status=401)  # of a grant that injects nothing, and so refuses nothing
        next_hop = first.request(None).next_hop
        assert names(await next_hop(redirect("https://api.example.com/v1/a")))["authorization"] == printed(1)
        first._hops.refused()
        assert names(await next_hop(redirect("https://api.example.com/v1/b")))["authorization"] == printed(2)
        answer = first.answer([], status=200)
        with pytest.raises(StreamError) as withheld:
            answer.inspect(printed(number).encode(), 100)
        assert withheld.value.code is ErrorCode.SECRET_REFLECTED
