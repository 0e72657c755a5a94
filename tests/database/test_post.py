"""The post room: single mails leave at most once, wait for a provider that is away, and say nothing untrue."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from desk_samples import Place, furnished
from fake_provider import Killed
from people import EVE, PAGE, SECRET
from post_samples import Reader, ask
from sqlalchemy import Engine
from sqlmodel import select

from newsletter.delivery.batch import Sending
from newsletter.desk import chores, sending, writing
from newsletter.desk.post import deliver
from newsletter.errors import ConfigError
from newsletter.providers.base import Answer, OutgoingBatch
from subscribers.address_change import ask as ask_to_change
from subscribers.erasure import erase, facts
from subscribers.letters import WORKS_FOR, About, Letter, Post, owe
from subscribers.readdressing import carry_out
from subscribers.subscriber import Subscriber, add, confirm, require, unsubscribe
from subscribers.suppression import Reason, suppress
from subscribers.wishes import Wish


@pytest.fixture
def here(engine: Engine) -> Place:
    """The sample week on the shelf, the five characters, and a provider that keeps what it was given."""
    here = furnished(engine)
    here.desk = replace(here.desk, provider=Reader(remembers=True))
    return here


def posts(here: Place) -> list[Post]:
    """Where the letters are, oldest first."""
    with here.desk.reading() as session:
        return list(session.exec(select(Letter.post).order_by(Letter.id)))  # type: ignore[arg-type]


def mails(here: Place) -> list[str]:
    """The subjects of what the provider was given."""
    found: Reader = here.desk.provider  # type: ignore[assignment]
    return [mail.subject for mail in found.mails]


def confirmed(here: Place) -> Subscriber:
    """Eve, who has just confirmed."""
    with here.desk.transaction() as session:
        eve = add(session, EVE, PAGE, secret=SECRET, now=here.clock(), confirmed=True)
        owe(session, About.WELCOME, eve, here.clock())
        return eve


def sent_issue(here: Place) -> None:
    """This week's issue goes out."""
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="test")
    sending.send(here.desk, "1", by="test", pause=lambda _: None)


@pytest.mark.parametrize(
    ("how", "post"),
    [
        ("accept", Post.ACCEPTED),
        ("refuse", Post.REFUSED),
        ("accept, answer lost", Post.HANDED),
        ("answer nonsense", Post.HANDED),
    ],
)
def test_what_the_provider_answered_is_final(here: Place, how: str, post: Post) -> None:
    """Taken, refused, or nobody knows: a letter is not handed over again."""
    here.provider.next_answers = [how]
    ask(here, "new@example.org")
    for _ in range(3):
        deliver(here.desk)
        here.clock.forward(hours=2)

    assert (posts(here), len(here.provider.calls)) == ([post], 1)


@pytest.mark.parametrize(
    ("how", "by_the_second"),
    [("later", 1), ("accept, answer lost", 0), ("refuse", 0), ("your account is suspended", 0)],
)
def test_the_second_provider_gets_only_what_the_first_certainly_could_not_take(
    here: Place, how: str, by_the_second: int
) -> None:
    """Away, as for an issue; a letter whose answer was lost is nobody's to repeat, an account in trouble a person's."""
    second = Reader(name="second")
    here.desk = replace(here.desk, fallback=second)
    here.provider.next_answers = [how]
    ask(here, "new@example.org")
    deliver(here.desk)

    assert (len(second.mails), len(here.provider.calls)) == (by_the_second, 1)
    assert posts(here) != [Post.WAITING] or how == "your account is suspended"


def test_a_crash_while_it_is_handed_over_repeats_nothing(here: Place) -> None:
    """It is written down as handed over before that: rather none than two."""
    here.provider.next_answers = ["accept, die after"]
    ask(here, "new@example.org")
    with pytest.raises(Killed):
        deliver(here.desk)
    here.clock.forward(hours=2)
    deliver(here.desk)

    assert (posts(here), list(here.provider.log.values())) == ([Post.HANDED], [1])


def test_what_was_certainly_not_taken_is_tried_again_later_each_time(here: Place) -> None:
    """After a minute, two, four; and said, so that an operator sees why."""
    here.provider.next_answers = ["later", "later"]
    ask(here, "new@example.org")
    said = [(deliver(here.desk), here.clock.forward(seconds=59)) for _ in range(7)]

    assert [bool(lines) for lines, _ in said] == [True, False, True, False, False, False, False]
    assert posts(here) == [Post.ACCEPTED]
    assert len({key for key, _ in here.provider.calls}) == 3


def test_a_letter_that_came_two_days_too_late_is_not_sent(here: Place) -> None:
    """Nobody waits for it any more."""
    here.provider.always = "later"
    ask(here, "new@example.org")
    for _ in range(50):
        deliver(here.desk)
        here.clock.forward(hours=1)

    assert posts(here) == [Post.DROPPED]


def test_a_letter_that_is_not_true_any_more_is_not_sent(here: Place) -> None:
    """They left between the button and the welcome."""
    eve = confirmed(here)
    with here.desk.transaction() as session:
        unsubscribe(session, require(session, eve.address or ""), PAGE, here.clock())
    deliver(here.desk)

    assert (posts(here), mails(here)) == ([Post.DROPPED], [])


