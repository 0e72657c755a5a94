"""The sunset: who is silent for long is asked once, by letter, and goes only if that was taken and not answered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from desk_samples import Place, place
from fake_provider import Killed
from people import PAGE, SECRET, everybody
from post_samples import Reader
from sqlalchemy import Engine
from sqlalchemy.event import listen
from sqlmodel import select

from jobs.notices.reading import facts
from newsletter.delivery.batch import Sending
from newsletter.desk import chores, sending, writing
from newsletter.desk.backup import back_up, restore
from newsletter.desk.collecting import collect_all
from newsletter.desk.post import deliver
from newsletter.desk.sunset import let_the_sun_set, silence
from newsletter.migrations import upgrade
from newsletter.reader_settings import Sunset
from subscribers import bookmarks, sunset, votes
from subscribers.address import parse
from subscribers.choice import Choice, Frequency
from subscribers.consent import Evidence, Kind, Status, events, record
from subscribers.erasure import erase
from subscribers.letters import About, Letter, Post
from subscribers.preferences import choose
from subscribers.signals import seen
from subscribers.subscriber import Subscriber, add, pause, require, resume
from subscribers.sunset import Question, stay
from subscribers.suppression import Reason, suppress

POLICY = Sunset(after_days=180, answer_days=30, per_day=3)


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters, 200 days later, with a sunset after 180: Ada is the one who gets mail and says nothing."""
    here = place(engine)
    config = here.desk.config.model_copy(update={"sunset": POLICY})
    here.desk = replace(here.desk, provider=Reader(remembers=True), config=config)
    with here.desk.transaction() as session:
        everybody(session)
        pause(session, require(session, "pia@example.org"), PAGE, here.clock())  # until she comes back
    here.clock.forward(days=200)
    return here


def night(here: Place) -> str:
    """One night's chore and the morning after it, when letters leave."""
    said = let_the_sun_set(here.desk)
    here.clock.forward(hours=7)
    deliver(here.desk)
    here.clock.forward(hours=17)
    return said


def subjects(here: Place) -> list[str]:
    """Of what the provider was given."""
    found: Reader = here.desk.provider  # type: ignore[assignment]
    return [mail.subject for mail in found.mails]


def person(here: Place, name: str = "ada") -> Subscriber:
    """One of them as they stand."""
    with here.desk.reading() as session:
        return require(session, f"{name}@example.org")


def last_word(here: Place) -> tuple[Kind, str]:
    """The kind and the source of Ada's newest consent event."""
    with here.desk.reading() as session:
        newest = events(session, require(session, "ada@example.org").id or 0)[-1]
        return newest.kind, newest.source


def many(here: Place, number: int) -> None:
    """So many more, who confirmed long ago."""
    with here.desk.transaction() as session:
        for at in range(number):
            long_ago = here.clock() - timedelta(days=300)
            add(session, parse(f"p{at}@example.org"), PAGE, secret=SECRET, now=long_ago, confirmed=True)


def test_who_was_silent_for_long_is_asked_once_and_nobody_else(here: Place) -> None:
    """Not who has not confirmed, has left, is suppressed or takes a break; and not again on the next nights."""
    said = [night(here) for _ in range(3)]

    assert said == ["one reader asked whether they still want it.", "", ""]
    assert subjects(here) == ["Do you still want Weekly AI Tool Verdicts?"]


def test_the_question_can_be_left_by_the_mail_program_and_names_no_other_reader(here: Place) -> None:
    """RFC 8058 headers, a link to the page with the button, and both in the plain text."""
    night(here)
    [mail] = here.desk.provider.mails  # type: ignore[attr-defined]

    assert mail.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert f"/u/{here.desk.keys.signing}-{person(here).ref}" in mail.header("List-Unsubscribe")
    assert all(f"/stay/{here.desk.keys.signing}-{person(here).ref}" in part for part in (mail.text, mail.html))
    assert "in 30 days, we take this address off the list" in " ".join(mail.text.split())


def test_nobody_is_asked_before_it_is_switched_on(here: Place) -> None:
    """The default: silence has no consequence."""
    here.desk = replace(here.desk, config=here.desk.config.model_copy(update={"sunset": Sunset()}))

    assert (night(here), subjects(here)) == ("", [])


