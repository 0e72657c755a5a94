"""Notices as they are kept: told once, for as long as they hold."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from desk_samples import Place, furnished, place
from sqlalchemy import Engine
from sqlmodel import Session

from jobs.looking import EVERY, Lookout, look
from jobs.notices.reading import facts
from jobs.notices.rules import holding
from jobs.ticking import tick
from newsletter.config import Sending
from newsletter.database import transaction
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.delivery.batch import Sending as Begun
from newsletter.delivery.event_tables import DeliveryState
from newsletter.delivery.events import take
from newsletter.desk import chores, sending, writing
from newsletter.desk.notices import Holds, Kind, Notice, Severity, keep, listed
from newsletter.desk.tellings import claim, told_of
from newsletter.issues.issue import Issue
from newsletter.providers.hooks import Event
from newsletter.providers.hooks import Kind as Word

DISK = Holds(Kind.DISK, "", Severity.WARNING, "400 MB are free.", "Make room.")


def kept(here: Place, *holding: Holds) -> tuple[list[str], list[str]]:
    """What was new and what is over, by key."""
    with here.desk.transaction() as session:
        new, gone = keep(session, holding, here.clock())
        return [one.key for one in new], [one.key for one in gone]


def the_notice(here: Place) -> Notice:
    """The only one there is."""
    with here.desk.transaction() as session:
        (one,) = listed(session)
        return one


def test_a_thing_that_holds_is_new_once(engine: Engine) -> None:
    """Then it is seen again, with its newest words; since when it holds stays."""
    here = place(engine)
    first = kept(here, DISK)
    here.clock.forward(hours=1)
    second = kept(here, replace(DISK, sentence="300 MB are free."))

    one = the_notice(here)
    assert (first, second) == ((["disk"], []), ([], []))
    assert (one.sentence, one.last_seen - one.first_seen) == ("300 MB are free.", timedelta(hours=1))


def test_what_holds_no_longer_is_over_and_may_come_back(engine: Engine) -> None:
    """One row, opened again: since now."""
    here = place(engine)
    kept(here, DISK)
    over = kept(here)
    again_over = kept(here)
    here.clock.forward(hours=2)
    back = kept(here, DISK)

    assert (over, again_over, back) == (([], ["disk"]), ([], []), (["disk"], []))
    assert (the_notice(here).first_seen, the_notice(here).resolved_at) == (here.clock(), None)


def test_the_worst_is_listed_first_and_what_is_over_last(engine: Engine) -> None:
    """As somebody in a hurry reads it."""
    here = place(engine)
    kept(here, replace(DISK, about="gone"))
    kept(here, replace(DISK, severity=Severity.INFO, about="i"), replace(DISK, severity=Severity.URGENT, about="u"))

    with here.desk.transaction() as session:
        assert [one.key for one in listed(session)] == ["disk:u", "disk:i", "disk:gone"]


def test_the_lookout_tells_of_a_draft_once_and_of_its_end(engine: Engine) -> None:
    """From the weekly job's draft to the approval, through the database."""
    here = furnished(engine)
    tick(here.desk)
    lookout = Lookout(here.desk)
    said = [lookout(), lookout()]
    writing.approve(here.desk, "1", by="ada")
    here.clock.forward(seconds=int(EVERY.total_seconds()))

    assert [len(lines) for lines in said] == [1, 0]
    assert said[0][0].startswith("info: The draft of issue 1 (2026-W46) is ready and waits for approval.")
    assert lookout() == ["over: The draft of issue 1 (2026-W46) is ready and waits for approval."]


def test_a_doubt_and_a_pause_are_found_in_the_ledger(engine: Engine) -> None:
    """The provider's answer was lost: an hour later somebody is told."""
    here = furnished(engine)
    tick(here.desk)
    writing.approve(here.desk, "1", by="ada")
    replace_provider(here, "lost")
    sending.send(here.desk, "1", by="ada")
    here.clock.forward(hours=2)

    found = {one.kind for one in look(here.desk)[0]}
    assert {"in-doubt", "not-everybody"} <= found


def replace_provider(here: Place, always: str) -> None:
    """From now on the provider does this, and forgets what it did."""
    here.provider.always, here.provider.remembers = always, False


