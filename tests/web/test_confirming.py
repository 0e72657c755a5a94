"""The links of a confirmation mail: yes by a button, never for who did not ask, and the welcome."""

import re
from dataclasses import replace

import httpx
import pytest
from desk_samples import Place
from people import NOW
from post_samples import Reader, ask
from readers_web import dump, story, token, who
from sqlmodel import select

from newsletter.desk.post import deliver
from subscribers.consent import Evidence, Kind, Status
from subscribers.letters import About, Letter, Post
from subscribers.subscriber import find, unsubscribe
from subscribers.suppression import Reason, Suppression, is_suppressed
from subscribers.tokens import CONFIRM_DAYS, Purpose, sign

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def letters(here: Place) -> list[tuple[About, Post]]:
    """Single mails, oldest first."""
    with here.desk.reading() as session:
        return [(one.about, one.post) for one in session.exec(select(Letter).order_by(Letter.id))]  # type: ignore[arg-type]


def test_the_page_asks_and_the_button_confirms(web: httpx.Client, here: Place) -> None:
    """With evidence of its own; twice is once, and one welcome is owed."""
    path = f"/confirm/{token(here, Purpose.CONFIRM, 'ben')}"
    before = dump(here)
    assert "One more button" in web.get(path).text
    assert dump(here) == before

    answers = [web.post(path).text for _ in range(2)]
    assert all("You are on the list" in answer for answer in answers)
    assert who(here, "ben").status is Status.ACTIVE
    [settings] = re.findall(r'href="(/preferences/[^"]+)"', answers[0])
    assert "Your settings" in web.get(settings).text
    assert "/preferences/" not in web.get(path).text  # a scanner that follows the link gets no other
    assert [(event.kind, event.source) for event in story(here, "ben")][1:] == [(Kind.CONFIRMED, "/confirm")]
    assert letters(here) == [(About.WELCOME, Post.WAITING)]


def test_an_old_link_brings_nobody_back_who_has_left(web: httpx.Client, here: Place) -> None:
    """Somebody may find the mail again, and it is not what they want any more."""
    path = f"/confirm/{token(here, Purpose.CONFIRM, 'ben')}"
    with here.desk.transaction() as session:
        unsubscribe(session, who(here, "ben"), Evidence("test"), here.clock())

    assert [web.get(path).status_code, web.post(path).status_code] == [410, 410]
    assert who(here, "ben").status is Status.UNSUBSCRIBED


def test_a_link_that_has_expired_leads_to_the_form(web: httpx.Client, here: Place) -> None:
    """After a week; the form sends a new one."""
    path = f"/confirm/{sign(here.desk.keys, Purpose.CONFIRM, who(here, 'ben').ref, expires=NOW + CONFIRM_DAYS)}"
    here.clock.forward(days=7, minutes=1)
    page = web.post(path)

    assert (page.status_code, "has expired" in page.text, 'href="/subscribe"' in page.text) == (404, True, True)
    assert who(here, "ben").status is Status.PENDING


def test_never_means_never(web: httpx.Client, here: Place) -> None:
    """The address is suppressed, and the next stranger who types it causes nothing."""
    page = web.post(f"/never/{token(here, Purpose.NEVER, 'ben')}")
    ask(here, "ben@example.org")
    deliver(here.desk)

    assert "will not write again" in page.text
    assert who(here, "ben").status is Status.UNSUBSCRIBED
    with here.desk.reading() as session:
        assert session.get_one(Suppression, who(here, "ben").fingerprint).reason is Reason.MANUAL
    assert (letters(here), sum(here.provider.log.values())) == ([], 0)


def test_after_never_the_old_link_offers_no_sign_up(web: httpx.Client, here: Place) -> None:
    """It could not work: nothing is sent to that address. Whoever only left may come back."""
    web.post(f"/never/{token(here, Purpose.NEVER, 'ben')}")
    base = f"/confirm/{token(here, Purpose.CONFIRM, 'ben')}"
    pages = [web.get(base), web.post(base), web.post(f"{base}/again")]
    left = web.get(f"/confirm/{token(here, Purpose.CONFIRM, 'cleo')}")

    assert [(page.status_code, "/subscribe" in page.text) for page in (*pages, left)] == [(410, False)] * 3 + [
        (410, True)
    ]
    assert [("goes to this address any more" in page.text) for page in pages] == [True] * 3


def test_a_mail_program_s_own_button_ends_the_sign_up_and_no_more(web: httpx.Client, here: Place) -> None:
    """It may have been a wrong tap: they can sign up again."""
    answer = web.post(f"/never/{token(here, Purpose.NEVER, 'ben')}", data=ONE_CLICK)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert who(here, "ben").status is Status.UNSUBSCRIBED
    with here.desk.reading() as session:
        assert not is_suppressed(session, who(here, "ben").fingerprint)


def test_from_the_form_to_the_list_by_the_links_in_the_mail(web: httpx.Client, here: Place) -> None:
    """What the provider gets has one link to confirm and one to be left alone, and both open."""
    reads = Reader()
    here.desk = replace(here.desk, provider=reads)
    ask(here, "Eve@example.org")
    deliver(here.desk)
    [mail] = reads.mails
    links = re.findall(r"https://news\.example\.org(/\S+)", mail.text)

    assert [link.split("/")[1] for link in links] == ["confirm", "never"]
    assert mail.to == "Eve@example.org"
    assert f"<https://news.example.org{links[1]}>" in mail.header("List-Unsubscribe")
    assert "One more button" in web.get(links[0]).text
    assert "Never write" in web.get(links[1]).text
    assert "You are on the list" in web.post(links[0]).text
    with here.desk.reading() as session:
        eve = find(session, "eve@example.org")
        assert eve is not None
        assert eve.status is Status.ACTIVE


def test_a_link_that_has_expired_has_a_button_for_a_new_one(web: httpx.Client, here: Place) -> None:
    """It goes to the address of the old one, and works; the page names no more of it than its owner knows."""
    reads = Reader()
    here.desk = replace(here.desk, provider=reads)
    old = f"/confirm/{sign(here.desk.keys, Purpose.CONFIRM, who(here, 'ben').ref, expires=NOW + CONFIRM_DAYS)}"
    here.clock.forward(days=8)
    page = web.get(old)
    way = page.text.partition('action="')[2].partition('"')[0]
    told = web.post(way)
    deliver(here.desk)

    assert (way, told.status_code, "b…@example.org" in told.text) == (f"{old}/again", 200, True)
    assert (
        "You are on the list" in web.post(re.findall(r"https://news\.example\.org(/\S+)", reads.mails[0].text)[0]).text
    )


def test_a_new_link_is_sent_as_often_as_any_form_asks_for_one(web: httpx.Client, here: Place) -> None:
    """Once a day and three times a month, and the answer is always the same."""
    path = f"/confirm/{token(here, Purpose.CONFIRM, 'ben')}/again"
    answers = set()
    for _ in range(8):
        answers |= {web.post(path).text for _ in range(2)}
        deliver(here.desk)
        here.clock.forward(hours=20)

    assert (len(answers), sum(here.provider.log.values())) == (1, 3)


@pytest.mark.parametrize("name", ["ada", "cleo", "pia"])
def test_whoever_does_not_wait_for_a_link_gets_none_by_an_old_one(web: httpx.Client, here: Place, name: str) -> None:
    """They are on the list, or have left since: the form is there for them."""
    path, before = f"/confirm/{token(here, Purpose.CONFIRM, name)}/again", dump(here)

    assert web.post(path).status_code == 410
    assert dump(here) == before
