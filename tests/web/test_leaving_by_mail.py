"""Leaving by the mail that a letter's List-Unsubscribe offers, as a mail program sends it and a mailbox has it.

The measure is the same letter's one-click POST: whatever that does, the mail does.
"""

import re
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from address_samples import NEW, ONE_CLICK, changes
from desk_samples import Place
from fake_box import FakeBox
from people import PAGE, SECRET
from post_samples import Reader
from readers_web import dump, story, who
from sqlmodel import Session, select

from newsletter.desk.bouncing import read_box, take_mail
from newsletter.desk.leaving_by_mail import ACTS, SOURCE
from newsletter.desk.post import deliver
from newsletter.errors import ProviderError
from newsletter.providers.bounce_box import Maildir
from subscribers.address import parse
from subscribers.address_change import AddressChange, ask
from subscribers.consent import Status
from subscribers.erasure import erase
from subscribers.letters import About, owe
from subscribers.readdressing import carry_out
from subscribers.subscriber import Subscriber, confirm, unsubscribe
from subscribers.suppression import Suppression

pytestmark = pytest.mark.usefixtures("reads")  # before the server

CASES = [*((about, False) for about in About), (About.NEW_ADDRESS, True)]
NAMES = {About.CONFIRM: "ben"}  #: whom a letter is for, where it is not Ada
OFFER = re.compile(r"<https://news\.example\.org(/\S+)>, <mailto:(\S+)\?subject=(\S+)>")


def offered(here: Place, about: About, *, pressed: bool = False) -> tuple[str, str, str]:
    """Such a letter goes out: the path that is posted to, the address and the subject of the mail that it offers.

    `pressed`: the button of the change that it asks about was pressed after that.
    """
    with here.desk.transaction() as session:
        reader = session.merge(who(here, NAMES.get(about, "ada")))
        change = _changing(session, reader, about, here.clock()) if "address" in about else None
        owe(session, about, reader, here.clock(), change=change)
    deliver(here.desk)
    if pressed:
        with here.desk.transaction() as session:
            assert carry_out(session, session.merge(changes(here)[-1]), PAGE, here.clock())
    found: Reader = here.desk.provider  # type: ignore[assignment]
    offer = OFFER.fullmatch(found.mails[-1].header("List-Unsubscribe"))
    assert offer is not None
    return offer[1], offer[2], unquote(offer[3])


def _changing(session: Session, reader: Subscriber, about: About, now: datetime) -> AddressChange:
    change = ask(session, reader, parse(NEW), secret=SECRET, now=now)
    if about is About.OLD_ADDRESS:
        assert carry_out(session, change, PAGE, now)
    return change


def mail(
    here: Place, subject: str, *, date: datetime | None = None, number: int = 1, to: str = "x@example.org"
) -> bytes:
    """What a mail program sends, with the line of the server that took it now; `date` is its own clock's."""
    came = format_datetime(here.clock())
    lines = (
        f"Received: from a (a [192.0.2.1]) by mx.example.org with ESMTP id 1\r\n for <{to}>; {came}",
        "Received: from phone by a; Mon, 1 Jan 2001 00:00:00 +0000",
        f"Date: {format_datetime(date or here.clock())}",
        f"From: somebody@example.net\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{number}@phone>",
    )
    return "\r\n".join((*lines, "", "")).encode()


def state(here: Place) -> list[object]:
    """Who stands where, which changes are open, and who is suppressed."""
    with here.desk.reading() as session:
        people = session.exec(select(Subscriber.address, Subscriber.status).order_by(Subscriber.id)).all()
        return [people, [one.stage for one in changes(here)], len(session.exec(select(Suppression)).all())]


def status(here: Place, name: str = "ada") -> Status:
    """Where they stand now."""
    return who(here, name).status


def back(here: Place, name: str = "ada") -> None:
    """They have said yes again."""
    with here.desk.transaction() as session:
        assert confirm(session, session.merge(who(here, name)), PAGE, here.clock())


def test_no_letter_is_without_an_answer() -> None:
    """Whoever adds one decides what leaving by it means."""
    assert set(ACTS) == set(About)


@pytest.mark.parametrize(("about", "pressed"), CASES)
def test_the_mail_of_every_letter_does_what_its_button_does(
    web: httpx.Client, here: Place, tmp_path: Path, about: About, pressed: bool
) -> None:
    """Through a real mailbox: at once, and what the button does then is done already."""
    path, to, subject = offered(here, about, pressed=pressed)
    before = state(here)
    for part in ("new", "cur", "tmp"):
        (tmp_path / part).mkdir()
    (tmp_path / "new" / "1.mx").write_bytes(mail(here, subject, to=to))
    told = read_box(here.desk, Maildir(tmp_path))
    after = state(here)

    assert (told.new, told.nobodys, told.strange, told.kinds) == (1, 0, 0, {"unsubscribed": 1})
    assert (web.post(path, data=ONE_CLICK).status_code, after != before) == (200, True)
    assert state(here) == after


