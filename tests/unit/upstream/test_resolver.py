"""Names to addresses: one lookup, every answer judged, bounded and cancellable."""

import threading
from collections.abc import Sequence
from ipaddress import ip_address

import anyio
import anyio.lowlevel
import pytest

from longwire.addresses import Network, classify
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.resolver import SystemResolver, resolve_checked
from tests.patience import PATIENCE_S


class Table:
    """A `Resolver` that answers from a dictionary and counts."""

    def __init__(self, answers: dict[str, Sequence[str]]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def lookup(self, host: str, isolation: str) -> Sequence[str]:
        self.asked.append(host)
        if host not in self._answers:
            raise OSError("no such name")
        return self._answers[host]


async def refusal(table: Table, host: str, network: Network) -> StreamError:
    with pytest.raises(StreamError) as caught:
        await resolve_checked(table, host, network, "page")
    assert caught.value.phase is Phase.CONNECT
    return caught.value


async def test_all_answers_in_the_class_are_given_in_order_without_repeats() -> None:
    table = Table({"api.test": ["1.1.1.1", "2606:4700::1", "1.1.1.1"]})
    found = await resolve_checked(table, "api.test", "public", "page")
    assert [str(address) for address in found] == ["1.1.1.1", "2606:4700::1"]
    assert table.asked == ["api.test"]


@pytest.mark.parametrize("inside", ["10.0.0.1", "127.0.0.1", "::1", "fd00::1", "64:ff9b::7f00:1", "fe80::1%eth0"])
async def test_one_answer_outside_the_class_refuses_the_whole_name(inside: str) -> None:
    error = await refusal(Table({"rebind.test": ["1.1.1.1", inside]}), "rebind.test", "public")
    assert error.code is ErrorCode.POLICY_DENIED
    assert inside not in error.text
    error = await refusal(Table({"rebind.test": [inside, "1.1.1.1"]}), "rebind.test", "public")
    assert error.code is ErrorCode.POLICY_DENIED


@pytest.mark.parametrize(
    ("address", "network"),
    [("1.1.1.1", "private"), ("1.1.1.1", "loopback"), ("10.0.0.1", "loopback"), ("127.0.0.1", "private")],
)
async def test_the_class_must_match_exactly(address: str, network: Network) -> None:
    error = await refusal(Table({"host.test": [address]}), "host.test", network)
    assert error.code is ErrorCode.POLICY_DENIED
    assert f'network = "{network}"' in error.text
    assert error.needed_network == classify(ip_address(address))


@pytest.mark.parametrize("literal", ["10.0.0.1", "::1", "::ffff:10.0.0.1", "169.254.169.254", "fd00:ec2::254"])
async def test_a_literal_skips_the_name_service_but_not_the_check(literal: str) -> None:
    table = Table({})
    assert (await refusal(table, literal, "public")).code is ErrorCode.POLICY_DENIED
    assert table.asked == []


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "localhost.", "app.localhost", "a.b.localhost."])
async def test_localhost_names_never_reach_the_name_service(name: str) -> None:
    table = Table({name: ["1.1.1.1"]})
    found = await resolve_checked(table, name, "loopback", "page")
    assert {str(address) for address in found} == {"127.0.0.1", "::1"}
    assert (await refusal(table, name, "public")).code is ErrorCode.POLICY_DENIED
    assert table.asked == []


@pytest.mark.parametrize("answers", [{}, {"gone.test": []}, {"gone.test": ["not an address"]}])
async def test_no_answer_is_a_dns_error(answers: dict[str, Sequence[str]]) -> None:
    error = await refusal(Table(answers), "gone.test", "public")
    assert error.code is ErrorCode.UPSTREAM_DNS
    assert "gone.test" in error.text


async def test_the_system_resolver_knows_this_machine_and_not_the_invalid() -> None:
    resolver = SystemResolver()
    assert await resolver.lookup("127.0.0.1", "page") == ["127.0.0.1"]
    with pytest.raises(StreamError) as caught:
        await resolve_checked(resolver, "a..b", "public", "page")
    assert caught.value.code is ErrorCode.UPSTREAM_DNS
    assert resolver.running == 0


class Blocking:
    """A `getaddrinfo` that hangs until released."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.calls = 0

    def __call__(self, host: str) -> Sequence[str]:
        self.calls += 1
        self.release.wait(PATIENCE_S)
        return ["1.1.1.1"]


async def test_a_cancelled_lookup_returns_at_once_and_counts_until_its_thread_is_free() -> None:
    blocking = Blocking()
    resolver = SystemResolver(blocking)
    with anyio.move_on_after(0.05) as scope:
        await resolver.lookup("slow.test", "page")
    assert scope.cancelled_caught
    assert resolver.running == 1
    blocking.release.set()
    assert await resolver.lookup("next.test", "page") == ["1.1.1.1"]
    with anyio.fail_after(PATIENCE_S):
        while resolver.running:  # the cancelled one's thread is free a moment later or before
            await anyio.lowlevel.checkpoint()


async def test_cancelled_lookups_cannot_pile_up_threads() -> None:
    blocking = Blocking()
    resolver = SystemResolver(blocking, max_lookups=3, max_per_isolation=2)
    for _ in range(20):
        with anyio.move_on_after(0.005):
            await resolver.lookup("slow.test", "page")
    assert blocking.calls == resolver.running == 2
    # Another page still has a thread; then the host as a whole is full.
    for isolation in ("other", "third"):
        with anyio.move_on_after(0.005):
            await resolver.lookup("slow.test", isolation)
    assert blocking.calls == resolver.running == 3
    blocking.release.set()
    with anyio.fail_after(PATIENCE_S):
        assert await resolver.lookup("later.test", "page") == ["1.1.1.1"]


async def test_waiting_lookups_go_on_when_a_thread_is_free() -> None:
    blocking = Blocking()
    resolver = SystemResolver(blocking, max_lookups=2)
    answers: list[Sequence[str]] = []

    async def one() -> None:
        answers.append(await resolver.lookup("slow.test", "page"))

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(one)
            await anyio.wait_all_tasks_blocked()
            assert resolver.running == 2
            blocking.release.set()
    assert len(answers) == 10
    assert resolver.running == 0
