"""What the links in the mails before a change of address still do, and who gets which new ones."""

import re

import httpx
import pytest
from address_samples import NEW, ONE_CLICK, asked, at, links
from desk_samples import Place
from people import print_of
from post_samples import Reader, ask
from readers_web import dump, token, who

from newsletter.desk.post import deliver
from newsletter.web.opening import FORMER
from newsletter.web.signing_up import stored_by
from subscribers.address import parse
from subscribers.consent import Evidence, Status
from subscribers.letters import About, owe
from subscribers.suppression import is_suppressed
from subscribers.tokens import Purpose, verify
from subscribers.wishes import Asking, Fate, Wish

pytestmark = pytest.mark.usefixtures("reads")  # before the server
ENDED = "This link has ended"


def old(here: Place, purpose: Purpose) -> str:
    """A token in Ada's mailbox, from before."""
    return token(here, purpose)


def moved(web: httpx.Client, here: Place, reads: Reader) -> str:
    """Ada gets it at the new address; the path in the notice to her old mailbox."""
    asked(web, here)
    web.post(links(reads)[0])
    deliver(here.desk)
    return links(reads)[0]


def settings_in(page: str) -> str:
    """The path of the settings that a page offers."""
    [path] = re.findall(r"\"(/preferences/[^\"/]+)\"", page)
    return str(path)


