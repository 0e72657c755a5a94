"""What follows from a mailbox of bounces, and what does not: dead mailboxes, forgers, crashes between two steps."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from bounce_samples import complaint, plain, report, verp
from delivery_samples import NOW, answers, crowd, issue_on_its_way
from desk_samples import Place, place
from fake_box import FakeBox
from sqlalchemy import Engine
from sqlmodel import select

from jobs.bouncing import BounceReader
from newsletter.config import Bounces
from newsletter.database import transaction
from newsletter.delivery import claims, ledger
from newsletter.delivery.batch import Batch
from newsletter.delivery.event_tables import ProviderEvent
from newsletter.desk.bouncing import AT_ONCE, box_of, read_box, take_mail
from newsletter.desk.desk import Desk
from newsletter.errors import ConfigError, ProviderError
from newsletter.providers.base import Outcome
from newsletter.providers.bounce_box import Mark
from newsletter.providers.hooks import Kind
from subscribers.consent import Kind as Said
from subscribers.consent import Status, events
from subscribers.subscriber import Subscriber
from subscribers.suppression import Reason, Suppression


@pytest.fixture
def sent(engine: Engine) -> tuple[Place, list[str]]:
    """A desk, and the keys of the deliveries of an issue that three people got."""
    desk = place(engine)
    with transaction(engine) as session:
        crowd(session, 3)
        issue = issue_on_its_way(session)
        batch = claims.claim(session, issue, 100, NOW, "smtp")
        assert batch is not None
        ledger.record(session, batch, answers(batch, Outcome.ACCEPTED), NOW)
        refs = session.exec(select(Subscriber.ref).order_by(Subscriber.id)).all()
    return desk, [f"{issue}-{ref}" for ref in refs]


Sent = tuple[Place, list[str]]


def bounce(key: str, status: str = "5.1.1", **rest: str) -> bytes:
    """A report on this delivery, to the address that this desk's bounces go to."""
    return report(status, key=key, message_id=f"<{key}@mx>", **rest).replace(b"@news.example.org", b"@example.org")


def with_mailbox(desk: Place) -> Desk:
    """The desk, with a mailbox in its settings."""
    bounces = Bounces(imap_host="imap.example.org", imap_user="bounces")
    return replace(desk.desk, config=desk.desk.config.model_copy(update={"bounces": bounces}))


def kept(engine: Engine) -> list[Kind]:
    """The kinds of all events."""
    with transaction(engine) as session:
        return list(session.exec(select(ProviderEvent.kind).order_by(ProviderEvent.id)))


def suppressed(engine: Engine) -> dict[str, Reason]:
    """Whose address is suppressed, by local part, and why."""
    with transaction(engine) as session:
        return {(one.address or "").partition("@")[0]: one.reason for one in session.exec(select(Suppression))}


def test_whoever_writes_the_mail_that_list_unsubscribe_offers_has_left(sent: tuple[Place, list[str]]) -> None:
    """At once, with its evidence; read twice it is known; and a made-up key is nobody's."""
    here, keys = sent
    here.clock.forward(hours=1)
    mails = [plain(f"Subject: unsubscribe {key}", to="verdicts@news.example.org") for key in (keys[0], f"1-{'a' * 24}")]
    told = [take_mail(here.desk, mail) for mail in (*mails, mails[0])]
    with here.desk.reading() as session:
        people = session.exec(select(Subscriber).order_by(Subscriber.id)).all()
        evidence = events(session, people[0].id or 0)[-1]

    assert [(one.new, one.known, one.nobodys) for one in told] == [(1, 0, 0), (0, 0, 1), (0, 1, 0)]
    assert [one.status for one in people] == [Status.UNSUBSCRIBED, Status.ACTIVE, Status.ACTIVE]
    assert evidence.source == "mail to the unsubscribe address"


def test_two_who_read_one_mailbox_let_somebody_leave_once(engine: Engine, sent: Sent) -> None:
    """By a letter's mail: writers come one after the other, and the second finds it done."""
    desk, keys = sent
    desk.clock.forward(hours=1)
    content = plain(f"Subject: unsubscribe welcome-1-{keys[0][2:]}")
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: take_mail(desk.desk, content), range(4)))

    assert sorted((one.new, one.known) for one in told) == [(0, 1)] * 3 + [(1, 0)]
    with transaction(engine) as session:
        [who] = session.exec(select(Subscriber).where(Subscriber.status == Status.UNSUBSCRIBED)).all()
        assert [one.kind for one in events(session, who.id or 0)].count(Said.WITHDRAWN) == 1


def test_who_has_no_mailbox_and_who_complained_are_mailed_no_more(engine: Engine, sent: Sent) -> None:
    """Who is away, or full, or blocked us, is."""
    desk, keys = sent
    spam = complaint(key=keys[1]).replace(b"@news.example.org", b"@example.org")
    box = FakeBox({"a": bounce(keys[0]), "b": spam, "c": bounce(keys[2], "5.7.1"), "d": bounce(keys[2], "5.2.2")})
    box.mails["d"] = box.mails["d"].replace(b"@mx>", b"@mx2>")

    told = read_box(desk.desk, box)

    assert (told.new, told.known, told.nobodys, told.strange) == (4, 0, 0, 0)
    assert suppressed(engine) == {"reader0": Reason.HARD_BOUNCE, "reader1": Reason.COMPLAINT}
    assert set(box.marks.values()) == {Mark.DONE}


