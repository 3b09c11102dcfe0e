"""The policy: which page may reach which server, by which method, with which secret. Deny by default.

`PolicyStore` finds and re-reads the files, `Policy.decide` judges every request and every redirect hop, `headers`
says what is sent and shown, `SecretReader` reads what is injected. No request is made here; `upstream` is a sibling
that this room does not know.
"""

from typing import TYPE_CHECKING

from longwire.later import later

if TYPE_CHECKING:
    from longwire.policy.admission import Admission, Ticket
    from longwire.policy.decision import Decision, PolicyDeniedError
    from longwire.policy.generation_decision import GenerationDecision
    from longwire.policy.grants import Grant, GrantLimits
    from longwire.policy.headers import build_request_headers, filter_response_headers
    from longwire.policy.locations import Locations, default_locations
    from longwire.policy.policy import Policy
    from longwire.policy.providers import CostRate, Provider, ProviderLimits, Rate
    from longwire.policy.proxies import ProxyAddress
    from longwire.policy.reflection import ReflectionScanner, secret_in_headers
    from longwire.policy.secret_reader import SecretReader
    from longwire.policy.secrets import Secret, SecretSource
    from longwire.policy.store import PolicyStore
    from longwire.policy.suspension_file import SuspensionFile
    from longwire.policy.suspensions import Suspension, Suspensions, UnusableState, suspend
    from longwire.policy.urls import CanonicalUrl
else:
    __getattr__ = later(
        __name__,
        admission="Admission Ticket",
        decision="Decision PolicyDeniedError",
        generation_decision="GenerationDecision",
        grants="Grant GrantLimits",
        headers="build_request_headers filter_response_headers",
        locations="Locations default_locations",
        policy="Policy",
        providers="CostRate Provider ProviderLimits Rate",
        proxies="ProxyAddress",
        reflection="ReflectionScanner secret_in_headers",
        secret_reader="SecretReader",  # noqa: S106  (a module's name)
        secrets="Secret SecretSource",
        store="PolicyStore",
        suspension_file="SuspensionFile",
        suspensions="Suspension Suspensions UnusableState suspend",
        urls="CanonicalUrl",
    )

__all__ = [
    "Admission",
    "CanonicalUrl",
    "CostRate",
    "Decision",
    "GenerationDecision",
    "Grant",
    "GrantLimits",
    "Locations",
    "Policy",
    "PolicyDeniedError",
    "PolicyStore",
    "Provider",
    "ProviderLimits",
    "ProxyAddress",
    "Rate",
    "ReflectionScanner",
    "Secret",
    "SecretReader",
    "SecretSource",
    "Suspension",
    "SuspensionFile",
    "Suspensions",
    "Ticket",
    "UnusableState",
    "build_request_headers",
    "default_locations",
    "filter_response_headers",
    "secret_in_headers",
    "suspend",
]
