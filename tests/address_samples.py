"""A change of address as a reader and two mailboxes see it: the form, the mails with their links, what is kept."""

import re

import httpx
from desk_samples import Place
from post_samples import Reader
from readers_web import token
from sqlmodel import select

from newsletter.desk.post import deliver
from subscribers.address_change import AddressChange
from subscribers.subscriber import Subscriber, by_ref
from subscribers.tokens import Purpose

NEW = "new@example.org"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def form(here: Place, name: str = "ada") -> str:
    """The path of the form behind the link in their mail."""
    return f"/preferences/{token(here, Purpose.PREFERENCES, name)}/address"


def asked(web: httpx.Client, here: Place, address: str = NEW, name: str = "ada") -> httpx.Response:
    """The reader asks for this address, and the post room does what follows."""
    page = web.post(form(here, name), data={"email": address})
    deliver(here.desk)
    return page


def links(reads: Reader, number: int = -1) -> list[str]:
    """The paths in one of the mails, the last if nothing is said."""
    return re.findall(r"https://news\.example\.org(/\S+)", reads.mails[number].text)


def changes(here: Place) -> list[AddressChange]:
    """All there are, oldest first."""
    with here.desk.reading() as session:
        return list(session.exec(select(AddressChange).order_by(AddressChange.id)))  # type: ignore[arg-type]


def at(here: Place, ref: str) -> Subscriber:
    """The reader with this ref."""
    with here.desk.reading() as session:
        found = by_ref(session, ref)
    assert found is not None
    return found
