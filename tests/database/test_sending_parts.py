"""Everybody gets the part of an issue that they chose: once, the approved bytes, whatever happens on the way."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from delivery_samples import NOW, crowd, dispatcher_for_ten, issue_on_its_way, rendered_issue
from desk_samples import Place
from fake_provider import Killed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading_provider import ReadingProvider
from sqlalchemy import Engine, false, text
from sqlmodel import col, select
from topic_samples import TOPICS, TWO, wants, with_topics

from newsletter.database import transaction
from newsletter.delivery import waves
from newsletter.delivery.batch import Sending
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.explain import fates
from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import Progress, passed_over, progress
from newsletter.desk import sending, writing
from newsletter.desk.editions import Edition
from newsletter.issues.issue import IssueStatus
from newsletter.mail.message import MessageBuilder
from newsletter.topics import Topic
from subscribers.choice import Choice
from subscribers.consent import Evidence
from subscribers.subscriber import Subscriber, find, pause, unsubscribe

PAGE = "https://news.example.org/issues/2026-W46"


def approved(engine: Engine, topics: Sequence[Topic] = TWO, **choices: str) -> tuple[Place, Edition]:
    """The sample week, approved with its parts, for Ada and these people: name="topics often"."""
    here = with_topics(engine, *topics)
    here.desk = replace(here.desk, provider=ReadingProvider(remembers=True))
    for name, wish in choices.items():
        topics, _, often = wish.partition(" ")
        wants(here, name, topics, often or "weekly")
    writing.draft(here.desk)
    return here, writing.approve(here.desk, "1", by="Mara")[1]


def got(here: Place) -> dict[str, tuple[str, str]]:
    """Name → digest and view of what they got. Fails where somebody got two."""
    with here.desk.reading() as session:
        names = {one.ref: str(one.address).partition("@")[0].lower() for one in session.exec(select(Subscriber))}
    posted = [(names[key.partition("-")[2]], digest, view) for key, digest, view in here.provider.posted]
    assert len(posted) == len({name for name, _, _ in posted})
    return {name: (digest, view) for name, digest, view in posted}


def stand(here: Place) -> Progress:
    """Where the issue stands."""
    with here.desk.reading() as session:
        found = progress(session, 1)
    assert found is not None
    return found


def why(here: Place, name: str) -> str:
    """What somebody is told of the issue."""
    with here.desk.reading() as session:
        return fates(session, find(session, f"{name}@example.org"))[0].why


def test_everybody_gets_the_part_of_their_choice(engine: Engine) -> None:
    """The approved bytes, with a way to read them in a browser; who chose what is not in it gets nothing."""
    here, made = approved(
        engine, TOPICS, eve="models", finn="tools,models", gus=" changes", hana="gone", ivo="rest,models,tools"
    )
    sent = sending.send(here.desk, "1", by="Mara")

    whole = (made.whole.digest, PAGE)
    assert got(here) == {
        "ada": whole, "hana": whole, "ivo": whole,
        "eve": (made.parts["models"].digest, f"{PAGE}/models"),
        "finn": (made.parts["models.tools"].digest, f"{PAGE}/models.tools"),
    }  # fmt: skip
    assert why(here, "finn") == "accepted by fake; the part of their choice: models.tools"
    assert (sent.issue.status, sent.progress.skipped["unchosen"], sent.progress.adds_up) == (IssueStatus.SENT, 1, True)


def test_a_list_without_choices_is_walked_as_it_always_was(engine: Engine) -> None:
    """No waves, no part, and the cursor goes over the list itself."""
    here, made = approved(engine, finn="others,models")
    sending.start(here.desk, "1", by="Mara")
    with here.desk.reading() as session:
        assert (waves.waves_of(session, 1), session.get_one(Sending, 1).cursor) == ([], 0)
    sending.send(here.desk, "1", by="Mara")

    assert {digest for digest, _ in got(here).values()} == {made.whole.digest}


@pytest.mark.sqlite
def test_what_counts_is_the_choice_at_the_beginning(engine: Engine) -> None:
    """Whoever chooses otherwise on the way gets that from the next issue on; leaving counts at once."""
    here, made = approved(engine, eve="models", finn="models", gus=" changes")
    sending.start(here.desk, "1", by="Mara")
    wants(here, "eve", "others")
    wants(here, "gus")
    with here.desk.transaction() as session:
        unsubscribe(session, find(session, "finn@example.org"), Evidence("/u"), here.clock())
    sending.send(here.desk, "1", by="Mara")

    assert got(here).keys() == {"ada", "eve"}
    assert got(here)["eve"][0] == made.parts["models"].digest
    assert (stand(here).skipped["unsubscribed"], stand(here).skipped["unchosen"]) == (2, 1)


@pytest.mark.parametrize("wish", ["models", "others,models"], ids=["by waves", "over the list"])
def test_who_will_be_passed_over_is_known_before_their_turn(engine: Engine, wish: str) -> None:
    """So that what is left to send is not told with them: as things are, also of who is on a break without an end."""
    here, _ = approved(engine, eve=wish, finn=wish)
    sending.start(here.desk, "1", by="Mara")
    with here.desk.transaction() as session:
        pause(session, find(session, "finn@example.org"), Evidence("/preferences"), here.clock())
        ahead = passed_over(session, 1, here.clock())
    before = stand(here)
    sending.send(here.desk, "1", by="Mara")

    assert ahead == stand(here).skipped_in_all - before.skipped_in_all == before.to_claim - 2


@pytest.mark.sqlite
def test_what_was_approved_says_who_gets_what(engine: Engine) -> None:
    """A topic that is taken out of the settings after the approval is still known to the issue."""
    here, made = approved(engine, eve="models")
    here.desk = replace(here.desk, config=here.desk.config.model_copy(update={"topics": TWO[1:]}))
    sending.send(here.desk, "1", by="Mara")

    assert got(here)["eve"][0] == made.parts["models"].digest


@pytest.mark.parametrize("how", ["accept, die after", "die before"])
def test_a_call_whose_answer_is_lost_is_repeated_with_its_own_bytes(engine: Engine, how: str) -> None:
    """By the next run, which knows nothing but the ledger."""
    here, made = approved(engine, eve="models")
    here.provider.next_answers = ["accept", how]
    with pytest.raises(Killed):
        sending.send(here.desk, "1", by="Mara")
    here.clock.forward(minutes=5)
    sending.send(here.desk, "1", by="Mara")

    assert got(here) == {"ada": (made.whole.digest, PAGE), "eve": (made.parts["models"].digest, f"{PAGE}/models")}
    assert 2 in {attempt for _, attempt in here.provider.calls}  # of which batch: two calls are under way at once


@pytest.mark.sqlite
def test_a_part_and_a_time_of_their_own_go_together(engine: Engine) -> None:
    """Kiri's hour comes first, for her models; then that of everybody else, for what each chose."""
    here, made = approved(engine, kiri="models", eve="models", gus=" changes")
    with here.desk.transaction() as session:
        find(session, "kiri@example.org").zone = "Pacific/Kiritimati"
    sending.schedule(here.desk, "1", at=datetime(2026, 11, 13, 8, tzinfo=UTC), by="Mara", everywhere=True)
    seen = []
    for day, hour in ((12, 18), (13, 8)):
        here.clock.now = datetime(2026, 11, day, hour, tzinfo=UTC)
        sending.send(here.desk, "1", by="Mara")
        seen.append(sorted(got(here)))

    assert seen == [["kiri"], ["ada", "eve", "kiri"]]
    assert got(here)["kiri"][0] == got(here)["eve"][0] == made.parts["models"].digest
    assert (stand(here).skipped["unchosen"], stand(here).adds_up) == (1, True)