def test_no_answer_in_time_takes_them_off_the_list_and_says_why(here: Place) -> None:
    """With the days counted from the moment at which the letter was taken, and no second mail."""
    said = [night(here) for _ in range(32)]

    assert said.index("one reader taken off the list: silent, asked, and no answer.") == 31
    assert (person(here).status, last_word(here)) == (Status.UNSUBSCRIBED, (Kind.LAPSED, "sunset"))
    with here.desk.reading() as session:
        assert "no answer by 2027-06-30" in events(session, person(here).id or 0)[-1].wording
    assert len(subjects(here)) == 1


@pytest.mark.parametrize("how", ["refuse", "accept, answer lost"])
def test_whom_the_question_may_not_have_reached_stays(here: Place, how: str) -> None:
    """Refused, or an answer that was lost: they are not let go, and not asked again before as long a silence."""
    here.provider.next_answers = [how]
    for _ in range(100):
        night(here)

    assert (person(here).status, len(here.provider.calls)) == (Status.ACTIVE, 1)
    here.clock.forward(days=90)
    night(here)
    assert len(here.provider.calls) == 2


def test_a_crash_while_the_question_is_handed_over_asks_nobody_twice(here: Place) -> None:
    """Whoever died with it may have sent it."""
    here.provider.next_answers = ["accept, die after"]
    with pytest.raises(Killed):
        night(here)
    for _ in range(40):
        night(here)

    assert (len(here.provider.calls), person(here).status) == (1, Status.ACTIVE)


def test_a_question_that_never_left_is_asked_again(here: Place) -> None:
    """The provider was away for two days: nobody has been asked."""
    here.provider.always = "later"
    for _ in range(4):
        night(here)
    here.provider.always = "accept"
    for _ in range(2):
        night(here)
        night(here)

    with here.desk.reading() as session:
        posts = [one.post for one in session.exec(select(Letter).order_by(Letter.id))]  # type: ignore[arg-type]
    assert (posts[0], posts[-1]) == (Post.DROPPED, Post.ACCEPTED)
    assert posts.count(Post.ACCEPTED) == 1


def test_a_sign_of_theirs_in_the_meantime_ends_the_question(here: Place) -> None:
    """A vote, say: it is asked for by nobody, and they stay. The silence begins anew."""
    night(here)
    with here.desk.transaction() as session:
        seen(session, person(here).id or 0, here.clock())
    said = {night(here) for _ in range(40)}

    assert (said, person(here).status) == ({""}, Status.ACTIVE)


def test_a_break_in_the_meantime_is_left_alone(here: Place) -> None:
    """Also where an operator wrote it down: who is paused is not let go."""
    night(here)
    with here.desk.transaction() as session:
        ada = require(session, "ada@example.org")
        pause(session, ada, Evidence("phone", by="olga"), here.clock(), here.clock() + timedelta(days=90))
    for _ in range(40):
        night(here)

    assert person(here).status is Status.PAUSED


@pytest.mark.parametrize("act", ["came back", "took a break", "chose", "moved", "pressed a button"])
def test_what_a_person_does_is_a_sign(here: Place, act: str) -> None:
    """Whoever did something lately is not asked."""
    with here.desk.transaction() as session:
        ada, now = require(session, "ada@example.org"), here.clock()
        doing: dict[str, Callable[[], object]] = {
            "came back": lambda: pause(session, ada, PAGE, now) and resume(session, ada, PAGE, now),
            "took a break": lambda: pause(session, ada, PAGE, now, now - timedelta(minutes=1)),
            "chose": lambda: choose(session, ada, Choice(frequency=Frequency.MONTHLY), "/preferences", now),
            "moved": lambda: record(session, ada.id or 0, Kind.READDRESSED, ada.status, PAGE, now, print_="new"),
            "pressed a button": lambda: [seen(session, ada.id or 0, now - timedelta(days=late)) for late in (0, 300)],
        }
        doing[act]()

    assert night(here) == ""


