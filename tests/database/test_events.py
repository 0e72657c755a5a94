"""What follows from what providers say later, and what does not."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from delivery_samples import NOW, answers, crowd, issue_on_its_way
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import PAGE
from sqlalchemy import Engine, insert
from sqlmodel import Session, SQLModel, select

from newsletter.database import transaction
from newsletter.delivery import claims, ledger
from newsletter.delivery.batch import Batch, BatchStatus
from newsletter.delivery.event_tables import RANK, STATES, DeliveryState, ProviderEvent, facts, fold, raise_states
from newsletter.delivery.events import Taken, counts, settle_from_events, take
from newsletter.delivery.evidence import prove
from newsletter.delivery.progress import progress
from newsletter.providers.base import Outcome
from newsletter.providers.hooks import Event, Kind
from subscribers.consent import Status
from subscribers.consent import events as consent_of
from subscribers.erasure import erase
from subscribers.subscriber import Subscriber, confirm
from subscribers.suppression import Reason, Suppression, lift, suppress

LATER = NOW + timedelta(minutes=3)


def event(key: str, kind: Kind, number: int = 1, at: datetime = LATER, reason: str = "") -> Event:
    """What a provider says of a delivery; the number makes its id."""
    return Event(kind, key, f"e-{key}-{kind}-{number}", at, str(kind).upper(), reason)


def sent(session: Session, people: int = 2, issues: int = 1) -> list[str]:
    """So many issues that the provider accepted for everybody; the refs in the order of ids."""
    crowd(session, people)
    for number in range(1, issues + 1):
        batch = claims.claim(session, issue_on_its_way(session, number), 100, NOW, "fake")
        assert batch is not None
        ledger.record(session, batch, answers(batch, Outcome.ACCEPTED), NOW)
    return refs(session)


def refs(session: Session) -> list[str]:
    """Everybody's ref, in the order of ids."""
    return list(session.exec(select(Subscriber.ref).order_by(Subscriber.id)))


def state(session: Session, issue: int = 1, who: int = 1) -> DeliveryState | None:
    """What is known of one delivery."""
    return session.get(DeliveryState, (issue, who), populate_existing=True)


def reasons(session: Session) -> list[Reason]:
    """Why addresses are suppressed."""
    return list(session.exec(select(Suppression.reason)))


def soft_bounces(session: Session, *issues: int, kind: Kind = Kind.SOFT_BOUNCED) -> None:
    """The first reader bounces softly in these issues, one after the other."""
    for issue in issues:
        take(session, "fake", [event(f"{issue}-{refs(session)[0]}", kind)], NOW)


def test_an_event_is_kept_once(engine: Engine) -> None:
    """Whatever else follows, what was said is there, under the provider's own id."""
    with transaction(engine) as session:
        said = [event(f"1-{sent(session)[0]}", Kind.DELIVERED)]

        assert [take(session, "fake", said * 2, NOW), take(session, "fake", said, NOW)] == [
            Taken(new=1, known=1),
            Taken(known=1),
        ]
        (kept,) = session.exec(select(ProviderEvent))
        assert (kept.event_id, kept.word, kept.at, kept.issue_id) == (said[0].event_id, "DELIVERED", LATER, 1)


def test_two_providers_may_use_the_same_id(engine: Engine) -> None:
    """Ids are unique at one provider only."""
    with transaction(engine) as session:
        said = [event(f"1-{sent(session)[0]}", Kind.DELIVERED)]

        assert [take(session, name, said, NOW).new for name in ("fake", "other")] == [1, 1]


@pytest.mark.parametrize("kind", Kind)
def test_an_event_of_any_kind_is_kept(engine: Engine, kind: Kind) -> None:
    """Also one that nobody here knows, which is counted."""
    with transaction(engine) as session:
        taken = take(session, "fake", [event(f"1-{sent(session)[0]}", kind)], NOW)

        assert taken == Taken(new=1, unknown=int(kind is Kind.UNKNOWN))
        assert [kept.kind for kept in session.exec(select(ProviderEvent))] == [kind]


