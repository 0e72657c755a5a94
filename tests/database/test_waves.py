"""An issue by the readers' own time: one snapshot, each wave at its hour, everybody once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from delivery_samples import dispatcher_for_ten
from desk_samples import Place, furnished
from fake_provider import FakeProvider, Killed
from people import SECRET
from sqlalchemy import Engine
from sqlmodel import select

from newsletter.database import transaction
from newsletter.delivery import waves
from newsletter.delivery.batch import Sending
from newsletter.delivery.explain import fates
from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import Progress, progress
from newsletter.delivery.waves import WaveMember
from newsletter.desk import sending, writing
from newsletter.errors import DeliveryError
from newsletter.issues.issue import IssueStatus
from subscribers.address import parse
from subscribers.consent import Evidence
from subscribers.subscriber import Subscriber, add, find, unsubscribe

#: Now it is Thursday the 12th, and the publication is at home in UTC. The issue is everybody's on Friday at eight.
EIGHT = datetime(2026, 11, 13, 8, tzinfo=UTC)
KIRI, NELL = "Pacific/Kiritimati", "America/New_York"
ALL_HOURS = ((12, 18), (13, 7), (13, 8), (13, 12), (13, 13))  #: day and hour, UTC


def scheduled(engine: Engine, **zones: str) -> Place:
    """An approved issue by local time, and these people in their zones beside Ada, whose zone nobody knows."""
    here = furnished(engine)
    for name, zone in zones.items():
        move(here, name, zone)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    sending.schedule(here.desk, "1", at=EIGHT, by="Mara", everywhere=True)
    return here


def move(here: Place, name: str, zone: str) -> None:
    """Somebody active lives in this zone from now on."""
    with here.desk.transaction() as session:
        address, now = parse(f"{name}@example.org"), here.clock()
        person = find(session, address.display) or add(
            session, address, Evidence("/subscribe"), secret=SECRET, now=now, confirmed=True
        )
        person.zone = zone
        session.add(person)


def run(here: Place, day: int, hour: int) -> sending.Sent:
    """A run of the dispatcher at this hour, UTC."""
    here.clock.now = datetime(2026, 11, day, hour, tzinfo=UTC)
    return sending.send(here.desk, "1", by="Mara")


def got(here: Place) -> list[str]:
    """Who has it, in the order in which they got it; twice if they got it twice."""
    with here.desk.transaction() as session:
        names = {one.ref: str(one.address).partition("@")[0].lower() for one in session.exec(select(Subscriber))}
    return [names[key.partition("-")[2]] for key in here.provider.log.elements()]


def stand(here: Place) -> Progress:
    """Where the issue stands."""
    with here.desk.transaction() as session:
        found = progress(session, 1)
    assert found is not None
    return found


def test_it_starts_where_the_hour_comes_first(engine: Engine) -> None:
    """Eight on Friday comes to UTC+14 on Thursday at 18:00 UTC."""
    here = scheduled(engine)
    with here.desk.transaction() as session:
        issue = here.desk.find(session, "1")

    assert (issue.starts_at, issue.wall_time) == (datetime(2026, 11, 12, 18, tzinfo=UTC), "2026-11-13T08:00")


def test_each_wave_gets_it_at_its_hour_and_everybody_once(engine: Engine) -> None:
    """Kiri, then Ada in the publication's zone, then Nell in New York."""
    here = scheduled(engine, nell=NELL, kiri=KIRI)
    runs = [(run(here, day, hour).ending, len(got(here))) for day, hour in ALL_HOURS]

    assert runs == [(Ending.LATER, 1), (Ending.LATER, 1), (Ending.LATER, 2), (Ending.LATER, 2), (Ending.DONE, 3)]
    assert got(here) == ["kiri", "ada", "nell"]


def test_the_sum_holds_between_waves(engine: Engine) -> None:
    """Invariant 6, wave by wave: seven on the list, four of whom are skipped in the publication's wave."""
    here = scheduled(engine, nell=NELL, kiri=KIRI)
    seen = []
    for day, hour in ALL_HOURS:
        run(here, day, hour)
        seen.append(stand(here))

    assert all(state.adds_up for state in seen)
    assert [(one.accepted, one.skipped_in_all, one.to_claim) for one in seen[::2]] == [(1, 0, 6), (2, 4, 1), (3, 4, 0)]


def test_who_moves_on_the_way_gets_it_once(engine: Engine) -> None:
    """Kiri, who has it, flies to New York; Nell, who has not, flies where the hour is over."""
    here = scheduled(engine, nell=NELL, kiri=KIRI)
    run(here, 12, 18)
    move(here, "kiri", NELL)
    move(here, "nell", KIRI)
    run(here, 13, 8)

    assert run(here, 13, 13).issue.status is IssueStatus.SENT
    assert got(here) == ["kiri", "ada", "nell"]


def test_who_leaves_before_their_wave_does_not_get_it(engine: Engine) -> None:
    """Invariant 8: consent is looked at by the wave's claim, not when the waves were laid."""
    here = scheduled(engine, nell=NELL)
    run(here, 13, 8)
    with here.desk.transaction() as session:
        unsubscribe(session, find(session, "nell@example.org"), Evidence("/u"), here.clock())
    run(here, 13, 13)

    assert (got(here), stand(here).skipped["unsubscribed"], stand(here).adds_up) == (["ada"], 2, True)