@pytest.mark.parametrize("act", ["voted", "took it back", "kept a tool", "removed it", "had no room for a tool"])
def test_each_vote_and_bookmark_is_one_sign(here: Place, act: str) -> None:
    """Also what takes something away, or nothing: a hand pressed a button. It is written down once."""
    signs: list[str] = []
    with here.desk.transaction() as session:
        ada, now = require(session, "ada@example.org").id or 0, here.clock()
        doing: dict[str, Callable[[], object]] = {
            "voted": lambda: votes.cast(session, ada, "a-vs-b", "a", votes.Choice.SHIP, now),
            "took it back": lambda: votes.take_back(session, ada, "a-vs-b", "a", now),
            "kept a tool": lambda: bookmarks.save(session, ada, "a", "ship", 80, now),
            "removed it": lambda: bookmarks.remove(session, ada, "a", now),
            "had no room for a tool": lambda: bookmarks.save(session, ada, "a", "ship", 80, now),
        }
        kept = {"subscriber_id": ada, "verdict": "ship", "percent": 80, "at": now}
        for number in range(bookmarks.MOST if act == "had no room for a tool" else 0):
            session.add(bookmarks.Bookmark(tool=f"tool-{number}", **kept))
        listen(here.desk.engine, "before_cursor_execute", lambda *of: signs.append(of[2]))
        doing[act]()

    assert night(here) == ""
    assert sum("INTO sighting" in sign for sign in signs) == 1


def test_what_an_operator_does_is_no_sign_of_theirs(here: Place) -> None:
    """A break that was written down and ended by hand says nothing of the reader."""
    with here.desk.transaction() as session:
        ada, by_hand = require(session, "ada@example.org"), Evidence("phone", by="olga")
        pause(session, ada, by_hand, here.clock())
        resume(session, ada, by_hand, here.clock())

    assert "one reader asked" in night(here)


def test_a_long_list_is_asked_so_many_a_day(here: Place) -> None:
    """However often the chore runs on that day; each is asked once."""
    many(here, 6)
    said = [let_the_sun_set(here.desk) for _ in range(2)]
    here.clock.forward(days=1)
    said += [let_the_sun_set(here.desk)]
    here.clock.forward(days=1)
    said += [let_the_sun_set(here.desk)]

    asked = [line.partition(" ")[0] for line in said]
    assert asked == ["three", "", "three", "one"]


def test_looking_how_many_are_silent_asks_nobody(here: Place) -> None:
    """The dry run counts as the night would, also with other days."""
    many(here, 6)
    seen_now, with_more = silence(here.desk), silence(here.desk, 290)

    assert (seen_now.silent, seen_now.tonight, seen_now.nights) == (7, 3, 3)
    assert (with_more.after_days, with_more.silent) == (290, 6)
    with here.desk.reading() as session:
        assert session.exec(select(Question)).all() == []


def test_nobody_lapses_while_an_issue_is_on_its_way(here: Place) -> None:
    """It was begun with them on the list: they get it, and are let go the night after."""
    night(here)
    here.clock.forward(days=29)
    collect_all(here.desk, here.desk.config.sources.collect)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    sending.start(here.desk, "1", by="Mara")
    here.clock.forward(days=2)
    assert "looked at tomorrow" in let_the_sun_set(here.desk)

    sending.send(here.desk, "1", by="Mara", pause=lambda _: None)
    assert "Ada@example.org" in [mail.to for mail in here.desk.provider.mails][1:]  # type: ignore[attr-defined]
    assert "taken off" in let_the_sun_set(here.desk)


def test_an_issue_that_was_cancelled_in_its_course_is_not_on_its_way(here: Place) -> None:
    """It never ends, and what waits for its end would wait for ever."""
    collect_all(here.desk, here.desk.config.sources.collect)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    sending.start(here.desk, "1", by="Mara")
    writing.cancel(here.desk, "1", by="Mara")

    with here.desk.reading() as session:
        assert session.get_one(Sending, 1).finished_at is None
    assert "on its way" not in chores.forget_pending(here.desk)