STRANGE = ["", "1", "1-", "2-{ref}", "01-{ref}", "1-{ref}x", " 1-{ref}", "1-{ref}\n", "٣-{ref}", "-1-{ref}", "test-1-0"]
STRANGER = ["1-" + "a" * 24, "99999999999999999999-{ref}", "1-\udcff\x00", "9999999999-{ref}", "1-{ref}" * 330_000]


@pytest.mark.parametrize("key", [*STRANGE, *STRANGER], ids=range(16))
def test_a_key_that_is_not_ours_changes_nothing(engine: Engine, key: str) -> None:
    """Counted as nobody's; nobody is created, suppressed, or let go (S-52)."""
    with transaction(engine) as session:
        key = key.replace("{ref}", sent(session)[0])
        said = [event(key, kind) for kind in (Kind.COMPLAINED, Kind.HARD_BOUNCED, Kind.UNSUBSCRIBED)]

        assert take(session, "fake", said, NOW) == Taken(new=3, nobodys=3)
        assert (len(refs(session)), reasons(session)) == (2, [])
        assert session.exec(select(DeliveryState)).all() == []
        assert session.get_one(Subscriber, 1).status is Status.ACTIVE


def test_somebody_who_was_not_in_the_issue_is_nobody(engine: Engine) -> None:
    """A ref and an issue of ours are not a delivery of ours."""
    with transaction(engine) as session:
        sent(session)
        crowd_later = Subscriber(
            ref="z" * 24, fingerprint="late", status=Status.ACTIVE, signed_up_at=NOW, status_since=NOW
        )
        session.add(crowd_later)
        session.flush()

        assert take(session, "fake", [event("1-" + "z" * 24, Kind.COMPLAINED, reason="Zoe said so")], NOW).nobodys == 1
        assert (reasons(session), session.exec(select(ProviderEvent.reason)).all()) == ([], [""])


@pytest.mark.parametrize("name", ["", "i" * 10_000_000, "\x00", "\udcff", "naïve"], ids=range(5))
def test_odd_ids_are_remembered_too(engine: Engine, name: str) -> None:
    """Long ones and those that a database would not take are kept as a digest, and known again."""
    with transaction(engine) as session:
        said = [Event(Kind.DELIVERED, f"1-{sent(session)[0]}", name, LATER, "delivered")]

        assert [take(session, "fake", said, NOW).new for _ in range(2)] == [1, 0]
        assert len(session.exec(select(ProviderEvent.event_id)).one()) < 80


def test_events_without_an_id_are_told_apart_by_what_they_say(engine: Engine) -> None:
    """Two that say different things are two."""
    with transaction(engine) as session:
        key = f"1-{sent(session)[0]}"
        said = [Event(kind, key, "", LATER, kind) for kind in (Kind.ACCEPTED, Kind.DELIVERED)]

        assert take(session, "fake", said, NOW).new == 2


def test_no_address_is_kept_with_an_event(engine: Engine) -> None:
    """The other side's words often repeat it; they are also cut, and kept on one line."""
    with transaction(engine) as session:
        reason = (
            "550 5.1.1 <reader0@example.org>:\r\nno bounce+reader0=example.org%40x here \x1b[31m" + "x" * 10_000_000
        )
        take(session, "fake", [event(f"1-{sent(session)[0]}", Kind.HARD_BOUNCED, reason=reason)], NOW)

        kept = session.exec(select(ProviderEvent.reason)).one()
        assert kept.startswith("550 5.1.1 <(address)>: no (address) here [31mxx")
        assert (len(kept), "\x1b" in kept) == (300, False)


def test_a_time_without_a_zone_is_refused(engine: Engine) -> None:
    """The adapter is wrong: nothing that it says of time could be compared."""
    with transaction(engine) as session:
        said = [event(f"1-{sent(session)[0]}", Kind.DELIVERED, at=datetime(2026, 11, 12, 9))]

        with pytest.raises(ValueError, match="no time zone"):
            take(session, "fake", said, NOW)


