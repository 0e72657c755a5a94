"""From subscribers to the recipients of a call: each delivery's key and the values of the merge fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple, overload

from newsletter.mail.columns import Columns
from newsletter.mail.message import Recipient
from newsletter.mail.rendered import FIELDS
from subscribers.links import link_name
from subscribers.subscriber import Subscriber
from subscribers.tokens import Keys, Purpose, sign_each

#: Merge fields that are links of the reader's own: where they begin, and what their tokens are for.
LINKS = {
    "unsubscribe": ("/u/", Purpose.UNSUBSCRIBE),
    "preferences": ("/preferences/", Purpose.PREFERENCES),
    "vote": ("/vote/", Purpose.VOTE),
}


class Member(NamedTuple):
    """What a message needs to know of a subscriber."""

    ref: str  #: for the delivery's key
    address: str | None  #: nothing once erased
    name: str
    since: str  #: their newest yes, in UTC; begins with the day, "2026-11-12"
    link: str  #: what their links name (subscribers/links.py)


@dataclass(frozen=True, slots=True)
class Members(Sequence[Member]):
    """The members of a call in one order, column by column: as the database hands them out fastest."""

    refs: Sequence[str]
    addresses: Sequence[str | None]
    names: Sequence[str]
    since: Sequence[str]
    links: Sequence[str]

    @classmethod
    def of(cls, members: Sequence[Member]) -> "Members":
        """The same members, in the same order."""
        if isinstance(members, cls):
            return members
        return cls(*zip(*members, strict=True)) if members else cls((), (), (), (), ())

    def __len__(self) -> int:
        return len(self.refs)

    @overload
    def __getitem__(self, at: int) -> Member: ...
    @overload
    def __getitem__(self, at: slice) -> "Members": ...
    def __getitem__(self, at: int | slice) -> "Member | Members":
        if isinstance(at, slice):
            return Members(self.refs[at], self.addresses[at], self.names[at], self.since[at], self.links[at])
        return Member(self.refs[at], self.addresses[at], self.names[at], self.since[at], self.links[at])


def member(subscriber: Subscriber) -> Member:
    """One subscriber as a claim reads them."""
    since = (subscriber.confirmed_at or subscriber.signed_up_at).date().isoformat()
    return Member(subscriber.ref, subscriber.address, subscriber.name, since, link_name(subscriber))


def page_of(base_url: str, week: str, part: str = "") -> str:
    """Where an issue, or a part of it, can be read by everybody."""
    return f"{base_url}/issues/{week}" + (f"/{part}" if part else "")


@dataclass(frozen=True, slots=True)
class Addressing:
    """Everything that a recipient's links are made of. The base URL is the one of the issue, never of a request."""

    keys: Keys
    base_url: str
    issue_id: int
    week: str

    def recipient(self, subscriber: Subscriber, part: str = "") -> Recipient:
        """The recipient for this subscriber: equal at every call, and holding nobody else's token."""
        return self.columns([member(subscriber)], part=part)[0]

    def columns(self, members: Sequence[Member], fields: Sequence[str] = tuple(FIELDS), part: str = "") -> Columns:
        """The recipients of one call, in this order, with the values of these merge fields; `part`: what they get."""
        if not members:
            return Columns([], [], {})
        people = Members.of(members)
        refs, addresses = people.refs, [address or "" for address in people.addresses]
        wanted = {name: link for name, link in LINKS.items() if name in fields}
        links = sign_each(self.keys, {f"{self.base_url}{path}": why for path, why in wanted.values()}, people.links)
        values = {
            "view": [page_of(self.base_url, self.week, part)] * len(refs),
            **dict(zip(wanted, links, strict=True)),
            "address": addresses,
            "since": [_in_words(moment[:10]) for moment in people.since] if "since" in fields else [""] * len(refs),
            "name": people.names,
        }
        return Columns(self._keys(refs), addresses, {name: values[name] for name in fields})

    def key(self, ref: str) -> str:
        """The delivery's opaque id, stable and from ids only, as "12-mfrggzdf…".

        A ref is 120 random bits, so nobody outside can compute another's; it says nothing and opens nothing;
        but whoever has the mail can leave with it, by mail, as with its link (providers/bounce_mail.py). No hash:
        an event that names it must lead back to the subscriber.
        """
        return f"{self.issue_id}-{ref}"

    def _keys(self, refs: Sequence[str]) -> list[str]:
        """`key` of each, all at once: no ref has a line end in it, nor could it be in a link."""
        start = self.key("")
        return (start + f"\n{start}".join(refs)).split("\n")


@lru_cache(maxsize=4096)
def _in_words(day: str) -> str:
    """Like "3 February 2026": there are fewer days than subscribers."""
    return f"{int(day[8:10])} {date.fromisoformat(day):%B %Y}"
