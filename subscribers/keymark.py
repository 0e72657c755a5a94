"""Which secret key a database was made with: one row, a keyed hash that does not tell the key.

Fingerprints, and with them suppressions, and the keys of deliveries hang on the secret. Under another one a suppressed
address is a stranger and a delivery looks as if it had never been made, so a database is never opened with another.
"""

import hmac

from sqlalchemy import CheckConstraint
from sqlmodel import Field, Session, SQLModel

from subscribers.errors import WrongKey

ONLY = 1  #: the id of the one row


class KeyMark(SQLModel, table=True):
    """The mark of the key. One row, written once."""

    __tablename__ = "key_mark"
    __table_args__ = (CheckConstraint(f"id = {ONLY}", name="only_one_key_mark"),)

    id: int = Field(default=ONLY, primary_key=True)
    mark: str


def mark_of(secret: bytes) -> str:
    """What a database keeps of its key: 16 hexadecimal characters, of no use without it."""
    return hmac.digest(secret, b"key mark v1", "sha256").hex()[:16]


def is_marked(session: Session) -> bool:
    """Whether this database was ever used with a key."""
    return session.get(KeyMark, ONLY) is not None


def require_key(session: Session, secret: bytes) -> None:
    """See that this is the key of this database; the first key that a database is opened with is its key.

    Raises WrongKey for any other.
    """
    known = session.get(KeyMark, ONLY)
    if known is None:
        session.add(KeyMark(mark=mark_of(secret)))
        session.flush()
    elif known.mark != mark_of(secret):
        raise WrongKey(
            "The secret key is not the one that this database was made with: suppressions and deliveries would not be "
            "recognised. Put the old key back from its copy, in NEWSLETTER_SECRET_KEY or in the file that config.toml "
            "names. Nothing was changed."
        )
