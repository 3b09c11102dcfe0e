"""What a grant is for, where it says so: its `features` narrow it and open nothing.

fetch, websocket, generate    by what its pages ask: requests to `destinations`, those with wss: and ws:, providers
durable, record               what may become of that: it outlives its page, it is recorded
"""

from collections.abc import Iterable
from typing import Final, Literal

from longwire.authority import SOCKET_SCHEMES

Feature = Literal["fetch", "websocket", "generate", "durable", "record"]
FEATURES: Final[tuple[Feature, ...]] = ("fetch", "websocket", "generate", "durable", "record")


def feature_of(scheme: str) -> Feature:
    """What a request to a URL of that scheme is."""
    return "websocket" if scheme in SOCKET_SCHEMES else "fetch"


def features_line(features: Iterable[str]) -> str:
    """As it stands in a grant, in the order of the documentation."""
    named = set(features)
    return f"features = [{', '.join(f'{chr(34)}{each}{chr(34)}' for each in FEATURES if each in named)}]"
