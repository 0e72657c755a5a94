"""HTTP for who is quick: a head that drips holds one of few places, and uvicorn itself waits for it without end.

The time runs from the moment that a connection owes us a head (it was opened, or its last request was answered and
something more came) until a request has begun. Bytes do not wind it up again. Bodies are timed by who reads them.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

LONGEST_HEAD = 5.0  #: seconds
#: Bytes of a request's first line and headers together; browsers and providers send two or three thousand. uvicorn
#: takes a path apart before anything of ours is asked: 60 kB of "%" held everybody up for a twentieth of a second.
MOST_HEAD = 16_384


class Impatient(H11Protocol):
    """uvicorn's own protocol, which hangs up on who owes a head for too long."""

    def __init__(self, *args: Any, longest_head: float = LONGEST_HEAD, **named: Any) -> None:
        """`longest_head`: seconds; the rest as uvicorn gives it."""
        super().__init__(*args, **named)
        self._longest_head = longest_head
        self._due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The time begins."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """The time ends where a request begins with these bytes, and goes on or begins where it does not.

        In pieces: a head that is too long is seen to be before it is whole, also where it came at once.
        """
        for at in range(0, len(data), MOST_HEAD):
            if not self.transport.is_closing():
                super().data_received(data[at : at + MOST_HEAD])
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is owed any more."""
        self._settle()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._settle()
        elif self._due is None and not self.transport.is_closing():
            self._due = self.loop.call_later(self._longest_head, self.transport.abort)

    def _settle(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


def impatient(longest_head: float = LONGEST_HEAD) -> type[asyncio.Protocol]:
    """What uvicorn makes its connections with."""
    made: Callable[..., asyncio.Protocol] = partial(Impatient, longest_head=longest_head)
    return cast("type[asyncio.Protocol]", made)
