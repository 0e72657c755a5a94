"""Evidence: what was said, when, where and under which words."""

from collections.abc import Iterator
from datetime import timedelta

import people
import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import BACK_ON, LEFT_ON, NOW, SECRET
from sqlalchemy import Engine
from sqlmodel import Session

from subscribers.consent import (
    ALREADY,
    ON_THE_LIST,
    STEPS,
    ConsentEvent,
    Evidence,
    Kind,
    Status,
    after,
    events,
    status_at,
)
from subscribers.errors import IllegalChange
from subscribers.subscriber import add, confirm, resume


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """An empty list."""
    with people.the_list(engine) as session:
        yield session


def test_an_event_says_where_when_and_under_which_words(session: Session) -> None:
    """Enough to prove a consent years later."""
    yes = Evidence("/confirm", wording="2026-01", by="")
    ben = people.ben(session)
    confirm(session, ben, yes, NOW)

    event = events(session, ben.id or 0)[-1]

    assert (event.kind, event.status, event.at) == (Kind.CONFIRMED, Status.ACTIVE, NOW)
    assert (event.source, event.wording, event.by) == ("/confirm", "2026-01", "")


def test_an_operator_who_adds_somebody_is_named(session: Session) -> None:
    """A yes that the person did not give here themselves shows who vouches for it."""
    vouched = Evidence("command line", wording="asked at the fair", by="olga")

    eve = add(session, people.EVE, vouched, secret=SECRET, now=NOW, confirmed=True)

    assert [(event.kind, event.by) for event in events(session, eve.id or 0)] == [(Kind.CONFIRMED, "olga")]


def test_the_status_at_a_moment_follows_from_the_evidence(session: Session) -> None:
    """Was she on the list when issue 12 went out? And why not?"""
    cleo, pia = people.cleo(session), people.pia(session)
    resume(session, pia, Evidence("/preferences"), BACK_ON)
    hers, other = events(session, cleo.id or 0), events(session, pia.id or 0)

    assert status_at(hers, LEFT_ON - timedelta(seconds=1)) is Status.ACTIVE
    assert status_at(hers, LEFT_ON) is Status.UNSUBSCRIBED
    assert status_at(hers, NOW - timedelta(weeks=30)) is None
    assert [status_at(other, moment) for moment in (NOW, BACK_ON)] == [Status.PAUSED, Status.ACTIVE]


def test_of_two_events_at_one_moment_the_later_written_counts() -> None:
    """Clocks are coarse; the order of writing is not."""
    words = {"subscriber_id": 1, "at": NOW, "source": "/u"}
    first = ConsentEvent(id=1, kind=Kind.CONFIRMED, status=Status.ACTIVE, **words)
    second = ConsentEvent(id=2, kind=Kind.WITHDRAWN, status=Status.UNSUBSCRIBED, **words)

    assert status_at([second, first], NOW) is Status.UNSUBSCRIBED


@pytest.mark.parametrize("status", [None, *Status])
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.IMPORTED, Kind.ERASED)])
def test_every_step_is_in_the_table_or_refused(status: Status | None, kind: Kind) -> None:
    """There is no third way; nothing but a request or a yes leads out of unsubscribed, and another address nowhere."""
    if (status, kind) in STEPS:
        assert after(status, kind) is STEPS[status, kind]
    elif (status, kind) in ALREADY:
        assert after(status, kind) is None
    else:
        with pytest.raises(IllegalChange, match="Nothing was changed"):
            after(status, kind)
    out = {kind for (start, kind), end in STEPS.items() if start is Status.UNSUBSCRIBED and end is not start}
    assert out == {Kind.REQUESTED, Kind.CONFIRMED}


@given(st.lists(st.sampled_from(Kind), max_size=12))
def test_nobody_is_active_without_a_yes_after_their_last_no(story: list[Kind]) -> None:
    """Whatever is asked in whatever order: active means that the newest yes is newer than the newest no."""
    status: Status | None = None
    consent = False
    for kind in story:
        try:
            status = after(status, kind) or status
        except IllegalChange:
            continue
        consent = kind is Kind.CONFIRMED or (consent and kind not in (Kind.WITHDRAWN, Kind.LAPSED))
        assert consent or status not in ON_THE_LIST