def test_the_page_of_a_link_that_has_ended_says_why_and_what_to_do(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """No break, no choice, no download, no erasure: and the way to a new link."""
    link = f"/preferences/{old(here, Purpose.PREFERENCES)}"
    moved(web, here, reads)
    before = dump(here)
    pages = [web.get(link), web.post(link, data={"do": "resume"}), web.get(f"{link}/data")]

    assert [(page.status_code, ENDED in page.text, FORMER in page.text) for page in pages] == [(410, True, True)] * 3
    assert 'href="/subscribe"' in pages[0].text
    assert dump(here) == before


def test_typing_the_new_address_into_the_form_mails_a_link_that_works(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """As that page says."""
    moved(web, here, reads)
    here.clock.forward(days=1, minutes=1)
    ask(here, NEW)
    deliver(here.desk)

    assert reads.mails[-1].to == NEW
    assert "n…@example.org gets" in web.get(links(reads)[0]).text


def test_an_old_link_leaves_and_shows_nothing_of_the_new_address(web: httpx.Client, here: Place, reads: Reader) -> None:
    """Neither before the button nor behind it, where there is no way back either: that mailbox is not theirs."""
    ref, link = who(here, "ada").ref, f"/u/{old(here, Purpose.UNSUBSCRIBE)}"
    moved(web, here, reads)
    pages = [web.get(link).text, web.post(link).text, web.get(link).text, web.post(f"{link}/why").text]

    assert at(here, ref).status is Status.UNSUBSCRIBED
    assert "no further issue" in pages[0]
    assert [page for page in pages if "@example.org" in page or "/back/" in page or "/preferences/" in page] == []


def test_a_mail_program_leaves_by_an_old_mail(web: httpx.Client, here: Place, reads: Reader) -> None:
    """RFC 8058: the button of a mail never stops working, be it an issue's or a confirmation's."""
    ref = who(here, "ada").ref
    paths = [f"/u/{old(here, Purpose.UNSUBSCRIBE)}", f"/never/{old(here, Purpose.NEVER)}"]
    moved(web, here, reads)
    for path in paths:
        assert web.post(path, data=ONE_CLICK).status_code == 200
        assert at(here, ref).status is Status.UNSUBSCRIBED
        web.post(f"/back/{token(here, Purpose.RESUBSCRIBE, 'new')}")


def test_never_by_an_old_link_does_not_suppress_the_new_address(web: httpx.Client, here: Place, reads: Reader) -> None:
    """Whoever has the old mailbox speaks for that alone."""
    link = f"/never/{old(here, Purpose.NEVER)}"
    moved(web, here, reads)

    assert [web.get(link).status_code, web.post(link).status_code] == [410, 410]
    with here.desk.reading() as session:
        assert not is_suppressed(session, print_of(NEW))


def test_a_leaving_in_the_new_mailbox_is_not_undone_from_the_old_one(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """Neither by a link for it from before, nor by one from the page of leaving."""
    back, leave = f"/back/{old(here, Purpose.RESUBSCRIBE)}", f"/u/{old(here, Purpose.UNSUBSCRIBE)}"
    moved(web, here, reads)
    web.post(f"/u/{token(here, Purpose.UNSUBSCRIBE, 'new')}")

    assert (web.post(back).status_code, "/back/" in web.post(leave).text) == (410, False)
    assert who(here, "new").status is Status.UNSUBSCRIBED


def test_whoever_confirms_the_new_address_is_given_the_settings(web: httpx.Client, here: Place, reads: Reader) -> None:
    """On the page behind the button, with links that work from now on; before it there are none."""
    asked(web, here)
    yes = links(reads)[0]
    assert "/preferences/" not in web.get(yes).text
    path = settings_in(web.post(yes).text)

    assert "n…@example.org gets" in web.get(path).text
    assert path == f"/preferences/{token(here, Purpose.PREFERENCES, 'new')}"


def test_an_undoing_ends_the_links_of_whoever_took_the_address(web: httpx.Client, here: Place, reads: Reader) -> None:
    """Of the other mailbox, and those that were copied before: the page behind the button has the one that works."""
    first = f"/preferences/{old(here, Purpose.PREFERENCES)}"
    back = moved(web, here, reads)
    second = f"/preferences/{token(here, Purpose.PREFERENCES, 'new')}"
    assert "/preferences/" not in web.get(back).text
    third = settings_in(web.post(back).text)

    assert [web.get(path).status_code for path in (first, second, third)] == [410, 410, 200]
    assert "A…@example.org gets" in web.get(third).text


def test_an_undoing_ends_what_whoever_took_the_address_had_asked_for(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """A wish for a third address that the post room has not dealt with: else they had it again a minute later."""
    back = moved(web, here, reads)
    stored_by(here.desk)([Asking(parse("x@example.org"), "", Evidence("/preferences"), mover=who(here, "new").id)])
    here.clock.forward(seconds=1)
    web.post(back)
    deliver(here.desk)

    assert [mail.to for mail in reads.mails] == [NEW, "Ada@example.org"]
    with here.desk.reading() as session:
        assert session.get_one(Wish, 2).became is Fate.OVER


def test_the_notice_to_the_old_mailbox_has_no_link_that_is_theirs_now(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """Its way out works, and shows nothing of where the newsletter goes."""
    moved(web, here, reads)
    leave = links(reads)[1]

    name = verify(here.desk.keys, Purpose.UNSUBSCRIBE, leave.removeprefix("/u/"), now=here.clock())
    assert name == who(here, "new").ref
    assert "@example.org" not in web.get(leave).text


@pytest.mark.parametrize("about", [About.STAY, About.ALREADY, About.WELCOME])
def test_letters_to_the_new_address_have_its_links(web: httpx.Client, here: Place, reads: Reader, about: About) -> None:
    """All that they offer opens."""
    moved(web, here, reads)
    with here.desk.transaction() as session:
        owe(session, about, session.merge(who(here, "new")), here.clock())
    deliver(here.desk)

    assert reads.mails[-1].to == NEW
    assert {web.get(path).status_code for path in links(reads)} == {200}


def test_the_key_of_a_letter_names_the_reader_and_no_set(web: httpx.Client, here: Place, reads: Reader) -> None:
    """Leaving by mail, and events, know them by it."""
    moved(web, here, reads)
    with here.desk.transaction() as session:
        owe(session, About.ALREADY, session.merge(who(here, "new")), here.clock())
    deliver(here.desk)

    [key] = [key for key in here.provider.log if key.startswith("already")]
    assert key.endswith(f"-{who(here, 'new').ref}")