@pytest.mark.parametrize("first", STATES)
@pytest.mark.parametrize("then", STATES)
def test_a_state_only_rises(engine: Engine, first: Kind, then: Kind) -> None:
    """Whatever comes after it."""
    with transaction(engine) as session:
        key = f"1-{sent(session)[0]}"
        for number, kind in enumerate((first, then)):
            take(session, "fake", [event(key, kind, number)], NOW)

        assert state(session).state is max(first, then, key=RANK.get)


def test_opens_and_clicks_are_times_and_no_states(engine: Engine) -> None:
    """The first of each; a machine that opens mail says nothing about its delivery."""
    with transaction(engine) as session:
        key = f"1-{sent(session)[0]}"
        said = [event(key, Kind.OPENED, number, LATER + timedelta(hours=number)) for number in (3, 1, 2)]
        take(session, "fake", [*said, event(key, Kind.CLICKED)], NOW)

        known = state(session)
        assert (known.state, known.opened_at, known.clicked_at) == (None, LATER + timedelta(hours=1), LATER)


@pytest.mark.parametrize(
    ("kind", "reason"), [(Kind.HARD_BOUNCED, Reason.HARD_BOUNCE), (Kind.COMPLAINED, Reason.COMPLAINT)]
)
def test_a_hard_bounce_and_a_complaint_suppress(engine: Engine, kind: Kind, reason: Reason) -> None:
    """The next claim passes over them, and it says on whose word."""
    with transaction(engine) as session:
        take(session, "fake", [event(f"1-{sent(session)[0]}", kind)], NOW)

        (found,) = session.exec(select(Suppression))
        assert (found.reason, found.by, found.address) == (reason, "provider:fake", "reader0@example.org")
        assert claims.claim(session, issue_on_its_way(session, 2), 10, NOW).size == 1


@pytest.mark.parametrize("kind", set(Kind) - {Kind.HARD_BOUNCED, Kind.COMPLAINED})
def test_nothing_else_suppresses_at_once(engine: Engine, kind: Kind) -> None:
    """Blocked is about us, deferred will pass, an automatic reply is a reply, and a dropped one says nothing new."""
    with transaction(engine) as session:
        take(session, "fake", [event(f"1-{sent(session)[0]}", kind)], NOW)

        assert reasons(session) == []


@pytest.mark.parametrize("order", [1, -1])
def test_the_stronger_reason_stands(engine: Engine, order: int) -> None:
    """Whichever comes first: a complaint after a bounce is a complaint."""
    with transaction(engine) as session:
        key = f"1-{sent(session)[0]}"
        for kind in (Kind.HARD_BOUNCED, Kind.COMPLAINED)[::order]:
            take(session, "fake", [event(key, kind)], NOW)

        assert reasons(session) == [Reason.COMPLAINT]


def test_an_operators_suppression_keeps_its_reason(engine: Engine) -> None:
    """What a person wrote down is not written over."""
    with transaction(engine) as session:
        ref = sent(session)[0]
        suppress(session, session.get_one(Subscriber, 1).fingerprint, Reason.HARD_BOUNCE, NOW, by="Mara")
        take(session, "fake", [event(f"1-{ref}", Kind.COMPLAINED)], NOW)

        assert [(one.reason, one.by) for one in session.exec(select(Suppression))] == [(Reason.HARD_BOUNCE, "Mara")]


def test_a_suppression_survives_the_subscriber(engine: Engine) -> None:
    """The reason stays, the address goes; what comes after that names nobody."""
    with transaction(engine) as session:
        key = f"1-{sent(session)[0]}"
        take(session, "fake", [event(key, Kind.COMPLAINED)], NOW)
        erase(session, session.get_one(Subscriber, 1), "command line", NOW)

        assert take(session, "fake", [event(key, Kind.HARD_BOUNCED)], NOW) == Taken(new=1, nobodys=1)
        assert [(one.reason, one.address) for one in session.exec(select(Suppression))] == [(Reason.COMPLAINT, None)]


def test_a_known_event_does_not_undo_an_operators_lift(engine: Engine) -> None:
    """The provider repeats itself; only a new bounce counts again."""
    with transaction(engine) as session:
        key = f"1-{sent(session)[0]}"
        take(session, "fake", [event(key, Kind.HARD_BOUNCED)], NOW)
        lift(session, session.get_one(Subscriber, 1).fingerprint, LATER, by="Mara")
        take(session, "fake", [event(key, Kind.HARD_BOUNCED)], LATER)
        after = reasons(session)
        take(session, "fake", [event(key, Kind.HARD_BOUNCED, 2)], LATER)

        assert (after, reasons(session)) == ([], [Reason.HARD_BOUNCE])