@pytest.mark.sqlite
def test_a_damaged_choice_stops_nobody(engine: Engine) -> None:
    """Whoever it is of gets everything; the others get theirs."""
    here, made = approved(engine, eve="models", gus="models")
    with here.desk.transaction() as session:
        damage = text("update subscriber set topics = 'x y', frequency = '?' where address_key = 'gus@example.org'")
        session.execute(damage)
        would = sending.audience(here.desk, session, here.desk.find(session, "1"))
    sending.send(here.desk, "1", by="Mara")
    provider = here.desk.provider

    assert isinstance(provider, ReadingProvider)
    got_ = [digest for _, digest, _ in provider.posted]
    assert (would.eligible, got_.count(made.whole.digest), got_.count(made.parts["models"].digest)) == (3, 2, 1)


@pytest.mark.sqlite
def test_parts_that_go_now_wait_for_no_hour(engine: Engine) -> None:
    """Quiet hours are for who gets it by their own clock: an editor who sends at night means it."""
    here, _ = approved(engine, eve="models")
    here.clock.now = datetime(2026, 11, 12, 23, tzinfo=UTC)

    assert sending.send(here.desk, "1", by="Mara").ending is Ending.DONE
    assert got(here).keys() == {"ada", "eve"}


@pytest.mark.sqlite
def test_somebody_is_told_why_they_got_nothing(engine: Engine) -> None:
    """What they chose, unless something else kept them from it already."""
    here, _ = approved(engine, eve="models", gus=" changes", pia=" changes", dov=" changes")
    with here.desk.reading() as session:
        would = sending.audience(here.desk, session, here.desk.find(session, "1"))
    sending.send(here.desk, "1", by="Mara")

    assert (would.eligible, would.excluded["unchosen"]) == (2, 1)
    assert why(here, "gus") == "nothing of what they chose was in it"
    assert [why(here, name) for name in ("pia", "dov", "ben")] == [
        "was taking a break", "was suppressed (hard-bounce)", "had not confirmed the sign-up",
    ]  # fmt: skip
    assert {reason: number for reason, number in stand(here).skipped.items() if number} == {
        "pending": 1, "paused": 1, "unsubscribed": 1, "suppressed": 1, "unchosen": 1,
    }  # fmt: skip


