"""The address table: every literal form of threat 6, and what each grant class admits."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.addresses import AddressClass, admits, classify, parse_address

PUBLIC, PRIVATE, LOOPBACK, REFUSED = (
    AddressClass.PUBLIC,
    AddressClass.PRIVATE,
    AddressClass.LOOPBACK,
    AddressClass.REFUSED,
)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("1.1.1.1", PUBLIC),
        ("93.184.215.14", PUBLIC),
        ("223.255.255.255", PUBLIC),
        ("9.255.255.255", PUBLIC),
        ("11.0.0.0", PUBLIC),
        ("172.15.255.255", PUBLIC),
        ("172.32.0.0", PUBLIC),
        ("10.0.0.0", PRIVATE),
        ("10.255.255.255", PRIVATE),
        ("172.16.0.1", PRIVATE),
        ("172.31.255.255", PRIVATE),
        ("192.168.0.1", PRIVATE),
        ("100.64.0.1", PRIVATE),
        ("100.127.255.255", PRIVATE),
        ("198.18.0.1", PRIVATE),
        ("127.0.0.1", LOOPBACK),
        ("127.255.255.254", LOOPBACK),
        ("0.0.0.0", REFUSED),
        ("0.1.2.3", REFUSED),
        ("169.254.1.1", REFUSED),
        ("192.0.0.8", REFUSED),
        ("192.0.2.1", REFUSED),
        ("192.88.99.1", REFUSED),
        ("198.51.100.1", REFUSED),
        ("203.0.113.1", REFUSED),
        ("224.0.0.1", REFUSED),
        ("239.255.255.250", REFUSED),
        ("240.0.0.1", REFUSED),
        ("255.255.255.255", REFUSED),
        ("2606:4700::1111", PUBLIC),
        ("2a00:1450:4001::1", PUBLIC),
        ("fc00::1", PRIVATE),
        ("fd12:3456::1", PRIVATE),
        ("::1", LOOPBACK),
        ("::", REFUSED),
        ("::2", REFUSED),
        ("fe80::1", REFUSED),
        ("fec0::1", REFUSED),
        ("ff02::1", REFUSED),
        ("100::1", REFUSED),
        ("2001:db8::1", REFUSED),
        ("2001:2::1", REFUSED),
        ("2001:20::1", REFUSED),
        ("3fff::1", REFUSED),
        ("4000::1", REFUSED),
        ("5f00::1", REFUSED),
    ],
)
def test_plain_addresses(address: str, kind: AddressClass) -> None:
    assert classify(ip_address(address)) is kind


METADATA_V4 = (
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "169.254.0.23",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
)
METADATA_V6 = (
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd00:ec2:0:1::23",
    "fd20:ce::254",
    "fd00:42::42",
    "fd00:a9fe:a9fe::1",
    "fe80::a9fe:a9fe",
)


def embedded(text: str) -> dict[str, IPv6Address]:
    """An IPv4 address in every form of IPv6 that something may forward to it."""
    number, public = int(IPv4Address(text)), int(IPv4Address("65.54.227.120"))
    return {
        "mapped": IPv6Address(0xFFFF << 32 | number),
        "compatible": IPv6Address(number),
        "translated": IPv6Address(0xFFFF0000 << 32 | number),
        "NAT64": IPv6Address((0x64FF9B << 96) | number),
        "local NAT64": IPv6Address((0x64FF9B0001 << 80) | number),
        "6to4": IPv6Address((0x2002 << 112) | number << 80 | 1),
        "Teredo client": IPv6Address((0x20010000 << 96) | public << 64 | (number ^ 0xFFFFFFFF)),
        "Teredo server": IPv6Address((0x20010000 << 96) | number << 64 | (public ^ 0xFFFFFFFF)),
    }


@pytest.mark.parametrize("address", [*METADATA_V4, *METADATA_V6])
def test_metadata_services_are_out_of_reach_for_every_grant(address: str) -> None:
    parsed = parse_address(address)
    assert parsed is not None
    forms = {"plain": parsed} | (embedded(address) if parsed.version == 4 else {})
    reached = {
        form for form, it in forms.items() for network in ("public", "private", "loopback") if admits(network, it)
    }
    assert reached == set()


@pytest.mark.parametrize(
    ("inner", "mapped", "translated"),
    [
        ("93.184.215.14", PUBLIC, PUBLIC),
        ("127.0.0.1", LOOPBACK, REFUSED),
        ("10.1.2.3", PRIVATE, REFUSED),
        ("100.64.0.1", PRIVATE, REFUSED),
        ("169.254.169.254", REFUSED, REFUSED),
        ("0.0.0.0", REFUSED, REFUSED),
        ("255.255.255.255", REFUSED, REFUSED),
    ],
)
def test_embedded_ipv4_is_unwrapped(inner: str, mapped: AddressClass, translated: AddressClass) -> None:
    number = int(IPv4Address(inner))
    public_server = int(IPv4Address("65.54.227.120"))
    assert classify(IPv6Address(0xFFFF << 32 | number)) is mapped
    assert classify(IPv6Address((0x64FF9B << 96) | number)) is translated  # NAT64
    assert classify(IPv6Address((0x2002 << 112) | number << 80 | 1)) is translated  # 6to4
    teredo = (0x20010000 << 96) | public_server << 64 | (number ^ 0xFFFFFFFF)
    assert classify(IPv6Address(teredo)) is translated
    teredo_server = (0x20010000 << 96) | number << 64 | (public_server ^ 0xFFFFFFFF)
    assert classify(IPv6Address(teredo_server)) is translated
    # Deprecated IPv4-compatible form, and the local NAT64 prefix: never.
    assert classify(IPv6Address(number)) in (REFUSED, LOOPBACK if number == 1 else REFUSED)
    assert classify(IPv6Address((0x64FF9B0001 << 80) | number)) is REFUSED


def test_a_zone_id_is_refused_on_any_address() -> None:
    for address in ("fe80::1%eth0", "::1%lo", "2606:4700::1111%1", "fd00::1%2", "::ffff:127.0.0.1%lo"):
        assert classify(IPv6Address(address)) is REFUSED


def test_a_mapped_address_is_read_as_the_ipv4_address_it_is() -> None:
    assert parse_address("::ffff:127.0.0.1") == IPv4Address("127.0.0.1")
    assert parse_address("::1") == IPv6Address("::1")
    assert parse_address("example.com") is None
    assert parse_address("127.1") is None
    assert parse_address("0x7f.1") is None


@given(st.ip_addresses())
def test_each_address_has_exactly_one_class_and_only_its_own_grant_admits_it(
    address: IPv4Address | IPv6Address,
) -> None:
    kind = classify(address)
    admitting = [network for network in ("public", "private", "loopback") if admits(network, address)]
    assert admitting == ([] if kind is REFUSED else [kind])


@given(st.ip_addresses())
def test_what_the_standard_library_calls_special_is_never_public(address: IPv4Address | IPv6Address) -> None:
    # An address that embeds another is judged by that one; later versions of the library call every 6to4 one special.
    special = not address.is_global and getattr(address, "sixtofour", None) is None
    if special or address.is_multicast:
        assert classify(address) is not PUBLIC