@pytest.mark.parametrize(("about", "pressed"), CASES)
def test_after_the_button_of_a_letter_its_mail_finds_nothing_to_do(
    web: httpx.Client, here: Place, about: About, pressed: bool
) -> None:
    """The other way around: neither does more than the other."""
    path, _, subject = offered(here, about, pressed=pressed)
    web.post(path, data=ONE_CLICK)
    after = state(here)
    told = take_mail(here.desk, mail(here, subject))

    assert (told.new, told.known, told.nobodys) == (0, 1, 0)
    assert state(here) == after


def test_the_evidence_says_that_it_was_a_mail_and_which(here: Place) -> None:
    """By the hash of the mail's own id: nothing of its sender is kept."""
    _, _, subject = offered(here, About.WELCOME)
    take_mail(here.desk, mail(here, subject))
    event = story(here, "ada")[-1]

    assert (event.source, event.wording[:5], len(event.wording), event.by) == (SOURCE, "mail:", 53, "")


def test_a_mail_that_is_read_again_after_they_came_back_lets_them_be(here: Place) -> None:
    """It could not be marked, and no server wrote when it came."""
    _, _, subject = offered(here, About.WELCOME)
    content = mail(here, subject)
    box = FakeBox({"a": content[content.index(b"Date:") :]}, breaks=True)
    with pytest.raises(ProviderError):
        read_box(here.desk, box)
    assert status(here) is Status.UNSUBSCRIBED
    back(here)
    box.breaks = False
    told = read_box(here.desk, box)

    assert (told.new, told.known, status(here)) == (0, 1, Status.ACTIVE)


@pytest.mark.parametrize("about", [About.WELCOME, About.STAY])
def test_whoever_came_back_after_the_mail_had_arrived_stays(here: Place, about: About) -> None:
    """The mailbox could not be read for a day."""
    _, _, subject = offered(here, about)
    waits = mail(here, subject)
    with here.desk.transaction() as session:
        unsubscribe(session, session.merge(who(here, "ada")), PAGE, here.clock())
    here.clock.forward(hours=20)
    back(here)
    take_mail(here.desk, waits)
    assert status(here) is Status.ACTIVE

    take_mail(here.desk, mail(here, subject, number=2))
    assert status(here) is Status.UNSUBSCRIBED


def test_a_reader_whose_clock_is_years_behind_leaves_all_the_same(here: Place) -> None:
    """What counts is when it arrived."""
    _, _, subject = offered(here, About.WELCOME)
    take_mail(here.desk, mail(here, subject, date=here.clock() - timedelta(days=4000)))

    assert status(here) is Status.UNSUBSCRIBED


def test_the_mail_to_a_new_address_does_not_name_the_reader(here: Place) -> None:
    """Whoever has that mailbox could take them off the list with any other key of theirs."""
    ref = who(here, "ada").ref
    offered(here, About.NEW_ADDRESS)
    found: Reader = here.desk.provider  # type: ignore[assignment]
    asks = found.mails[-1]

    assert (asks.to, ref in f"{asks.headers} {asks.key} {asks.html} {asks.text}") == (NEW, False)


@pytest.mark.parametrize("about", [About.WELCOME, About.NEW_ADDRESS, About.OLD_ADDRESS])
def test_a_forged_key_does_nothing_at_all(here: Place, about: About) -> None:
    """Another's kind of letter, a letter that is none, a ref with one wrong letter."""
    _, _, subject = offered(here, about)
    ref = subject[-24:]
    other = About.NEW_ADDRESS if about is not About.NEW_ADDRESS else About.WELCOME
    wrong = ref[:-1] + ("a" if ref[-1] != "a" else "b")
    before = dump(here)
    for key in (
        f"{other}-1-{ref}",
        f"goodbye-1-{ref}",
        f"test-1-{ref}",
        f"{about}-1-{wrong}",
        f"{about}-{'9' * 11}-{ref}",
    ):
        told = take_mail(here.desk, mail(here, f"unsubscribe {key}"))
        assert (told.new, told.known, told.nobodys + told.strange) == (0, 0, 1)

    assert dump(here) == before


def test_nobody_who_was_erased_is_found_by_an_old_letter(here: Place) -> None:
    """Its key is nobody's then."""
    _, _, subject = offered(here, About.WELCOME)
    with here.desk.transaction() as session:
        erase(session, session.merge(who(here, "ada")), "test", here.clock())
    before = dump(here)

    assert take_mail(here.desk, mail(here, subject)).nobodys == 1
    assert dump(here) == before


def test_two_mails_of_one_reader_in_one_run_are_one_leaving(here: Place) -> None:
    """Of two letters, and one of them twice."""
    subjects = [offered(here, about)[2] for about in (About.WELCOME, About.STAY)]
    mails = [mail(here, subjects[0]), mail(here, subjects[0]), mail(here, subjects[1], number=2)]
    told = read_box(here.desk, FakeBox({str(number): one for number, one in enumerate(mails)}))

    assert (told.new, told.known, status(here)) == (1, 2, Status.UNSUBSCRIBED)
    assert [one.source for one in story(here, "ada")].count(SOURCE) == 1