def test_their_yes_is_kept_as_evidence_and_begins_anew(here: Place) -> None:
    """Once, however often the button is pressed."""
    night(here)
    with here.desk.transaction() as session:
        said = [stay(session, person(here).ref, Evidence("/stay", "1"), here.clock()) for _ in range(2)]
    assert said == [sunset.Stay.STAYS] * 2
    assert [night(here) for _ in range(40)] == [""] * 40

    assert (person(here).status, last_word(here)) == (Status.ACTIVE, (Kind.RENEWED, "/stay"))
    with here.desk.reading() as session:
        assert [event.kind for event in events(session, person(here).id or 0)].count(Kind.RENEWED) == 1


def test_whoever_is_suppressed_meanwhile_neither_lapses_nor_comes_back(here: Place) -> None:
    """A complaint says more than silence."""
    night(here)
    with here.desk.transaction() as session:
        suppress(session, person(here).fingerprint, Reason.COMPLAINT, here.clock())
        assert stay(session, person(here).ref, PAGE, here.clock()) is sunset.Stay.GONE
    for _ in range(40):
        night(here)

    assert person(here).status is Status.ACTIVE


def test_erasing_somebody_forgets_that_they_were_asked(here: Place) -> None:
    """And what they did last."""
    night(here)
    with here.desk.transaction() as session:
        seen(session, person(here).id or 0, here.clock())
        erase(session, require(session, "ada@example.org"), "test", here.clock())

    with here.desk.reading() as session:
        assert session.exec(select(Question)).all() == []
    assert [night(here) for _ in range(40)] == [""] * 40


def test_who_lapses_is_not_counted_among_those_who_left_after_an_issue(here: Place) -> None:
    """We did that, not the issue."""
    collect_all(here.desk, here.desk.config.sources.collect)
    night(here)
    here.clock.forward(days=30)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    sending.send(here.desk, "1", by="Mara", pause=lambda _: None)
    here.clock.forward(days=1)
    let_the_sun_set(here.desk)

    [issue] = facts(here.desk).issues
    assert person(here).status is Status.UNSUBSCRIBED
    assert issue.post is not None
    assert issue.post.rates.unsubscribed == 0


def test_whoever_waits_for_a_confirmation_is_served_before_the_questions(here: Place) -> None:
    """Hundreds of questions may be waiting, and nobody sits before them."""
    let_the_sun_set(here.desk)
    here.clock.forward(hours=7)
    with here.desk.transaction() as session:
        eve = add(session, parse("eve@example.org"), PAGE, secret=SECRET, now=here.clock())
        sunset.owe(session, About.CONFIRM, eve, here.clock())
    deliver(here.desk)

    assert subjects(here)[0].startswith("Please confirm")


@pytest.mark.sqlite
def test_a_copy_that_is_put_back_lets_nobody_go_by_what_was_asked_before(here: Place, tmp_path: Path) -> None:
    """They may have answered since it was made; and nobody is asked twice for that."""
    night(here)
    night(here)
    copy = back_up(here.desk.engine, tmp_path / "copies", here.clock())
    with here.desk.transaction() as session:
        stay(session, person(here).ref, PAGE, here.clock())
    restore(here.desk.engine, copy.file, here.clock(), upgrade, by="Olga")
    for _ in range(60):
        night(here)

    assert (person(here).status, len(subjects(here))) == (Status.ACTIVE, 1)


def test_another_letter_that_has_the_number_of_the_question_is_no_answer_to_it(here: Place) -> None:
    """The question was refused, its letter forgotten, and a stranger's letter got its number."""
    with here.desk.transaction() as session:
        ada, ben = (require(session, f"{name}@example.org") for name in ("ada", "ben"))
        other = Letter(
            about=About.CONFIRM, subscriber_id=ben.id, fingerprint=ben.fingerprint, made_at=here.clock(),
            not_before=here.clock(), handed_at=here.clock(), post=Post.ACCEPTED,
        )  # fmt: skip
        session.add(other)
        session.flush()
        session.add(Question(subscriber_id=ada.id, asked_at=here.clock(), letter_id=other.id))
        sunset.see_what_arrived(session, timedelta(days=30))

        assert session.exec(select(Question.until)).all() == [None]
