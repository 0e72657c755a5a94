"""What the old mailbox and the new one can still do once an address is changed: undo it, end it, leave."""

import re

import httpx
import pytest
from address_samples import NEW, ONE_CLICK, asked, at, changes, links
from desk_samples import Place
from people import print_of
from post_samples import Reader
from readers_web import dump, story, token, who

from newsletter.desk.post import deliver
from newsletter.web.signing_up import stored_by
from subscribers.address import parse
from subscribers.address_change import UNDO_FOR, Stage
from subscribers.consent import Evidence, Status
from subscribers.erasure import erase
from subscribers.suppression import Reason, Suppression, suppress
from subscribers.tokens import Purpose
from subscribers.wishes import Asking

pytestmark = pytest.mark.usefixtures("reads")  # before the server


def taken_and_left(web: httpx.Client, here: Place, reads: Reader, *, anew: bool = False) -> tuple[str, str]:
    """Somebody changed Ada's address to theirs and left: her ref, and the path in the notice to her mailbox.

    `anew`: before the post goes out they have typed their address into the form as well.
    """
    ref = who(here, "ada").ref
    asked(web, here)
    here.clock.forward(days=1, minutes=1)  # so that this address may be asked again
    web.post(links(reads)[0])
    web.post(f"/u/{token(here, Purpose.UNSUBSCRIBE, 'new')}")
    if anew:
        stored_by(here.desk)([Asking(parse(NEW), "", Evidence("/subscribe"))])
    for _ in range(2):
        deliver(here.desk)
    [notice] = [number for number, mail in enumerate(reads.mails) if mail.to == "Ada@example.org"]
    return ref, links(reads, notice)[0]


