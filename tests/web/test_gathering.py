"""Many small requests, few transactions."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from newsletter.errors import DatabaseError
from newsletter.providers.hooks import Event, Kind
from newsletter.web.gathering import MOST, Gathering
from newsletter.web.hooks import Parcel, weight


class Store:
    """Keeps what it is given, and the sizes in which it came; one of them it cannot keep."""

    def __init__(self, poison: str = "") -> None:
        self.poison, self.kept, self.sizes = poison, list[str](), list[int]()

    def __call__(self, parcels: Sequence[Parcel]) -> None:
        """All or nothing."""
        self.sizes.append(len(parcels))
        if self.poison in [name for name, _ in parcels]:
            raise DatabaseError("It cannot be kept.")
        self.kept += [name for name, _ in parcels]


def put_all(store: Store, names: Sequence[str]) -> list[BaseException | None]:
    """All at once; what each of them was told."""

    async def run() -> list[BaseException | None]:
        gathering = Gathering(store, weight)
        return await asyncio.gather(*(gathering.put((name, [])) for name in names), return_exceptions=True)

    return asyncio.run(run())


def test_what_comes_together_is_stored_together() -> None:
    """A hundred requests are a handful of transactions; each is kept once, in order."""
    store, names = Store(), [str(number) for number in range(100)]

    assert put_all(store, names) == [None] * 100
    assert store.kept == names
    assert len(store.sizes) < 5


def test_one_transaction_holds_so_many_and_no_more() -> None:
    """The others wait for the next."""
    store = Store()
    put_all(store, [str(number) for number in range(3 * MOST)])

    assert max(store.sizes) == MOST


@pytest.mark.parametrize(("events", "sizes"), [(1000, [2, 2, 1]), (1999, [1] * 5), (5000, [1] * 5)])
def test_one_transaction_holds_so_many_events(events: int, sizes: list[int]) -> None:
    """Whoever else wants to write waits for it; a request that is larger goes alone."""
    store = Store()
    event = Event(Kind.DELIVERED, "", "", datetime(2026, 11, 12, tzinfo=UTC), "")

    async def run() -> None:
        gathering = Gathering(store, weight)
        await asyncio.gather(*(gathering.put((str(number), [event] * events)) for number in range(5)))

    asyncio.run(run())

    assert store.sizes == sizes


@pytest.mark.parametrize("names", [("a", "poison", "b"), ("poison", "a"), ("poison",)])
def test_one_that_cannot_be_stored_costs_the_others_nothing(names: tuple[str, ...]) -> None:
    """It is told, the others are kept."""
    store = Store("poison")
    told = put_all(store, names)

    assert [isinstance(answer, DatabaseError) for answer in told] == [name == "poison" for name in names]
    assert store.kept == [name for name in names if name != "poison"]


def test_whoever_goes_away_while_waiting_stops_nobody() -> None:
    """A provider that hangs up: its event may be stored, the next one is."""
    store = Store()

    async def run() -> None:
        gathering = Gathering(store, weight)
        gone = asyncio.create_task(gathering.put(("gone", [])))
        await asyncio.wait([gone], timeout=0)
        gone.cancel()
        await gathering.put(("next", []))

    asyncio.run(run())

    assert "next" in store.kept
