"""A disk that is full: a limit on the size of any file that this process writes, as a quota would set."""

import resource
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from delivery_samples import dispatcher_for_ten
from fake_provider import FakeProvider
from people import ada
from sqlalchemy import Engine

from newsletter.database import transaction
from newsletter.delivery.flight import Ending
from newsletter.delivery.waits import Wait
from newsletter.errors import DatabaseError
from newsletter.providers.base import Answer, OutgoingBatch
from subscribers.subscriber import Status, counts

pytestmark = pytest.mark.sqlite


@dataclass
class Disk:
    """The disk of a SQLite file, which can be full for a while."""

    log: Path  #: grows with every transaction
    before: tuple[int, int] = field(default_factory=lambda: resource.getrlimit(resource.RLIMIT_FSIZE))

    def fill(self) -> None:
        """No file can grow beyond what the write-ahead log has now."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.log.stat().st_size, self.before[1]))

    def clear(self) -> None:
        """There is room again."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)


@dataclass
class Filling(FakeProvider):
    """The disk fills up while it takes the first call."""

    disk: Disk | None = None

    def send(self, batch: OutgoingBatch) -> Answer:
        """Take it."""
        if self.disk and not self.calls:
            self.disk.fill()
        return super().send(batch)


@pytest.fixture
def disk(engine: Engine) -> Iterator[Disk]:
    """The disk below the ledger."""
    disk = Disk(Path(f"{engine.url.database}-wal"))
    yield disk
    disk.clear()


def test_a_full_disk_is_told_with_what_to_do(engine: Engine, disk: Disk) -> None:
    """Nothing was changed; and when there is room again it goes on."""
    with transaction(engine) as session:
        counts(session)
    disk.fill()
    with pytest.raises(DatabaseError, match=r"cannot be written: .+Make room"), transaction(engine) as session:
        ada(session)
    disk.clear()
    with transaction(engine) as session:
        assert counts(session)[Status.ACTIVE] == 0
        ada(session)


def test_a_disk_that_fills_while_a_call_is_under_way_doubles_and_loses_nobody(engine: Engine, disk: Disk) -> None:
    """What came back is written down when somebody has made room."""
    told: list[str] = []

    def make_room(wait: Wait | None) -> None:
        disk.clear()
        told.extend([wait.why] if wait else [])

    ten = replace(dispatcher_for_ten(engine), provider=Filling(disk=disk), on_wait=make_room)

    assert (ten.run(1)[0], list(ten.provider.log.values())) == (Ending.DONE, [1] * 10)
    assert "cannot be written down" in told[0]
