"""What only the httpx poster has: its table of exceptions."""

from collections.abc import Iterator

import httpx
import pytest

from newsletter.providers.httpx_poster import TAKEN
from newsletter.providers.poster import Taken

#: What only stands above others and is never raised itself.
ABOVE = {httpx.TransportError, httpx.TimeoutException, httpx.NetworkError, httpx.ProtocolError}


def below(kind: type[Exception]) -> Iterator[type[Exception]]:
    """This exception and all that derive from it."""
    yield kind
    for one in kind.__subclasses__():
        yield from below(one)


@pytest.mark.parametrize("kind", sorted(set(below(httpx.TransportError)) - ABOVE, key=str))
def test_every_failure_of_httpx_is_judged(kind: type[httpx.TransportError]) -> None:
    """A new version may bring a new one: then somebody decides, and until then it is in doubt."""
    if kind.__module__.startswith("httpx"):
        assert kind in TAKEN


def test_only_three_failures_mean_that_nothing_was_sent() -> None:
    """Security reference 3.7."""
    nothing = {kind for kind, taken in TAKEN.items() if taken is Taken.NOT_SENT}

    assert nothing == {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout}