def test_the_old_mailbox_hears_of_it_also_where_the_new_one_leaves_at_once(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """Otherwise whoever has a forwarded mail takes a subscription away unseen: leave, and undo that within the hour."""
    asked(web, here)
    web.post(links(reads)[0])
    web.post(f"/u/{token(here, Purpose.UNSUBSCRIBE, 'new')}")
    deliver(here.desk)

    assert [mail.to for mail in reads.mails] == [NEW, "Ada@example.org"]
    assert "You are back" in web.post(f"/back/{token(here, Purpose.RESUBSCRIBE, 'new')}").text
    assert "changed back" in web.post(links(reads)[0]).text


@pytest.mark.parametrize("later", [False, True])
def test_whoever_took_it_and_left_has_not_closed_the_way_back(
    web: httpx.Client, here: Place, reads: Reader, later: bool
) -> None:
    """The address is back, and nobody on the list by that: a button does it for an hour, after that the form."""
    ref, back = taken_and_left(web, here, reads)
    here.clock.forward(hours=2 if later else 0)
    assert "has unsubscribed meanwhile" in web.get(back).text
    page = web.post(back).text

    assert (at(here, ref).address, at(here, ref).status) == ("Ada@example.org", Status.UNSUBSCRIBED)
    assert ("/back/" in page, "/subscribe" in page) == (not later, later)
    assert later or "You are back" in web.post(re.findall(r"/back/[^\"]+", page)[0]).text
    assert at(here, ref).status is (Status.UNSUBSCRIBED if later else Status.ACTIVE)


def test_whoever_took_it_and_asked_anew_has_not_closed_it_either(web: httpx.Client, here: Place, reads: Reader) -> None:
    """They left and typed their address into the form; the notice and the undo work, their mail confirms nothing."""
    ref, back = taken_and_left(web, here, reads, anew=True)
    [yes] = [links(reads, number)[0] for number in range(len(reads.mails)) if "/confirm/" in links(reads, number)[0]]
    assert at(here, ref).status is Status.PENDING
    page = web.post(back)

    assert ("changed back" in page.text, web.post(yes).status_code) == (True, 410)
    assert (at(here, ref).address, at(here, ref).status) == ("Ada@example.org", Status.UNSUBSCRIBED)


def test_an_entry_that_was_erased_does_not_come_back(web: httpx.Client, here: Place, reads: Reader) -> None:
    """Nothing of it is left that could; the page says so, and leads to the form."""
    _, back = taken_and_left(web, here, reads)
    with here.desk.transaction() as session:
        erase(session, session.merge(who(here, "new")), "test", here.clock())
    before = dump(here)
    pages = [web.get(back), web.post(back)]

    assert [(one.status_code, "was erased" in one.text, "/subscribe" in one.text) for one in pages] == [
        (410, True, True)
    ] * 2
    assert dump(here) == before


def test_the_page_of_not_me_says_what_is_so_after_the_button(web: httpx.Client, here: Place, reads: Reader) -> None:
    """Before it nothing comes; after it the newsletter does; and nothing again for whoever has left."""
    asked(web, here)
    yes, no = links(reads)
    before = web.get(no).text
    web.post(yes)
    after = web.get(no).text
    web.post(no, data=ONE_CLICK)

    assert ["without your button" in page for page in (before, after, web.get(no).text)] == [True, False, True]
    assert "gets Weekly AI Tool Verdicts now" in after


def test_the_old_mailbox_undoes_it_for_a_week(web: httpx.Client, here: Place, reads: Reader) -> None:
    """With evidence; asked twice it is over, and so it is after the week."""
    ref = who(here, "ada").ref
    asked(web, here)
    web.post(links(reads)[0])
    deliver(here.desk)
    back = links(reads)[0]
    assert "A…@example.org would get" in web.get(back).text

    assert "changed back" in web.post(back).text
    assert web.post(back).status_code == 410
    assert (at(here, ref).address, at(here, ref).fingerprint) == ("Ada@example.org", print_of("ada@example.org"))
    assert [one.source for one in story(here, "ada")][1:] == ["/address", "/address-back"]


def sign_up(here: Place) -> None:
    """Somebody types Ada's old address into the form, and the confirmation goes there."""
    stored_by(here.desk)([Asking(parse("ada@example.org"), "", Evidence("/subscribe"))])
    deliver(here.desk)


def test_whoever_types_the_old_address_into_the_form_does_not_close_the_way_back(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """Nobody confirmed that; it goes with its letter, whose link confirms nothing any more."""
    ref = who(here, "ada").ref
    asked(web, here)
    web.post(links(reads)[0])
    deliver(here.desk)
    back = links(reads)[0]
    sign_up(here)
    confirm = links(reads)[0]

    assert "changed back" in web.post(back).text
    assert at(here, ref).address == "Ada@example.org"
    assert web.post(confirm).status_code in (404, 410)


@pytest.mark.parametrize("meanwhile", ["late", "taken", "suppressed"])
def test_what_came_after_the_change_is_not_undone(
    web: httpx.Client, here: Place, reads: Reader, meanwhile: str
) -> None:
    """The link was right once; now it changes nothing."""
    asked(web, here)
    web.post(links(reads)[0])
    deliver(here.desk)
    back = links(reads)[0]
    if meanwhile == "late":
        here.clock.forward(days=UNDO_FOR.days, minutes=1)
    else:
        with here.desk.transaction() as session:
            if meanwhile == "suppressed":
                suppress(session, print_of("ada@example.org"), Reason.HARD_BOUNCE, here.clock())
        if meanwhile == "taken":
            sign_up(here)
            web.post(links(reads)[0])
            deliver(here.desk)
    before = dump(here)

    assert web.post(back).status_code in (404, 410)
    assert dump(here) == before


def test_a_second_change_does_not_close_the_first_way_back(web: httpx.Client, here: Place, reads: Reader) -> None:
    """Whoever took the link away changes the address twice; the first mailbox has it back, and the second has not."""
    ref = who(here, "ada").ref
    backs = []
    for typed, whose in (("new@example.org", "ada"), ("newer@example.org", "new")):
        asked(web, here, typed, whose)
        web.post(links(reads)[0])
        deliver(here.desk)
        backs.append(links(reads)[0])
    web.post(backs[0])

    assert at(here, ref).address == "Ada@example.org"
    assert web.post(backs[1]).status_code == 410
    assert [one.old_fingerprint for one in changes(here)] == [
        print_of(f"{n}@example.org") for n in ("ada", "new", "newer")
    ]


def test_not_me_suppresses_the_new_address_and_ends_the_change(web: httpx.Client, here: Place, reads: Reader) -> None:
    """The reader stays where they were, and the next who types the address causes nothing."""
    asked(web, here)
    yes, no = links(reads)
    before = dump(here)
    assert "It was not you?" in web.get(no).text
    assert dump(here) == before

    assert "will not write again" in web.post(no).text
    assert (web.post(yes).status_code, changes(here)[0].stage) == (410, Stage.REFUSED)
    with here.desk.reading() as session:
        assert session.get_one(Suppression, print_of(NEW)).reason is Reason.MANUAL
    assert who(here, "ada").status is Status.ACTIVE


@pytest.mark.parametrize(("first", "status"), [(False, Status.ACTIVE), (True, Status.UNSUBSCRIBED)])
def test_a_mail_program_s_own_button_ends_the_change_or_leaves(
    web: httpx.Client, here: Place, reads: Reader, first: bool, status: Status
) -> None:
    """Before the change it is a no to the change; after it, to the newsletter. Nobody is suppressed by it."""
    ref = who(here, "ada").ref
    asked(web, here)
    yes, no = links(reads)
    if first:
        web.post(yes)
    assert web.post(no, data=ONE_CLICK).headers["content-type"] == "text/plain; charset=utf-8"

    assert at(here, ref).status is status
    with here.desk.reading() as session:
        assert session.get(Suppression, print_of(NEW)) is None