def test_leaving_by_the_providers_link_withdraws_consent(engine: Engine) -> None:
    """Once, with the provider as its source."""
    with transaction(engine) as session:
        key = f"1-{sent(session)[0]}"
        for number in range(2):
            take(session, "fake", [event(key, Kind.UNSUBSCRIBED, number)], LATER)

        assert session.get_one(Subscriber, 1).status is Status.UNSUBSCRIBED
        assert [one.source for one in consent_of(session, 1)] == [PAGE.source, "provider:fake"]


def test_who_came_back_is_not_sent_away_by_an_old_event(engine: Engine) -> None:
    """A month late, and meanwhile they have said yes again."""
    with transaction(engine) as session:
        key = f"1-{sent(session)[0]}"
        take(session, "fake", [event(key, Kind.UNSUBSCRIBED)], LATER)
        confirm(session, session.get_one(Subscriber, 1), PAGE, LATER + timedelta(days=20))
        take(session, "fake", [event(key, Kind.UNSUBSCRIBED, 2)], LATER + timedelta(days=30))

        assert session.get_one(Subscriber, 1).status is Status.ACTIVE


@pytest.mark.parametrize(("issues", "suppressed"), [((1, 2), False), ((1, 3, 5), True), ((1, 2, 7), False)])
def test_three_soft_bounces_among_the_last_five_suppress(
    engine: Engine, issues: Sequence[int], *, suppressed: bool
) -> None:
    """Seven issues, all that did not bounce were delivered."""
    with transaction(engine) as session:
        sent(session, issues=7)
        soft_bounces(session, *(set(range(1, 8 if 7 in issues else 6)) - set(issues)), kind=Kind.DELIVERED)
        soft_bounces(session, *issues)

        assert reasons(session) == [Reason.SOFT_BOUNCES] * suppressed


def test_deliveries_that_have_not_ended_are_not_among_the_last_five(engine: Engine) -> None:
    """A provider that says only what went wrong would hide its bounces among silence."""
    with transaction(engine) as session:
        sent(session, issues=7)
        soft_bounces(session, 2, 3, 5, 6, 7, kind=Kind.DEFERRED)
        soft_bounces(session, 1, 4, 7)

        assert reasons(session) == [Reason.SOFT_BOUNCES]


def test_a_bounce_that_was_delivered_after_all_counts_no_more(engine: Engine) -> None:
    """Whether the good news comes before or after the third bounce."""
    with transaction(engine) as session:
        sent(session, issues=3)
        soft_bounces(session, 1, 2, 3)
        before = reasons(session)
        soft_bounces(session, 2, kind=Kind.DELIVERED)

        assert (before, reasons(session)) == ([Reason.SOFT_BOUNCES], [])


@pytest.mark.parametrize(("reason", "by"), [(Reason.SOFT_BOUNCES, "Mara"), (Reason.MANUAL, "provider:fake")])
def test_good_news_lifts_nothing_that_somebody_else_wrote_down(engine: Engine, reason: Reason, by: str) -> None:
    """Only the sum that was made here falls with its facts."""
    with transaction(engine) as session:
        sent(session)
        suppress(session, session.get_one(Subscriber, 1).fingerprint, reason, NOW, by=by)
        soft_bounces(session, 1, kind=Kind.DELIVERED)

        assert reasons(session) == [reason]


def test_soft_bounces_before_an_operators_lift_are_forgiven(engine: Engine) -> None:
    """Otherwise the next one would undo what the operator did."""
    with transaction(engine) as session:
        sent(session, issues=4)
        soft_bounces(session, 1, 2, 3)
        lift(session, session.get_one(Subscriber, 1).fingerprint, LATER, by="Mara")
        later = LATER + timedelta(days=7)
        take(session, "fake", [event(f"4-{refs(session)[0]}", Kind.SOFT_BOUNCED, at=later)], later)

        assert reasons(session) == []


