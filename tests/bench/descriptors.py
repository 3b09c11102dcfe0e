"""Room for a thousand sockets at once."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def descriptors(needed: int) -> Iterator[None]:
    """So many for this process and those it starts, if the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, needed), hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
