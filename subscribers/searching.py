"""To look for a text anywhere in addresses and names, among a million people too.

Each of two looks reads an index from its beginning and stops when it has enough; in the order of ids, or with both in
one statement, the whole table would be read, half a second with a million people. Where nobody has the text, each look
goes through all of its index, so they go side by side, on two processors where there are two (docs/decisions/0010).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from sqlmodel import Session, col, select

from subscribers.subscriber import Subscriber

HEAD_START = 0.003  #: seconds: a search that many addresses answer is over by then, and no name is looked at


def search(session: Session, text: str, beside: Session, limit: int = 50) -> Sequence[Subscriber]:
    """Whose address contains this text, in the order of addresses; then whose name does, in the order of names.

    `beside`: another session on the same list, which looks at the names meanwhile.
    """
    enough = Event()
    with ThreadPoolExecutor(1) as other:
        names = other.submit(lambda: [] if enough.wait(HEAD_START) else _in_names(beside, text, limit))
        found = _in_addresses(session, text, limit)
        if len(found) == limit:
            enough.set()
        found += names.result()
    found = list(dict.fromkeys(found))[:limit]
    people = {person.id: person for person in session.exec(select(Subscriber).where(col(Subscriber.id).in_(found)))}
    return [people[who] for who in found]


def _in_addresses(session: Session, text: str, limit: int) -> list[int | None]:
    key = col(Subscriber.address_key)
    has = key.contains(text.casefold(), autoescape=True)
    return [*session.exec(select(col(Subscriber.id)).where(has).order_by(key).limit(limit))]


def _in_names(session: Session, text: str, limit: int) -> list[int | None]:
    """As many again as are wanted: some of them may be among those whose address has it."""
    name, ids = col(Subscriber.name), col(Subscriber.id)
    plain_like = session.get_bind().dialect.name == "sqlite"  # knows no case; with lower() it is three times as slow
    has = name.contains(text, autoescape=True) if plain_like else name.icontains(text, autoescape=True)
    return [*session.exec(select(ids).where(has).order_by(name, ids).limit(2 * limit))]