def in_doubt(session: Session, people: int = 2) -> Batch:
    """A batch whose answer nobody heard."""
    crowd(session, people)
    batch = claims.claim(session, issue_on_its_way(session), 10_000, NOW, "fake")
    assert batch is not None
    ledger.doubt(session, batch)
    session.refresh(batch)
    return batch


PROVING = {*STATES, Kind.BLOCKED, Kind.DROPPED, Kind.UNSUBSCRIBED}


@pytest.mark.parametrize("kind", Kind)
def test_what_shows_that_the_provider_has_it_closes_the_doubt(engine: Engine, kind: Kind) -> None:
    """A bounce does too; machines that open mail do not."""
    with transaction(engine) as session:
        batch = in_doubt(session)
        take(session, "fake", [event(f"1-{ref}", kind) for ref in refs(session)], NOW)
        after = session.get_one(Batch, batch.id, populate_existing=True).status

        assert after is (BatchStatus.ACCEPTED if kind in PROVING else BatchStatus.UNKNOWN)


@pytest.mark.parametrize("kind", sorted(PROVING))
def test_events_that_came_before_the_answer_are_used_when_it_is_lost(engine: Engine, kind: Kind) -> None:
    """While the call was under way they waited; now they are evidence, and once."""
    with transaction(engine) as session:
        crowd(session, 2)
        batch = claims.claim(session, issue_on_its_way(session), 10, NOW, "fake")
        take(session, "fake", [event(f"1-{ref}", kind) for ref in refs(session)], NOW)
        early = settle_from_events(session, 1, NOW)
        ledger.record(session, batch, answers(batch, Outcome.UNKNOWN), NOW)

        assert [early, settle_from_events(session, 1, NOW), settle_from_events(session, 1, NOW)] == [0, 2, 0]
        assert session.get_one(Batch, batch.id, populate_existing=True).status is BatchStatus.ACCEPTED


def test_an_early_event_clears_one_who_was_doubted_in_an_accepted_call(engine: Engine) -> None:
    """The answer says "not now" of one of two, of whom a delivery is known."""
    with transaction(engine) as session:
        crowd(session, 2)
        batch = claims.claim(session, issue_on_its_way(session), 10, NOW, "fake")
        take(session, "fake", [event(f"1-{refs(session)[1]}", Kind.DELIVERED)], NOW)
        ledger.record(session, batch, answers(batch, Outcome.ACCEPTED, Outcome.RETRY), NOW)

        before = progress(session, 1).under_way
        assert (before, settle_from_events(session, 1, NOW), progress(session, 1).accepted) == (1, 1, 2)


def test_opens_alone_settle_nothing(engine: Engine) -> None:
    """They are kept, and prove nothing later either."""
    with transaction(engine) as session:
        in_doubt(session)
        take(session, "fake", [event(f"1-{ref}", Kind.OPENED) for ref in refs(session)], NOW)

        assert settle_from_events(session, 1, NOW) == 0


@pytest.mark.sqlite
def test_more_than_a_statement_has_variables_are_taken_at_once(engine: Engine) -> None:
    """With evidence for each, and once more by their names; builds of SQLite differ in how many they take."""
    size = 10_500
    with transaction(engine) as session:
        session.connection().connection.dbapi_connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 10_000)
        names = [f"{number:0>24}".translate(str.maketrans("0189", "abcd")) for number in range(size)]
        common = {"status": Status.ACTIVE, "signed_up_at": NOW, "status_since": NOW}
        session.execute(insert(Subscriber), [{"ref": name, "fingerprint": name, **common} for name in names])
        ledger.doubt(session, claims.claim(session, issue_on_its_way(session), size, NOW, "fake"))
        taken = take(session, "fake", [event(f"1-{name}", Kind.COMPLAINED) for name in names], NOW)

        assert (taken, progress(session, 1).accepted, len(reasons(session))) == (Taken(new=size), size, size)
        assert prove(session, 1, refs(session), NOW, by="event") == 0