def sent(here: Place) -> str:
    """Issue 1 went out; the key of its only delivery."""
    tick(here.desk)
    writing.approve(here.desk, "1", by="ada")
    sending.send(here.desk, "1", by="ada")
    (key,) = here.provider.log
    return key


@pytest.mark.parametrize(("seconds", "doubled"), [(5, 0), (300, 1)])
def test_a_delivery_that_is_reported_twice_is_counted_where_it_is_not_one_report_by_two_ways(
    engine: Engine, seconds: int, doubled: int
) -> None:
    """A webhook and a poll tell of the same within seconds."""
    here = furnished(engine)
    key, at = sent(here), here.clock()
    events = [Event(Word.DELIVERED, key, f"e{n}", at + timedelta(seconds=n), "delivered") for n in (0, seconds)]
    with transaction(engine) as session:
        take(session, "fake", events, here.clock())

    (issue,) = facts(here.desk).issues
    assert issue.post is not None
    assert issue.post.doubled == doubled


def test_a_sending_without_trouble_says_nothing(engine: Engine) -> None:
    """All rules over a week that went well."""
    here = furnished(engine)
    sent(here)
    here.clock.forward(hours=5)

    told = holding(replace(facts(here.desk), free=10**12))  # whatever room this machine has
    assert told == []


def test_a_file_that_stops_everything_is_seen(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """By its own age, not by ours."""
    here = place(engine)
    file = tmp_path_factory.mktemp("stop") / "stop"
    file.touch()
    desk = replace(here.desk, config=here.desk.config.model_copy(update={"sending": Sending(stop_file=file)}))

    assert facts(desk).stopped_since is not None


def test_what_was_over_long_ago_is_forgotten_with_its_tellings(engine: Engine) -> None:
    """What holds stays, however old it is."""
    here = place(engine)
    kept(here, DISK, replace(DISK, about="gone"))
    with here.desk.transaction() as session:
        assert claim(session, "disk:gone", "webhook", here.clock())
    kept(here, DISK)
    here.clock.forward(days=401)

    assert chores.forget_notices(here.desk) == "one notice of more than 400 days ago forgotten."
    assert the_notice(here).key == "disk"
    with here.desk.transaction() as session:
        assert told_of(session, "webhook") == {}


def old_issue(session: Session, number: int, at: datetime, bounced: int) -> None:
    """An issue that a thousand people got, of whom so many bounced."""
    when = {"created_at": at, "updated_at": at}
    mine = Issue(newsletter="weekly", number=number, week=f"2026-W{number:02}", date=at.date(), **when)
    session.add(mine)
    session.flush()
    its, walked = mine.id or 0, {"last": 0, "cursor": 0, "list_size": 1000}
    session.add(Begun(issue_id=its, digest="d", started_at=at, not_after=at, finished_at=at, **walked))
    counts = {"number": 1, "after": 0, "upto": 0, "size": 1000, "status": BatchStatus.ACCEPTED}
    session.add(Batch(issue_id=its, key=f"k{its}", claimed_at=at, attempted_at=at, provider="p", **counts))
    session.add_all(DeliveryState(issue_id=its, subscriber_id=n, state=Word.HARD_BOUNCED) for n in range(bounced))


@pytest.mark.parametrize(
    ("bounced", "expected"),
    [
        ((1, 2, 3, 19), []),
        ((1, 2, 3, 20), ["bounces:4"]),
        ((7, 9, 8, 20), []),
        ((7, 9, 8, 24), ["bounces:4"]),
        ((9, 9, 20), ["bounces:3"]),
    ],
)
def test_bounces_are_compared_with_the_issues_before(
    engine: Engine, bounced: tuple[int, ...], expected: list[str]
) -> None:
    """One in fifty at least, and three times the middle of three or more; the last issue is yesterday's."""
    here = place(engine)
    with here.desk.transaction() as session:
        for weeks, how_many in enumerate(reversed(bounced)):
            old_issue(session, len(bounced) - weeks, here.clock() - timedelta(weeks=3 * weeks, days=1), how_many)
    told = holding(replace(facts(here.desk), free=10**12))

    assert [one.key for one in told if one.kind is Kind.BOUNCES] == expected
