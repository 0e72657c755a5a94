"""Column types that the tables of this room share. Times need none: SQLModel keeps an aware `datetime` as UTC."""

from enum import StrEnum

from sqlalchemy import Enum


def word(kind: type[StrEnum]) -> Enum:
    """A column type for one of our words, kept as plain text: the same on every database, and readable in a shell."""
    return Enum(kind, native_enum=False, length=30, values_callable=lambda words: [str(item) for item in words])
