"""What a person is called, as it is kept. Without a database, as whoever only reads a file needs it (ahead.py)."""

import unicodedata

LONGEST_NAME = 80


def clean_name(text: str) -> str:
    """A name on one line: NFC, no control or direction-changing characters, single blanks, at most 80 characters."""
    if text.isprintable() and "  " not in text and unicodedata.is_normalized("NFC", text):
        return text.strip()[:LONGEST_NAME].strip()
    kept = (c if c.isprintable() or c in "\u200d\u200c" else " " for c in unicodedata.normalize("NFC", text))
    return " ".join("".join(kept).split())[:LONGEST_NAME].strip()