def test_the_operator_sees_how_many_are_in_which_state(engine: Engine) -> None:
    """Of this issue, each delivery once."""
    with transaction(engine) as session:
        people = sent(session, people=4, issues=2)
        kinds = (Kind.DELIVERED, Kind.DELIVERED, Kind.HARD_BOUNCED, Kind.DROPPED)
        said = [event(f"1-{ref}", kind) for ref, kind in zip(people, kinds, strict=True)]
        take(session, "fake", [*said, event(f"1-{people[0]}", Kind.ACCEPTED), event(f"2-{people[0]}", kinds[0])], NOW)

        assert counts(session, 1) == {"delivered": 2, "hard-bounced": 1, "dropped": 1}


def test_nothing_is_kept_of_a_transaction_that_fails(engine: Engine) -> None:
    """The provider is not answered then, and says it again."""
    with transaction(engine) as session:
        said = [event(f"1-{sent(session)[0]}", Kind.COMPLAINED)]
    with nothing_kept(engine) as session:
        take(session, "fake", said, NOW)
    with transaction(engine) as session:
        assert reasons(session) == []
        assert take(session, "fake", said, NOW).new == 1


ISSUES, PEOPLE = 6, 3
SAID = st.lists(
    st.builds(
        lambda issue, who, kind, hour: (issue, who, kind, NOW + timedelta(hours=hour)),
        st.integers(1, ISSUES + 1),
        st.integers(0, PEOPLE),
        st.sampled_from([*Kind, *[Kind.SOFT_BOUNCED] * 12]),
        st.integers(-2, 40),
    ),
    max_size=40,
)


@contextmanager
def nothing_kept(engine: Engine) -> Iterator[Session]:
    """A transaction that is rolled back."""
    with Session(engine) as session:
        yield session
        session.rollback()


def everything(session: Session) -> dict[str, list[Any]]:
    """Every row of every table; without the numbers in which events and evidence came, which are the order itself."""
    session.flush()
    return {
        name: sorted(
            session.execute(select(*(column for column in table.c if column.name != "id" or name == "batch"))).all(),
            key=repr,
        )
        for name, table in SQLModel.metadata.tables.items()
    }


def told(session: Session, calls: Sequence[Sequence[Event]]) -> dict[str, list[Any]]:
    """The database after these requests."""
    for call in calls:
        take(session, "fake", call, LATER)
    return everything(session)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=SAID, data=st.data())
def test_any_permutation_with_repetitions_gives_the_same_database(engine: Engine, said: list[Any], data: Any) -> None:
    """In one request or in many; with issues in doubt, bounces, complaints and people who leave."""
    with transaction(engine) as session:
        if not refs(session):
            sent(session, PEOPLE, ISSUES - 1)
            ledger.doubt(session, claims.claim(session, issue_on_its_way(session, ISSUES), 10, NOW, "fake"))
        names = [*refs(session), "a" * 24]
    events = [
        Event(kind, f"{issue}-{names[who]}", f"e{number}", at, kind, f"said {number}")
        for number, (issue, who, kind, at) in enumerate(said)
    ]
    again = data.draw(
        st.permutations(events + data.draw(st.lists(st.sampled_from(events or [None]))) if events else [])
    )
    cut = data.draw(st.integers(1, 9))

    with nothing_kept(engine) as session:
        once = told(session, [events])
    with nothing_kept(engine) as session:
        shuffled = told(session, [again[at : at + cut] for at in range(0, len(again), cut)])
    assert shuffled == once


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(st.tuples(st.sampled_from(list(Kind)), st.integers(0, 3)), min_size=1, max_size=6))
def test_the_database_folds_as_the_function_does(engine: Engine, kinds: list[tuple[Kind, int]]) -> None:
    """The same lattice is written twice, in Python and in SQL."""
    said = [found for kind, hour in kinds if (found := facts(kind, NOW + timedelta(hours=hour)))]
    with nothing_kept(engine) as session:
        expected = None
        for one in said:
            expected = fold(expected, one) if expected else one
            raise_states(session, [{"issue_id": 1, "subscriber_id": 1, **one}])
        known = state(session)

        assert (known.model_dump(include=set(expected)) if known else None) == expected
