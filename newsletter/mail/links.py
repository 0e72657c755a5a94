"""Which addresses from outside become links.

One strict grammar decides (security reference, S-26): http or https, a host, no user, no blanks or control characters.
What does not fit is shown as text, or not at all; it is never mended into something else.
"""

import re

OUTSIDE = re.compile(
    r"https?://"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)"
    r"(?::[0-9]{1,5})?"
    r"(?:[/?#][A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*)?"
)
MAIL = re.compile(r"mailto:[A-Za-z0-9.!#$%&'*+/=?^_`{|}~@-]+")
LONGEST = 2000


def safe(url: str | None) -> str | None:
    """The address, if it may become a link in a mail; else None."""
    if url and len(url) <= LONGEST and OUTSIDE.fullmatch(url):
        return url
    return None


def host(url: str) -> str:
    """The host that a safe address leads to, without "www."."""
    found = OUTSIDE.fullmatch(url)
    return found["host"].lower().removeprefix("www.") if found else ""


def safe_in_markdown(url: str) -> bool:
    """Whether a link in the editor's intro is kept: as above, or mailto."""
    return safe(url) is not None or MAIL.fullmatch(url) is not None
