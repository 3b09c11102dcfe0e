"""`proxy` of a grant: where its connections go first. Named in the policy only; the environment has no say."""

from dataclasses import dataclass

from longwire.authority import authority
from longwire.policy.urls import parse_lenient
from longwire.protocol.errors import StreamError


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """An HTTP proxy that is asked for a tunnel (CONNECT). `host` is canonical, IPv6 without brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "ProxyAddress":
        """Read `http://proxy.example.com:3128`.

        Raises:
            ValueError: it is something else; the text says what to write, and quotes nothing.
        """
        wanted = 'must be "http://host:port"'
        if "@" in text:
            raise ValueError(f"{wanted}, without a user name or password: Longwire cannot log in to a proxy")
        try:
            url = parse_lenient(text)
        except StreamError:
            raise ValueError(wanted) from None
        if url.scheme != "http":
            raise ValueError(f"{wanted}: TLS to the proxy itself is not spoken, TLS through it to the server is")
        if url.target != "/" or "?" in text or "#" in text:
            raise ValueError(f"{wanted}, without a path")
        # 80 for a URL, 1080 or 3128 for other programs: a default here would be a guess.
        if not text.removesuffix("/").endswith(f":{url.port}"):
            raise ValueError(f"{wanted}; the port is not optional")
        return cls(url.host, url.port)

    def __str__(self) -> str:
        return f"http://{authority(self.host, self.port)}"
