import pytest

from longwire.policy.proxies import ProxyAddress


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("http://proxy.example.com:3128", "proxy.example.com", 3128),
        ("http://PROXY.example.com:80/", "proxy.example.com", 80),
        ("http://127.0.0.1:8080", "127.0.0.1", 8080),
        ("http://[::1]:8080", "::1", 8080),
    ],
)
def test_a_proxy_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    proxy = ProxyAddress.parse(text)

    assert (proxy.host, proxy.port) == (host, port)
    assert ProxyAddress.parse(str(proxy)) == proxy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "proxy.example.com:3128",
        "http://proxy.example.com",
        "https://proxy.example.com:3128",
        "socks5://proxy.example.com:1080",
        "http://me:canary-pw@proxy.example.com:3128",
        "http://@proxy.example.com:3128",
        "http://proxy.example.com:3128/pac",
        "http://proxy.example.com:3128?",
        "http://proxy.example.com:3128#",
        "http://proxy.example.com:0",
        "http://proxy.example.com:03128",
    ],
)
def test_anything_else_says_what_to_write_and_quotes_nothing(text: str) -> None:
    with pytest.raises(ValueError, match='must be "http://host:port"') as caught:
        ProxyAddress.parse(text)
    assert "canary-pw" not in str(caught.value)
