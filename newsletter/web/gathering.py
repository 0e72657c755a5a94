"""Many small requests, few transactions: what arrives while one is being committed goes into the next together.

Most providers post one event a request, and a commit with full durability costs as much for one as for a hundred.
Everybody waits for the commit of their own event before they are answered.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from starlette.concurrency import run_in_threadpool

from newsletter.providers.hooks import Event

Parcel = tuple[str, Sequence[Event]]  #: the provider's name, and its events
MOST, MOST_EVENTS = 200, 2000  #: requests in one transaction, and events, unless one request has more


@dataclass
class Gathering:
    """Stores parcels; one transaction at a time. Belongs to one event loop."""

    store: Callable[[Sequence[Parcel]], None]  #: all of them in one transaction; raises where nothing was stored
    _waiting: list[tuple[Parcel, asyncio.Future[None]]] = field(default_factory=list)
    _work: asyncio.Task[None] | None = None

    async def put(self, parcel: Parcel) -> None:
        """Returns when it is committed; raises what `store` raised for it."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((parcel, done))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._empty())
        await done

    async def _empty(self) -> None:
        while self._waiting:
            some = self._next()
            try:
                await run_in_threadpool(self.store, [parcel for parcel, _ in some])
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for it
                await self._one_by_one(some, error)
            else:
                for _, done in some:
                    _settle(done, None)

    def _next(self) -> list[tuple[Parcel, asyncio.Future[None]]]:
        """Who goes into the next transaction: whoever else wants to write waits until it is over."""
        events = accumulate(len(parcel[1]) for parcel, _ in self._waiting[:MOST])
        fit = max(1, sum(number <= MOST_EVENTS for number in events))
        some, self._waiting = self._waiting[:fit], self._waiting[fit:]
        return some

    async def _one_by_one(self, some: Sequence[tuple[Parcel, asyncio.Future[None]]], error: Exception) -> None:
        """One parcel must not cost the others their commit."""
        for parcel, done in some:
            failure: Exception | None = error
            if len(some) > 1:
                try:
                    await run_in_threadpool(self.store, [parcel])
                    failure = None
                except Exception as own:  # noqa: BLE001 - as above
                    failure = own
            _settle(done, failure)


def _settle(done: asyncio.Future[None], failure: Exception | None) -> None:
    """Unless whoever waited has gone away."""
    if done.done():
        return
    if failure:
        done.set_exception(failure)
    else:
        done.set_result(None)
