"""A mail scanner: it fetches every link of every mail, and nothing may come of it (S-18)."""

import hashlib
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from desk_samples import Place, furnished
from post_samples import Reader, ask
from readers_web import dump, open_web, who
from sqlalchemy import Engine

from newsletter.desk import sending, writing
from newsletter.desk.post import deliver
from newsletter.web.signing_up import stored_by
from subscribers.address import parse
from subscribers.address_change import change_named
from subscribers.consent import Evidence
from subscribers.letters import About, owe
from subscribers.readdressing import carry_out
from subscribers.subscriber import Subscriber, by_ref
from subscribers.tokens import Purpose, verify
from subscribers.wishes import Asking

OURS = re.compile(r"https://news\.example\.org(/[^\s\"<>]*)")
LOOKS = ("GET", "HEAD", "OPTIONS")


@pytest.fixture
def reads() -> Reader:
    """What arrived."""
    return Reader(remembers=True)


@pytest.fixture
def here(engine: Engine, reads: Reader) -> Place:
    """An issue went out to Ada, and every single mail that there is to somebody."""
    found = furnished(engine)
    found.desk = replace(found.desk, provider=reads)
    ada = who(found, "ada")
    writing.draft(found.desk)
    writing.approve(found.desk, "1", by="test")
    sending.send(found.desk, "1", by="test", pause=lambda _: None)
    ask(found, "eve@example.org", "Ada@example.org")
    stored_by(found.desk)([Asking(parse("new@example.org"), "", Evidence("/preferences"), mover=ada.id)])
    deliver(found.desk)
    with found.desk.transaction() as session:
        person = by_ref(session, ada.ref)
        assert person is not None
        owe(session, About.STAY, person, found.clock())
    deliver(found.desk)
    return found


def links(reads: Reader) -> set[str]:
    """Every path of ours in what arrived: HTML, text and headers."""
    everything = "\n".join(f"{unescape(mail.html)} {mail.text} {mail.headers}" for mail in reads.mails)
    return set(OURS.findall(everything))


def change(here: Place, reads: Reader) -> None:
    """The new address is confirmed by its link, and the old one is told."""
    [yes] = [path for path in links(reads) if path.startswith("/address/")]
    ref = verify(here.desk.keys, Purpose.ADDRESS, yes.rpartition("/")[2], now=here.clock())
    with here.desk.transaction() as session:
        asked = change_named(session, ref)
        assert asked is not None
        assert carry_out(session, asked, Evidence("test"), here.clock())
        reader = session.get_one(Subscriber, asked.subscriber_id)
        owe(session, About.OLD_ADDRESS, reader, here.clock(), change=asked)
    deliver(here.desk)


def digest(here: Place) -> dict[str, str]:
    """Every file beside the database, closed: what a backup of the folder would see."""
    here.desk.engine.dispose()
    file = Path(here.desk.engine.url.database or "")
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in file.parent.glob(f"{file.name}*")}


def followed(here: Place, paths: set[str]) -> set[str]:
    """Look at these by every method, which changes not a row and not a byte; the kinds of those that do not open."""
    rows, files, codes = dump(here), digest(here), {}
    with open_web(here) as web:
        for method in LOOKS:
            codes |= {(method, path): web.request(method, path).status_code for path in sorted(paths)}
            assert dump(here) == rows
    assert digest(here) == files
    return {path.split("/")[1] for (method, path), code in codes.items() if code >= 400 and method != "OPTIONS"}


def test_following_every_link_of_every_mail_changes_nothing(here: Place, reads: Reader) -> None:
    """Each opens, until a change of address: of those in the old mailbox what is about that, or leaves, still does."""
    before = links(reads)
    assert followed(here, before) == set()
    change(here, reads)

    assert followed(here, before) == {"preferences", "vote", "stay"}
    assert followed(here, links(reads) - before) == set()


def test_every_kind_of_link_is_in_those_mails(here: Place, reads: Reader) -> None:
    """Otherwise the test above would look at less than a scanner does."""
    change(here, reads)
    kinds = {path.split("/")[1].partition("?")[0] for path in links(reads)}

    letters = {"confirm", "never", "stay", "address", "address-no", "address-back"}
    assert {"u", "preferences", "issues", "vote"} | letters <= kinds
