"""Leaving by the mail that a single letter's `List-Unsubscribe` offers.

An issue's mail names a delivery, so its leaving is an event like a provider's (delivery/events.py). A letter has none:
its key names the reader, or the change of address that it asks about, and what follows is what the one-click POST of
the same letter does (newsletter/web). No key holds anything that its own mailbox must not know: the letter to a new
address goes to whoever has that mailbox, and names the change, never the reader.
Read again after a marking that failed, a mail is known by its id in the reader's evidence; and whoever has said yes
after it arrived stays.
"""

import re
from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from newsletter.delivery.event_acts import newest_yes
from newsletter.providers.hooks import Event, Kind
from subscribers.address_change import AddressChange, change_named, refuse
from subscribers.consent import Evidence, events
from subscribers.letters import About, Letter
from subscribers.subscriber import Subscriber, by_ref, unsubscribe

SOURCE = "mail to the unsubscribe address"  #: of the consent event, also where an issue's mail is left

_KEY = re.compile(rf"({'|'.join(About)})-[0-9]{{1,10}}-([a-z2-7]{{24}})")


def key_of(letter: Letter, whom: Subscriber, change: AddressChange | None) -> str:
    """The key of a letter: like "welcome-12-mfrggzdf…", in its Message-ID and in the mail that leaves by it."""
    asks = letter.about is About.NEW_ADDRESS and change is not None
    return f"{letter.about}-{letter.id}-{change.ref if asks and change else whom.ref}"


def is_of_a_letter(event: Event) -> bool:
    """Whether somebody leaves by a letter's mail."""
    return event.kind is Kind.UNSUBSCRIBED and _KEY.fullmatch(event.key) is not None


def hear(session: Session, event: Event, now: datetime) -> bool | None:
    """Do what such a mail asks for. False where there is nothing to do (any more), None where it names nobody."""
    named = _KEY.fullmatch(event.key)
    return ACTS[About(named[1])](session, named[2], event, now) if named else None


def _leave(session: Session, ref: str, event: Event, now: datetime) -> bool | None:
    """As `/u/…`, and as `/never/…` to a mail program's own button: whoever it names is off the list."""
    who = by_ref(session, ref)
    return None if who is None else _withdraw(session, who, event, now)


def _end(session: Session, ref: str, event: Event, now: datetime) -> bool | None:
    """As `/address-no/…`: this change is off; where the address is the reader's already, they leave."""
    change = change_named(session, ref, to_write=True)
    if change is None:
        return None
    whom = session.get_one(Subscriber, change.subscriber_id)
    theirs = whom.fingerprint == change.fingerprint
    return refuse(session, change) or (theirs and _withdraw(session, whom, event, now))


#: What follows, by what the letter said.
ACTS: dict[About, Callable[[Session, str, Event, datetime], bool | None]] = {
    About.CONFIRM: _leave,
    About.ALREADY: _leave,
    About.STAY: _leave,
    About.WELCOME: _leave,
    About.NEW_ADDRESS: _end,
    About.OLD_ADDRESS: _leave,  # "at no address": its words offer just that
}


def _withdraw(session: Session, who: Subscriber, event: Event, now: datetime) -> bool:
    known = any(one.wording == event.event_id for one in events(session, who.id or 0))
    if known or event.at < newest_yes(who):
        return False
    return unsubscribe(session, who, Evidence(SOURCE, wording=event.event_id), now)
