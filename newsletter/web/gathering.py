"""Many small requests, few transactions: what arrives while one is being committed goes into the next together.

Most providers post one event a request, readers leave one at a time but many at once, and a commit with full durability
costs as much for one as for a hundred. Everybody waits for the commit of what is theirs before they are answered;
whoever stops waiting takes nothing back: what was put here is stored all the same.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

P = TypeVar("P")
MOST, MOST_WEIGHT = 200, 2000  #: parcels in one transaction, and their weight, unless one parcel has more


@dataclass
class Gathering(Generic[P]):
    """Stores parcels; one transaction at a time. Belongs to one event loop."""

    store: Callable[[Sequence[P]], None]  #: all of them in one transaction; raises where nothing was stored
    weigh: Callable[[P], int] = lambda _: 1  #: how many rows a parcel is
    _waiting: list[tuple[P, asyncio.Future[None]]] = field(default_factory=list)
    _work: asyncio.Task[None] | None = None

    async def put(self, parcel: P) -> None:
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

    def _next(self) -> list[tuple[P, asyncio.Future[None]]]:
        """Who goes into the next transaction: whoever else wants to write waits until it is over."""
        weights = accumulate(self.weigh(parcel) for parcel, _ in self._waiting[:MOST])
        fit = max(1, sum(weight <= MOST_WEIGHT for weight in weights))
        some, self._waiting = self._waiting[:fit], self._waiting[fit:]
        return some

    async def _one_by_one(self, some: Sequence[tuple[P, asyncio.Future[None]]], error: Exception) -> None:
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