def test_a_forged_bounce_to_a_made_up_key_does_nothing_at_all(engine: Engine, sent: Sent) -> None:
    """It suppresses nobody, and is not even kept: a flood would fill the database."""
    desk, keys = sent
    forged = [f"1-{'a' * 24}", f"2-{keys[0][2:]}", f"1-{keys[0][2:-1]}{'a' if keys[0][-1] != 'a' else 'b'}"]
    box = FakeBox({key: bounce(key) for key in forged})

    told = read_box(desk.desk, box)

    assert (told.nobodys, told.new, suppressed(engine), kept(engine)) == (3, 0, {}, [])
    assert set(box.marks.values()) == {Mark.DONE}


def test_what_is_not_understood_stays_for_a_person(engine: Engine, sent: Sent) -> None:
    """Flagged, counted, and not read again."""
    desk, _ = sent
    box = FakeBox({"a": plain(to="bounces@example.org", body="What is this?")})

    first, second = read_box(desk.desk, box), read_box(desk.desk, box)

    assert (first.strange, second.mails, box.marks) == (1, 0, {"a": Mark.STRANGE})


def test_an_automatic_answer_is_kept_and_nothing_follows(engine: Engine, sent: Sent) -> None:
    """Out of office until Monday."""
    desk, keys = sent
    to = verp(keys[0]).replace("@news.", "@")

    take_mail(desk.desk, plain("Auto-Submitted: auto-replied", to=to))

    assert (kept(engine), suppressed(engine)) == ([Kind.REPLIED], {})


def test_a_mail_that_could_not_be_marked_is_known_when_it_is_read_again(engine: Engine, sent: Sent) -> None:
    """The commit comes first: what was said is not lost, and does not count twice."""
    desk, keys = sent
    box = FakeBox({"a": bounce(keys[0])}, breaks=True)
    with pytest.raises(ProviderError):
        read_box(desk.desk, box)
    box.breaks = False

    told = read_box(desk.desk, box)

    assert (told.new, told.known, kept(engine), box.marks) == (0, 1, [Kind.HARD_BOUNCED], {"a": Mark.DONE})


def test_nothing_is_marked_before_it_is_stored(engine: Engine, sent: Sent) -> None:
    """Marking looks into the database from outside: what is marked has been committed."""
    desk, keys = sent
    seen: list[int] = []

    class Watching(FakeBox):
        def mark(self, names: Sequence[str], mark: Mark) -> None:
            seen.append(len(kept(engine)))
            super().mark(names, mark)

    read_box(desk.desk, Watching({"a": bounce(keys[0])}))

    assert seen == [1, 1]


def test_a_bounce_closes_a_doubt(engine: Engine, sent: Sent) -> None:
    """The server had the message: it says so itself."""
    desk, keys = sent
    with transaction(engine) as session:
        issue = issue_on_its_way(session, 2)
        batch = claims.claim(session, issue, 100, NOW, "smtp")
        assert batch is not None
        ledger.record(session, batch, answers(batch, Outcome.UNKNOWN), NOW)

    take_mail(desk.desk, bounce(f"{issue}-{keys[0][2:]}", "4.4.1", action="delayed"))

    with transaction(engine) as session:
        assert session.get_one(Batch, batch.id).proved == 1


def test_a_reading_can_be_stopped_between_two_transactions(engine: Engine, sent: Sent) -> None:
    """What was read is stored and marked."""
    desk, _ = sent
    box = FakeBox({str(number): bounce(f"1-{'a' * 24}") for number in range(AT_ONCE + 1)})
    asked = iter([False, True])

    assert read_box(desk.desk, box, lambda: next(asked)).mails == AT_ONCE
    assert len(box.marks) == AT_ONCE


def test_the_reader_of_serve_reads_when_it_is_time(engine: Engine, sent: Sent) -> None:
    """At once, and again after the minutes of the settings; trouble is said once, and the box is closed each time."""
    desk, keys = sent
    settled = with_mailbox(desk)
    box = FakeBox({"a": bounce(keys[0])}, breaks=True)
    reader = BounceReader(settled, open_box=lambda: box)

    said = [reader(), reader()]
    for _ in range(2):
        desk.clock.forward(minutes=10)
        said.append(reader())
    box.breaks = False
    box.mails["b"] = bounce(keys[1], "5.2.2")
    desk.clock.forward(minutes=10)
    said.append(reader())

    assert said[:4] == [["Bounces: The mailbox has gone."], [], [], []]
    assert said[4] == ["Bounces: 1 new (1 hard-bounced, 1 soft-bounced)."]
    assert box.closed == 4


def test_where_there_is_no_mailbox_it_is_said(engine: Engine, sent: Sent) -> None:
    """And without a password nothing is connected to."""
    desk, _ = sent

    with pytest.raises(ConfigError, match="There is no mailbox of bounces"):
        box_of(desk.desk.config)
    with pytest.raises(ConfigError, match="There is no password"):
        box_of(with_mailbox(desk).config, {})
    assert BounceReader(desk.desk)() == []