def test_who_joins_on_the_way_gets_the_next_issue(engine: Engine) -> None:
    """The list is as long as it was when the issue began."""
    here = scheduled(engine, kiri=KIRI)
    run(here, 12, 18)
    move(here, "late", NELL)

    assert run(here, 13, 8).issue.status is IssueStatus.SENT
    assert got(here) == ["kiri", "ada"]


def test_a_call_that_was_put_off_outlives_the_claims_after_it(engine: Engine) -> None:
    """It waits in the dispatcher's memory while the wave's next claim passes somebody who has left."""
    ten = dispatcher_for_ten(engine)
    with transaction(engine) as session:
        unsubscribe(session, find(session, "reader5@example.org"), Evidence("/u"), EIGHT)
        here = waves.Places(lambda _: (EIGHT - timedelta(days=2), 0))
        waves.lay(session, session.get_one(Sending, 1), here, EIGHT)
    put_off = replace(ten, provider=FakeProvider(next_answers=["one of you is wrong"]))

    assert put_off.run(1)[0] is Ending.DONE
    assert list(put_off.provider.log.values()) == [1] * 9


def test_a_wave_is_cut_into_batches(engine: Engine) -> None:
    """Five in one wave, two in a call."""
    here = scheduled(engine, **{f"n{number}": NELL for number in range(5)})
    here.provider.batch_size = 2
    run(here, 13, 8)
    run(here, 13, 13)

    assert sorted(got(here)) == ["ada", "n0", "n1", "n2", "n3", "n4"]
    assert len(here.provider.calls) == 4


def test_a_run_that_died_in_a_wave_is_gone_on_with(engine: Engine) -> None:
    """Whom it had claimed are found by the ledger, whatever their wave."""
    here = scheduled(engine, nell=NELL)
    here.provider.next_answers = ["accept, die after"]
    with pytest.raises(Killed):
        run(here, 13, 8)
    run(here, 13, 13)

    assert (sorted(got(here)), stand(here).adds_up) == (["ada", "nell"], True)


def test_after_a_pause_nobody_is_woken_up(engine: Engine) -> None:
    """Paused over Ada's hour, resumed at eleven in her evening: she gets it at eight the next morning."""
    here = scheduled(engine, kiri=KIRI)
    run(here, 12, 18)
    sending.pause(here.desk, "1", by="Mara")
    here.clock.now = datetime(2026, 11, 13, 22, tzinfo=UTC)
    sending.resume(here.desk, "1", by="Mara")

    assert (run(here, 13, 22).ending, got(here)) == (Ending.LATER, ["kiri"])
    assert (run(here, 14, 8).ending, got(here)) == (Ending.DONE, ["kiri", "ada"])


def test_between_two_waves_nothing_is_due(engine: Engine) -> None:
    """The scheduler looks every half minute: it begins a run only when somebody's hour has come."""
    here = scheduled(engine, kiri=KIRI)
    run(here, 12, 18)
    assert sending.due(here.desk) == []

    here.clock.now = EIGHT
    assert sending.due(here.desk) == ["1"]


def test_it_may_take_as_long_as_ever_from_the_last_wave_on(engine: Engine) -> None:
    """Else Honolulu would be late before it began."""
    here = scheduled(engine, lani="Pacific/Honolulu")
    run(here, 12, 18)
    with here.desk.transaction() as session:
        late = session.get_one(Sending, 1).not_after

    assert late == datetime(2026, 11, 13, 18, tzinfo=UTC) + timedelta(hours=48)


def test_somebody_can_be_told_when_it_is_their_turn(engine: Engine) -> None:
    """And afterwards why they did not get it."""
    here = scheduled(engine, kiri=KIRI, nell=NELL)
    run(here, 12, 18)
    with here.desk.transaction() as session:
        (fate,) = fates(session, find(session, "nell@example.org"))
    assert (fate.got_it, fate.why) == (None, "is still to come, in the wave of 13 Nov 13:00")

    run(here, 13, 13)
    with here.desk.transaction() as session:
        assert fates(session, find(session, "ben@example.org"))[0].why == "had not confirmed the sign-up"


def test_what_is_over_keeps_only_whom_it_skipped(engine: Engine) -> None:
    """Ben, Cleo, Dov and Pia: their place in a wave says when they were passed."""
    here = scheduled(engine, kiri=KIRI)
    run(here, 12, 18)
    run(here, 13, 8)
    with here.desk.transaction() as session:
        assert len(session.exec(select(WaveMember)).all()) == 4


def test_a_sending_that_never_began_takes_its_waves_along(engine: Engine) -> None:
    """Begun, cancelled before any claim, and made a draft again: its next start lays them anew."""
    here = scheduled(engine)
    run(here, 12, 18)
    writing.cancel(here.desk, "1", by="Mara")
    writing.reopen(here.desk, "1", by="Mara")
    with here.desk.transaction() as session:
        assert (waves.waves_of(session, 1), session.get(Sending, 1)) == ([], None)


@pytest.mark.parametrize("hours", [-3, 13])
def test_a_time_that_is_past_or_in_the_quiet_hours_is_refused(engine: Engine, hours: int) -> None:
    """Nothing was changed: it can be scheduled for another."""
    here = furnished(engine)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    at = here.clock() + timedelta(hours=hours)
    with pytest.raises(DeliveryError, match=r"time to come|quiet hours"):
        sending.schedule(here.desk, "1", at=at, by="Mara", everywhere=True)

    with here.desk.transaction() as session:
        assert here.desk.find(session, "1").status is IssueStatus.APPROVED
