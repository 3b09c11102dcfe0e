from typing import Literal

import pytest

from longwire.authority import authority


@pytest.mark.parametrize(
    ("host", "port", "scheme", "text"),
    [
        ("a.example", None, None, "a.example"),
        ("a.example", 443, None, "a.example:443"),
        ("a.example", 443, "https", "a.example"),
        ("a.example", 80, "https", "a.example:80"),
        ("a.example", 80, "http", "a.example"),
        ("a.example", "*", "http", "a.example:*"),
        ("127.0.0.1", 8080, "http", "127.0.0.1:8080"),
        ("::1", None, None, "[::1]"),
        ("::1", 8080, "http", "[::1]:8080"),
        ("::1", 443, "https", "[::1]"),
    ],
)
def test_a_host_and_a_port_as_one_text(
    host: str, port: int | Literal["*"] | None, scheme: str | None, text: str
) -> None:
    assert authority(host, port, scheme) == text
