"""What the links of a reader name, and whom a link names.

A token names a set of links: the reader's ref, and from the first change of address on the number of the set behind
it, as `ref-1`. With every change of address, and with its undoing, a new set begins (readdressing.py): what stands in
the mails of the mailbox before opens nothing of theirs any more. Leaving alone is good for ever, by a link of any set:
no mail of ours may have a way out that has ended (RFC 8058).
The keys of deliveries and letters are no links, and name the ref itself.
"""

import re

from sqlalchemy import ColumnElement, String, case, cast, literal_column
from sqlmodel import Session, col

from subscribers.errors import FormerLink
from subscribers.subscriber import Subscriber, by_ref

_NAME = re.compile(r"([a-z0-9]+)(?:-([1-9][0-9]{0,8}))?", re.ASCII)
_NOUGHT: ColumnElement[int] = literal_column("0")  # bound, it and the hyphen would be copied for each row
#: `link_name` in the words of a database.
LINK_NAME: ColumnElement[str] = case(
    (col(Subscriber.link_set) == _NOUGHT, col(Subscriber.ref)),
    else_=col(Subscriber.ref).concat(literal_column("'-'")).concat(cast(col(Subscriber.link_set), String)),
)


def link_name(subscriber: Subscriber) -> str:
    """What the links of this reader name from now on, until their address is changed: "mfrggzdf…" or "mfrggzdf…-2"."""
    return f"{subscriber.ref}-{subscriber.link_set}" if subscriber.link_set else subscriber.ref


def by_link(session: Session, name: str) -> Subscriber | None:
    """The reader whom a link names; None once erased. Raises FormerLink where their address was changed since."""
    found = by_any_link(session, name)
    if found is not None and link_name(found) != name:
        raise FormerLink("The address was changed since this link was mailed.")
    return found


def by_any_link(session: Session, name: str) -> Subscriber | None:
    """The reader whom a link names, also one of a set that has ended: for leaving, and to be shown nothing of theirs.

    None once erased.
    """
    form = _NAME.fullmatch(name)
    return by_ref(session, form[1]) if form else None