def test_whoever_was_suppressed_meanwhile_gets_no_letter(here: Place) -> None:
    """A complaint came in between the button and the welcome."""
    eve = confirmed(here)
    with here.desk.transaction() as session:
        suppress(session, eve.fingerprint, Reason.COMPLAINT, here.clock())
    deliver(here.desk)

    assert (posts(here), mails(here)) == ([Post.DROPPED], [])


class Unusable(Reader):
    """A provider without a key."""

    def send(self, _batch: OutgoingBatch) -> Answer:
        """Say so."""
        raise ConfigError("There is no key.")


def test_a_provider_that_is_set_up_wrongly_loses_no_letter(here: Place) -> None:
    """The sentence is the operator's; the letter waits."""
    ask(here, "new@example.org")
    with pytest.raises(ConfigError):
        deliver(replace(here.desk, provider=Unusable()))
    here.clock.forward(minutes=2)
    deliver(here.desk)

    assert posts(here) == [Post.ACCEPTED]


def test_the_welcome_brings_the_newest_issue_with_their_own_links(here: Place) -> None:
    """The approved bytes, for them; the ledger of the issue knows nothing of it."""
    sent_issue(here)
    with here.desk.reading() as session:
        frozen = writing.rendered(here.desk, session, here.desk.find(session, "1"))
    before = len(mails(here))
    eve = confirmed(here)
    deliver(here.desk)
    found: Reader = here.desk.provider  # type: ignore[assignment]

    [mail] = found.mails[before:]
    assert mail.subject == f"Welcome: {frozen.subject}"
    assert (mail.to, eve.ref in mail.header("List-Unsubscribe")) == (eve.address, True)
    assert frozen.nonce not in mail.html
    assert mail.text.count(eve.ref) >= 2


def test_before_any_issue_the_welcome_is_a_few_words(here: Place) -> None:
    """A draft is nobody's yet."""
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="test")
    confirmed(here)
    deliver(here.desk)

    assert mails(here) == ["Welcome: Weekly AI Tool Verdicts"]


def test_while_an_issue_is_on_its_way_the_welcome_brings_none(here: Place) -> None:
    """They may still be among those who get that one: no issue comes twice."""
    sent_issue(here)
    before = len(mails(here))
    with here.desk.transaction() as session:
        session.get_one(Sending, 1).finished_at = None
    confirmed(here)
    deliver(here.desk)

    assert mails(here)[before:] == ["Welcome: Weekly AI Tool Verdicts"]


def test_nobody_s_words_but_ours_are_in_a_letter_that_a_stranger_causes(here: Place) -> None:
    """Not even of the address that was typed, but in To: (S-49)."""
    ask(here, "buy-pills-now@example.org", "Ada@example.org")
    deliver(here.desk)
    found: Reader = here.desk.provider  # type: ignore[assignment]

    assert [mail.subject for mail in found.mails] == [
        "Please confirm: Weekly AI Tool Verdicts",
        "You are on the list: Weekly AI Tool Verdicts",
    ]
    assert not any("pills" in mail.html + mail.text + mail.subject for mail in found.mails)


def test_erasing_somebody_forgets_their_wishes_and_letters(here: Place) -> None:
    """And what is known of them names the letters until then (S-62)."""
    ask(here, "new@example.org")
    deliver(here.desk)
    with here.desk.transaction() as session:
        new = require(session, "new@example.org")
        assert [one.about for one in facts(session, EVE, SECRET).letters] == []
        assert confirm(session, new, PAGE, here.clock())
        erase(session, new, "test", here.clock())

    assert posts(here) == []
    with here.desk.reading() as session:
        assert session.exec(select(Wish)).all() == []


def test_traces_of_sign_ups_are_forgotten_after_thirty_days(here: Place) -> None:
    """Networks, domains, letters (S-61); and who never confirmed goes with them."""
    ask(here, "new@example.org", "Ada@example.org")
    deliver(here.desk)
    here.clock.forward(days=31)
    said = [chores.CHORES[name](here.desk) for name in ("sign-ups", "asking")]

    assert all(said)
    assert posts(here) == []


@pytest.mark.sqlite
@pytest.mark.parametrize(("hours", "days"), [(0, 7), (47, 5)])
@pytest.mark.parametrize("about", [About.CONFIRM, About.NEW_ADDRESS, About.OLD_ADDRESS])
def test_a_letter_names_the_days_for_which_its_link_works(here: Place, about: About, hours: int, days: int) -> None:
    """Also one that left late: a change of address does not wait for its letter."""
    with here.desk.transaction() as session:
        reader = require(session, "ben@example.org" if about is About.CONFIRM else "ada@example.org")
        change = ask_to_change(session, reader, EVE, secret=SECRET, now=here.clock())
        if about is About.OLD_ADDRESS:
            carry_out(session, change, PAGE, here.clock())
        owe(session, about, reader, here.clock(), change=None if about is About.CONFIRM else change)
    here.clock.forward(hours=hours)
    deliver(here.desk)
    found: Reader = here.desk.provider  # type: ignore[assignment]
    words = " ".join(found.mails[-1].text.split())
    until = datetime.fromtimestamp(int(words.partition("https://")[2].split()[0].split("-")[-2]), UTC)

    days = WORKS_FOR[about].days if about is About.CONFIRM else days
    assert f"{days} days" in words
    assert abs(until - here.clock() - timedelta(days=days)) <= timedelta(hours=1)
