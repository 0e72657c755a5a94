"""A provider that wants to be left alone: the wait is kept, is shown, and whoever stops the issue ends it."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from delivery_samples import NOW, Ticks, dispatcher_for_ten
from fake_provider import FakeProvider
from sqlalchemy import Engine, update

from newsletter.database import transaction
from newsletter.delivery import waits
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.flight import Ending
from newsletter.delivery.waits import Wait
from newsletter.errors import Unrecorded
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.providers.base import Answer, OutgoingBatch

ISSUE = 1
NAME = FakeProvider().name


@pytest.fixture
def slow(engine: Engine) -> Dispatcher:
    """Its provider asks for two minutes at the first call."""
    return replace(dispatcher_for_ten(engine), provider=FakeProvider(next_answers=["slow down"]))


def left(engine: Engine, **later: int) -> float:
    """Seconds that the provider has still to be left alone."""
    with transaction(engine) as session:
        found = waits.longest(session, [NAME], NOW + timedelta(**later))
        return waits.left(found, NOW + timedelta(**later)) if found else 0.0


def stopped_in_the_wait(slow: Dispatcher) -> Dispatcher:
    """Asked to stop after the first call; and what goes on after that, in a new process."""
    assert slow.run(ISSUE, stop=lambda: bool(slow.provider.calls))[0] is Ending.STOPPED
    ticks = Ticks()
    return replace(slow, ticks=ticks, pause=ticks.forward, throttle=type(slow.throttle)())


def test_the_next_run_waits_for_what_is_left(slow: Dispatcher) -> None:
    """A minute and a half later it waits for half a minute, and no call is made before."""
    again = replace(stopped_in_the_wait(slow), clock=lambda: NOW + timedelta(seconds=90))
    calls: list[tuple[float, int]] = []
    told = replace(again, on_wait=lambda wait: calls.append((wait.seconds if wait else 0, len(slow.provider.calls))))
    assert told.run(ISSUE)[0] is Ending.DONE

    assert (calls[0], told.ticks()) == ((30.0, 1), 30.0)
    assert list(slow.provider.log.values()) == [1] * 10


def test_a_wait_that_is_over_holds_nobody_up(slow: Dispatcher) -> None:
    """An hour later the next run begins at once."""
    again = replace(stopped_in_the_wait(slow), clock=lambda: NOW + timedelta(hours=1))
    again.run(ISSUE)

    assert again.ticks() == 0


def test_the_wait_is_told_with_its_reason_until_it_is_over(slow: Dispatcher) -> None:
    """First all of it, then less and less, at the end that it goes on."""
    told: list[Wait | None] = []
    replace(slow, on_wait=told.append).run(ISSUE)
    first, *_, last, over = told

    assert first is not None
    assert (first.seconds, first.why, first.reason) == (120.0, "the provider asked for it", "slow down")
    assert last is not None
    assert last.seconds <= 1
    assert over is None


@dataclass
class Losing(FakeProvider):
    """While it takes its first call, the database loses a table: an answer cannot be written down then."""

    engine: Engine | None = None

    def send(self, batch: OutgoingBatch) -> Answer:
        """As ever."""
        if self.engine and not self.calls:
            rename(self.engine, "batch", "batch_away")
        return super().send(batch)


def rename(engine: Engine, old: str, new: str) -> None:
    """Take a table away, or bring it back."""
    with transaction(engine) as session:
        session.connection().exec_driver_sql(f"alter table {old} rename to {new}")


def test_what_cannot_be_written_down_is_told_and_tried_again(engine: Engine) -> None:
    """At the first wait somebody mends it: everybody is mailed once."""
    told: list[Wait] = []

    def mend(wait: Wait | None) -> None:
        if wait and not told:
            rename(engine, "batch_away", "batch")
        told.extend([wait] if wait else [])

    losing = replace(dispatcher_for_ten(engine), provider=Losing(engine=engine), on_wait=mend)

    assert losing.run(ISSUE)[0] is Ending.DONE
    assert told[0].why == "what came back cannot be written down, tried for 295 seconds more"
    assert list(losing.provider.log.values()) == [1] * 10


def test_what_was_never_written_down_is_no_unchanged_state(engine: Engine) -> None:
    """After five minutes it gives up, and says that calls were made."""
    losing = replace(dispatcher_for_ten(engine), provider=Losing(engine=engine))
    with pytest.raises(Unrecorded, match="could not be written down; nobody is lost") as caught:
        losing.run(ISSUE)
    rename(engine, "batch_away", "batch")

    assert "Nothing was changed" not in str(caught.value)
    assert losing.ticks() == 295


@pytest.mark.parametrize("status", [IssueStatus.PAUSED, IssueStatus.CANCELLED])
def test_whoever_pauses_or_cancels_the_issue_ends_the_wait(slow: Dispatcher, status: IssueStatus) -> None:
    """Within a second, and no further call is made."""

    def act(wait: Wait | None) -> None:
        with transaction(slow.engine) as session:
            session.execute(update(Issue).values(status=status))

    assert replace(slow, on_wait=act).run(ISSUE)[0] is Ending.PAUSED
    assert slow.ticks() <= 1
    assert len(slow.provider.calls) == 1


def test_the_stop_file_ends_the_wait(slow: Dispatcher, tmp_path: Path) -> None:
    """As Ctrl-C does."""
    file = tmp_path / "stop-sending"
    told = replace(slow, on_wait=lambda _: file.touch(), halted=file.exists)

    assert told.run(ISSUE)[0] is Ending.STOPPED
    assert slow.ticks() <= 1


def test_a_shorter_wait_does_not_end_a_longer_one(engine: Engine) -> None:
    """Several calls may be told different times; the last to end counts."""
    with transaction(engine) as session:
        waits.keep(session, NAME, 120.0, NOW, "two minutes")
        waits.keep(session, NAME, 5.0, NOW, "five seconds")
    assert left(engine) == 120

    with transaction(engine) as session:
        waits.keep(session, NAME, 300.0, NOW, "five minutes")
    assert left(engine) == 300


def test_a_clock_that_was_put_back_makes_no_wait_longer(engine: Engine) -> None:
    """Never more than was asked for."""
    with transaction(engine) as session:
        waits.keep(session, NAME, 120.0, NOW, "")

    assert left(engine, days=-9) == 120
    assert left(engine, seconds=100) == 20
    assert left(engine, seconds=121) == 0


def test_another_account_has_waits_of_its_own(engine: Engine) -> None:
    """But who only looks, and has no key, sees the wait of the provider that is configured."""
    with transaction(engine) as session:
        waits.keep(session, "postmark:aaa", 120.0, NOW, "")

        assert waits.longest(session, ["postmark:bbb"], NOW) is None
        assert waits.running(session, ["postmark"], NOW) is not None
        assert waits.running(session, ["resend"], NOW) is None
