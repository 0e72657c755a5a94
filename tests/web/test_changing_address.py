"""A reader's change of address: asked by them, confirmed from the new mailbox, undone from the old one."""

import httpx
import pytest
from address_samples import NEW, asked, at, changes, form, links
from desk_samples import Place
from people import NOW, print_of
from post_samples import Reader
from readers_web import address_token, dump, open_web, reading_room, story, token, who
from sqlalchemy import Engine
from sqlalchemy.event import listen
from sqlmodel import select

from newsletter.desk.post import deliver
from newsletter.web.signing_up import WORDING as SIGN_UP_WORDING
from newsletter.web.signing_up import stored_by
from subscribers.address import parse
from subscribers.address_change import OPEN_FOR
from subscribers.consent import Evidence, Kind
from subscribers.erasure import erase
from subscribers.letters import Letter
from subscribers.subscriber import Subscriber, find, unsubscribe
from subscribers.suppression import Reason, suppress
from subscribers.tokens import Purpose, sign
from subscribers.wishes import Asking, Fate, Wish

pytestmark = pytest.mark.usefixtures("reads")  # before the server
STATES = ("stranger", "ada", "ben", "cleo", "dov", "pia")  #: unknown, oneself, pending, left, suppressed, paused


def test_from_the_form_to_the_new_address_by_the_links_in_the_mails(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """Who they are, since when, and their break stay; the old address hears of it, and can have it back."""
    before = who(here, "pia")
    asked(web, here, " New@Example.org ", "pia")
    [yes, no] = links(reads)
    assert (reads.mails[0].to, yes.split("/")[1], no.split("/")[1]) == ("New@example.org", "address", "address-no")
    assert "N…@example.org would get" in web.get(yes).text
    assert "changed" in web.post(yes).text
    deliver(here.desk)

    after = at(here, before.ref)
    assert (after.address, after.address_key, after.fingerprint) == ("New@example.org", NEW, print_of(NEW))
    same = set(Subscriber.model_fields) - {"address", "address_key", "fingerprint", "link_set"}
    assert {name: getattr(after, name) for name in same} == {name: getattr(before, name) for name in same}
    assert (reads.mails[1].to, links(reads)[0].split("/")[1]) == ("pia@example.org", "address-back")


def test_the_change_is_written_down_with_the_hash_of_the_new_address(web: httpx.Client, here: Place) -> None:
    """When, where, under which words, and of which address; what was said before speaks of the old one."""
    old = who(here, "ada")
    asked(web, here)
    web.post(f"/address/{address_token(here, changes(here)[0])}")

    events = story(here, "new")
    assert [(one.kind, one.source, one.wording, one.at) for one in events][1:] == [
        (Kind.READDRESSED, "/address", "2026-11", here.clock())
    ]
    assert [one.fingerprint for one in events] == [old.fingerprint, print_of(NEW)]


def test_every_state_of_the_new_address_gets_the_same_answer_at_the_same_cost(web: httpx.Client, here: Place) -> None:
    """To the byte and to the statement: a reader cannot ask who else is on the list (S-10)."""
    said: list[str] = []
    listen(here.desk.engine, "before_cursor_execute", lambda *of: said.append(of[2]))
    answers, costs, path = set(), set(), form(here)
    for name in STATES:
        said.clear()
        answers.add(web.post(path, data={"email": f"{name}@example.org"}).text.replace(name, "x"))
        costs.add(tuple(said))
        here.clock.forward(hours=9)

    assert (len(answers), len(costs)) == (1, 1)


def test_the_mail_has_no_word_of_the_form_and_none_of_the_old_address(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """Whoever gets it by somebody's mistake learns nothing, and can be no victim of a message (S-49)."""
    asked(web, here, "Buy.Now.cheap@example.org")
    mail = reads.mails[0]

    assert mail.to == "Buy.Now.cheap@example.org"
    assert not [word for word in ("Buy", "ada", "Ada", "Njeri") if word in f"{mail.html} {mail.text} {mail.subject}"]
    assert not [word for word in ("ada@", "Ada@", "Njeri") if word in web.get(links(reads)[0]).text]


@pytest.mark.parametrize("name", ["ada", "ben", "cleo", "dov", "pia"])
def test_nobody_gets_an_address_that_has_an_entry_or_is_suppressed(
    web: httpx.Client, here: Place, reads: Reader, name: str
) -> None:
    """Who is on the list is told so; who is not is asked as by the form; a suppressed one hears nothing."""
    asked(web, here, f"{name}@example.org", "pia" if name == "ada" else "ada")

    assert changes(here) == []
    paths = [links(reads, number)[0].split("/")[1] for number in range(len(reads.mails))]
    assert (
        paths
        == {"ada": ["preferences"], "pia": ["preferences"], "ben": ["confirm"], "cleo": ["confirm"], "dov": []}[name]
    )


@pytest.mark.parametrize("meanwhile", ["signed up", "suppressed", "left", "erased", "asked anew"])
def test_what_came_between_the_mail_and_the_button_wins(
    web: httpx.Client, here: Place, reads: Reader, meanwhile: str
) -> None:
    """The change is off, and one sentence serves for every reason."""
    asked(web, here)
    yes, ref = links(reads)[0], who(here, "ada").ref
    with here.desk.transaction() as session:
        ada = session.merge(who(here, "ada"))
        if meanwhile == "suppressed":
            suppress(session, print_of(NEW), Reason.COMPLAINT, here.clock())
        elif meanwhile == "left":
            unsubscribe(session, ada, Evidence("test"), here.clock())
        elif meanwhile == "erased":
            erase(session, ada, "test", here.clock())
    if meanwhile == "signed up":
        here.clock.forward(days=1, minutes=1)
        stored_by(here.desk)([Asking(parse(NEW), "", Evidence("/subscribe", SIGN_UP_WORDING))])
        deliver(here.desk)
    if meanwhile == "asked anew":
        asked(web, here, "newer@example.org")
    before = dump(here)

    pages = [web.get(yes), web.post(yes)]
    assert [page.status_code for page in pages] == [410, 410]
    assert len({page.text for page in pages}) == 1
    assert dump(here) == before
    assert meanwhile == "erased" or at(here, ref).address == "Ada@example.org"


def test_two_readers_who_want_one_address_do_not_become_one(web: httpx.Client, here: Place, reads: Reader) -> None:
    """The first who presses gets it, the other stays as they are."""
    asked(web, here, NEW, "ada")
    here.clock.forward(days=1, minutes=1)
    asked(web, here, NEW, "pia")
    first, second = links(reads, 0)[0], links(reads, 1)[0]

    assert [web.post(second).status_code, web.post(first).status_code] == [200, 410]
    assert (who(here, "ada").address, who(here, "new").name) == ("Ada@example.org", "Pia Lindqvist")


def test_pressing_twice_is_pressing_once(web: httpx.Client, here: Place, reads: Reader) -> None:
    """One consent event, one notice."""
    asked(web, here)
    assert ["is changed" in web.post(links(reads)[0]).text for _ in range(2)] == [True, True]
    deliver(here.desk)

    assert [one.kind for one in story(here, "new")] == [Kind.CONFIRMED, Kind.READDRESSED]
    assert len(reads.mails) == 2


def test_the_link_works_for_a_week(web: httpx.Client, here: Place, reads: Reader) -> None:
    """Then nothing of it is left but a keyed hash (chores), and a page says that it is over."""
    asked(web, here)
    yes = links(reads)[0]
    here.clock.forward(days=OPEN_FOR.days, minutes=1)

    assert [web.get(yes).status_code, web.post(yes).status_code] == [404, 404]
    assert who(here, "ada").address == "Ada@example.org"


def test_a_reader_asks_three_times_a_day_and_a_mailbox_is_asked_once(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """By one reader or by many, and mixed with the form: the limits of sign-ups are one (S-49)."""
    path = form(here)
    codes = [asked(web, here, f"v{number % 2}@example.org").status_code for number in range(5)]
    stored_by(here.desk)([Asking(parse("v0@example.org"), "", Evidence("/subscribe"))])
    deliver(here.desk)

    assert codes == [200, 200, 200, 429, 429]
    assert sorted(mail.to for mail in reads.mails) == ["v0@example.org", "v1@example.org"]
    here.clock.forward(days=1, minutes=1)
    assert web.post(path, data={"email": NEW}).status_code == 200


def test_the_hour_s_limit_is_that_of_all_sign_ups(engine: Engine) -> None:
    """Whoever has somebody's link is no way around it."""
    here = reading_room(engine, in_all=2)
    with open_web(here) as web:
        codes = [web.post(form(here, name), data={"email": f"v-{name}@example.org"}) for name in ("ada", "pia", "dov")]

    assert [one.status_code for one in codes] == [200, 200, 429]
    assert codes[2].headers["retry-after"] == "3600"


@pytest.mark.parametrize("typed", ["", "x", "é@example.org", "x@example.org\r\nBcc: y@z.org", "a" * 300 + "@b.org"])
def test_what_is_no_address_comes_back_with_a_sentence(web: httpx.Client, here: Place, typed: str) -> None:
    """And nothing is written down."""
    path, before = form(here), dump(here)
    page = web.post(path, data={"email": typed})

    assert (page.status_code, 'aria-invalid="true"' in page.text) == (422, True)
    assert dump(here) == before


@pytest.mark.parametrize("name", ["ben", "cleo"])
def test_whoever_is_not_on_the_list_is_led_to_the_form(web: httpx.Client, here: Place, name: str) -> None:
    """An old link of somebody who left asks nobody."""
    path, before = form(here, name), dump(here)

    assert [web.get(path).status_code, web.post(path, data={"email": NEW}).status_code] == [410, 410]
    assert dump(here) == before


def test_a_reader_who_leaves_before_the_post_goes_out_asks_nobody(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """The wish was taken; it is over when it is dealt with."""
    web.post(form(here), data={"email": NEW})
    with here.desk.transaction() as session:
        unsubscribe(session, session.merge(who(here, "ada")), Evidence("test"), here.clock())
    deliver(here.desk)

    with here.desk.reading() as session:
        assert [wish.became for wish in session.exec(select(Wish))] == [Fate.OVER]
        assert list(session.exec(select(Letter))) == []


def test_a_letter_to_the_old_address_does_not_follow_to_the_new_one(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """Somebody typed the old one; by the time that the post goes out it is nobody's."""
    asked(web, here)
    stored_by(here.desk)([Asking(parse("ada@example.org"), "", Evidence("/subscribe"))])
    deliver(here.desk, stop=lambda: True)  # decided, and not handed over
    web.post(links(reads)[0])
    deliver(here.desk)

    assert [(mail.to, links(reads, number)[0].split("/")[1]) for number, mail in enumerate(reads.mails)] == [
        (NEW, "address"),
        ("Ada@example.org", "address-back"),
    ]
    with here.desk.reading() as session:
        assert find(session, "ada@example.org") is None


def test_what_is_kept_of_a_change_goes_after_a_week_and_with_the_reader(
    web: httpx.Client, here: Place, reads: Reader
) -> None:
    """The addresses; their keyed hashes stay, so that an old file brings nobody back."""
    asked(web, here)
    web.post(links(reads)[0])
    data = web.get(f"/preferences/{token(here, Purpose.PREFERENCES, 'new')}/data").json()
    with here.desk.transaction() as session:
        erase(session, session.merge(who(here, "new")), "test", here.clock())

    [told] = data["changes_of_address"]
    assert (told["address"], told["old_address"], told["stage"]) == (NEW, "Ada@example.org", "changed")
    assert not [line for line in dump(here) if NEW in line.lower() or "ada@" in line.lower()]


def test_a_link_of_a_change_that_there_is_not_says_that_it_is_over(web: httpx.Client, here: Place) -> None:
    """As after a restored backup: signed by us, and about nothing that is known."""
    before = dump(here)
    for path, purpose in (("address", Purpose.ADDRESS), ("address-back", Purpose.ADDRESS_BACK)):
        link = f"/{path}/{sign(here.desk.keys, purpose, 'abc', expires=NOW + OPEN_FOR)}"
        assert [web.get(link).status_code, web.post(link).status_code] == [410, 410]
    assert web.post(f"/address-no/{sign(here.desk.keys, Purpose.ADDRESS_NO, 'abc')}").status_code == 200

    assert dump(here) == before
