"""What is known of header names wherever they occur: in the policy, in a page's request, across a redirect."""

from typing import Final

# Fields that hold a key as a rule, spelt as by `same_to_servers`.
CREDENTIAL_FIELDS: Final = frozenset(
    {"authorization", "cookie", "proxy-authorization", "api-key", "x-api-key", "x-auth-token", "x-goog-api-key"}
)

# A server that honours these carries out another method than the request line's. Fetch refuses those that name one of
# its forbidden methods. Here a method named this way must be granted like any other, and nothing that names one is sent
# again.
METHOD_OVERRIDES: Final = frozenset({"x-http-method", "x-http-method-override", "x-method-override"})


def same_to_servers(name: str) -> str:
    """The spelling that all names share which a server may take for one.

    Case never counts. Many servers hand names on as variables (RFC 3875 section 4.1.18), where `X_Api_Key` and
    `X-Api-Key` are both HTTP_X_API_KEY: a page that may not write the one must not write the other.
    """
    return name.lower().replace("_", "-")