@pytest.mark.sqlite
def test_whoever_wants_all_changes_besides_is_told_apart(engine: Engine) -> None:
    """The seam for those who keep an eye on a tool: two with one choice, one of them keen."""
    with transaction(engine) as session:
        crowd(session, 3)
        issue_on_its_way(session)
        places = waves.Places(lambda _: (NOW, 0), lambda _, more: "more" if more else "", col(Subscriber.id) == 2)
        waves.lay(session, session.get_one(Sending, 1), places, NOW)

        assert [(wave.part, wave.size) for wave in waves.waves_of(session, 1)] == [("", 2), ("more", 1)]
        assert waves.choices(session, 3, false()) == {(Choice(), False)}


@pytest.mark.sqlite
@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_everybody_has_one_place_in_however_many_statements_they_are_laid(engine: Engine, at_once: int) -> None:
    """Seven zones and three wishes: a statement takes only so many groups."""
    with transaction(engine) as session:
        crowd(session, 12)
        issue = issue_on_its_way(session)
        for person in session.exec(select(Subscriber)).all():
            person.zone, person.topics = f"Zone/{(person.id or 0) % 7}", ("", "a", "none")[(person.id or 0) % 3]
        session.flush()
        places = waves.Places(
            lambda zone: (NOW, len(zone)), lambda choice, _: None if choice.text == "none" else choice.text
        )
        sending_ = session.get_one(Sending, issue)
        waves.lay(session, sending_, places, NOW, at_once)
        found = [(wave.part, wave.size) for wave in waves.waves_of(session, issue)]
        laid = session.exec(select(waves.WaveMember.subscriber_id)).all()

        assert (found, sending_.unchosen) == ([("", 4), ("a", 4)], 4)
        assert len(laid) == len(set(laid)) == 8


WISHES = st.lists(st.sampled_from(["", "a", "b", "a,b", "none"]), min_size=10, max_size=10)
DIALS = ["accept", "accept, die after", "die before", "accept, answer lost", "slow down", "one of you is wrong"]


Many = tuple[Dispatcher, Iterator[int]]


@pytest.fixture
def many(engine: Engine) -> Many:
    """Ten people and their dispatcher, and numbers of issues: each example has its own."""
    return dispatcher_for_ten(engine), itertools.count(2)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wishes=WISHES, dials=st.lists(st.sampled_from(DIALS), max_size=3), size=st.integers(1, 4))
def test_nobody_is_lost_and_nobody_gets_anothers(many: Many, wishes: list[str], dials: list[str], size: int) -> None:
    """Ten people, five wishes, calls that die, get lost, are put off and are cut: each once, and their own."""
    ten, provider = many[0], ReadingProvider(remembers=True, batch_size=size, next_answers=list(dials))
    issue, due = begun(ten.engine, next(many[1]), wishes)
    parts = {name: MessageBuilder(rendered_issue(name), date=NOW) for name in ("a", "b", "a,b")}
    addressing = replace(ten.addressing, issue_id=issue)
    run = replace(ten, provider=provider, parts=parts, batch_size=size, addressing=addressing)
    for _ in range(len(dials) + 2):
        with contextlib.suppress(Killed):
            if run.run(issue)[0] is Ending.DONE:
                break
    with transaction(ten.engine) as session:
        state = progress(session, issue)
    names = {builder.rendered.digest: name for name, builder in parts.items()} | {ten.builder.rendered.digest: ""}
    posted = [(key.partition("-")[2], names[digest]) for key, digest, _ in provider.posted]

    assert state is not None
    assert (state.adds_up, state.to_claim, state.skipped["unchosen"]) == (True, 0, wishes.count("none"))
    assert len(posted) == len(set(posted)) >= len(due) - state.refused - state.unknown
    assert all(due[ref] == part for ref, part in posted)


def begun(engine: Engine, number: int, wishes: list[str]) -> tuple[int, dict[str, str]]:
    """An issue that has begun for ten people with these wishes: its id, and who is due what, by ref."""
    with transaction(engine) as session:
        issue = issue_on_its_way(session, number)
        people = session.exec(select(Subscriber).order_by(col(Subscriber.id))).all()
        for person, wish in zip(people, wishes, strict=True):
            person.topics = wish
        session.flush()
        places = waves.Places(lambda _: (NOW, 0), lambda choice, _: None if "none" in choice.topics else choice.text)
        waves.lay(session, session.get_one(Sending, issue), places, NOW)
        return issue, {one.ref: wish for one, wish in zip(people, wishes, strict=True) if wish != "none"}
