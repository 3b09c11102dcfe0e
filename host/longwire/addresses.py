"""Which addresses a grant's `network` class admits: our own table, for what `ipaddress` calls global is not.

`ipaddress.is_global` is true for NAT64, 6to4 and v4-compatible forms of 127.0.0.1, for multicast, and for cloud
metadata services on public addresses. So the table below starts from the IANA special-purpose registries (RFC 6890),
names every exception, and refuses what it does not know.

    public      unicast that the whole Internet routes
    private     RFC 1918, unique local (fc00::/7), and two that are public by name only: 100.64.0.0/10, which carriers
                and overlay networks hand out inside, and 198.18.0.0/15, which test set-ups and tunnels use as a
                fake range. Both lead to somebody's inside, so only a grant that says "private" reaches them.
    loopback    127.0.0.0/8 and ::1
    refused     everything else, whatever the grant says: link-local (where metadata services live), unspecified,
                multicast, reserved, documentation, metadata addresses, and translated forms that hide a non-public one
"""

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Literal, TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address
# What a grant can ask for; it names exactly one.
Network: TypeAlias = Literal["public", "private", "loopback"]


class AddressClass(StrEnum):
    """What an address is. The first three are what a grant can ask for."""

    PUBLIC = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    REFUSED = "refused"


# Where clouds answer with credentials of the machine, the container or the pod: some sit inside ranges that a grant may
# open. Those of 169.254.0.0/16 and fe80::/10 would be refused anyway.
_METADATA: Final = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # the common one
        "169.254.170.2",  # containers of Amazon's ECS
        "169.254.170.23",  # pods of Amazon's EKS
        "169.254.0.23",  # Tencent
        "168.63.129.16",  # Azure: a public address that the platform answers itself
        "100.100.100.200",  # Alibaba, inside 100.64.0.0/10
        "192.0.0.192",  # Oracle
        "fd20:ce::254",  # Google; the IPv6 ones are inside fc00::/7
        "fd00:42::42",  # Scaleway
        "fd00:a9fe:a9fe::1",  # Linode
        "fe80::a9fe:a9fe",  # OpenStack
    )
)
# Where Amazon answers beside every machine: ::254 with the credentials of machines, ::23 with those of pods.
_METADATA_V6: Final = IPv6Network("fd00:ec2::/32")

_V4: Final = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", AddressClass.REFUSED),  # "this host": Linux connects it to itself
        ("10.0.0.0/8", AddressClass.PRIVATE),
        ("100.64.0.0/10", AddressClass.PRIVATE),
        ("127.0.0.0/8", AddressClass.LOOPBACK),
        ("169.254.0.0/16", AddressClass.REFUSED),
        ("172.16.0.0/12", AddressClass.PRIVATE),
        ("192.0.0.0/24", AddressClass.REFUSED),  # protocol assignments
        ("192.0.2.0/24", AddressClass.REFUSED),  # documentation, with 198.51.100.0/24 and 203.0.113.0/24
        ("192.88.99.0/24", AddressClass.REFUSED),  # 6to4 relays, withdrawn by RFC 7526
        ("192.168.0.0/16", AddressClass.PRIVATE),
        ("198.18.0.0/15", AddressClass.PRIVATE),
        ("198.51.100.0/24", AddressClass.REFUSED),
        ("203.0.113.0/24", AddressClass.REFUSED),
        ("224.0.0.0/3", AddressClass.REFUSED),  # multicast, reserved, broadcast
    )
)

_UNIQUE_LOCAL: Final = IPv6Network("fc00::/7")
# All that is assigned for global unicast. Outside it only what is named here is anything but refused.
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
# 64:ff9b:1::/48 (RFC 8215) is refused as a whole: where its IPv4 bits lie is known to its operator only, so nothing can
# be proven about where such an address leads.
_V6_REFUSED: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments; Teredo, the first /32 of it, is unwrapped before
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)


def classify(address: IPAddress) -> AddressClass:
    """Say what `address` is. A zone id makes any address `refused`: it names an interface of this machine."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None and address.scope_id is None:
        # The socket interface's other spelling of an IPv4 address (RFC 4291 section 2.5.5.2): the same packets.
        address = address.ipv4_mapped
    if is_metadata(address):
        return AddressClass.REFUSED
    return _classify_v4(address) if isinstance(address, IPv4Address) else _classify_v6(address)


def is_metadata(address: IPAddress) -> bool:
    """Whether a cloud answers there with credentials. Judges the address as it is: `classify` unwraps."""
    return address in _METADATA or address in _METADATA_V6


def admits(network: Network, address: IPAddress) -> bool:
    """Whether a grant of class `network` may connect to `address`. The class must match exactly: a grant for the
    private network does not open loopback, and none opens what is refused.
    """
    return classify(address) == network


def parse_address(text: str) -> IPAddress | None:
    """The address that `text` spells, None for a name. A mapped address comes back as the IPv4 address it is."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None and address.scope_id is None:
        return address.ipv4_mapped
    return address


def _classify_v4(address: IPv4Address) -> AddressClass:
    return next((kind for network, kind in _V4 if address in network), AddressClass.PUBLIC)


def _classify_v6(address: IPv6Address) -> AddressClass:
    if address.scope_id is not None:
        return AddressClass.REFUSED
    if address.is_loopback:
        return AddressClass.LOOPBACK
    if address in _UNIQUE_LOCAL:
        return AddressClass.PRIVATE
    embedded = _translated(address)
    if embedded:
        # A relay or translator forwards to these. Only when all are public is the way public; any other would let a
        # name reach inside, or carry what was granted to this machine alone out of it.
        public = all(classify(inner) is AddressClass.PUBLIC for inner in embedded)
    else:
        public = address in _GLOBAL_UNICAST and not any(address in network for network in _V6_REFUSED)
    return AddressClass.PUBLIC if public else AddressClass.REFUSED


def _translated(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses behind a NAT64 (RFC 6052), 6to4 (RFC 3056) or Teredo (RFC 4380) address.

    IPv4-compatible addresses (::a.b.c.d) are deprecated and route nowhere: they fall outside global unicast.
    """
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFF_FFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo or ()
