"""The copy of an issue for everybody: the approved bytes without the lines that are one reader's own.

A paragraph with an address, a date of sign-up or somebody's link in it is left out, whole; in the text that is all
below the signature mark. The link to this copy is left out of it, and its words do not promise a ballot, which only
readers have. What is left holds no merge field, and so no token of anybody (DESIGN, invariant 13).
"""

import re
from datetime import date

from newsletter.errors import MergeError
from newsletter.mail.merging import Merged, Segments, token
from newsletter.mail.rendered import FIELDS, RenderedIssue
from newsletter.mail.wording import date_in_words

PERSONAL = ("unsubscribe", "preferences", "address", "since")
SIGNATURE = "\n-- \n"  #: RFC 3676, section 4.3
#: What is true in the mail alone, and what stands for it: here links to vote show the counts.
READERS_WORDS = {
    " You can still vote: a name leads to its ballot.": " A name leads to its votes.",
    " You can still vote.": "",
}


def nobodys_links(base_url: str, page: str) -> dict[str, str]:
    """The merge fields' links for a copy that is nobody's: to its page on the web, and to the counts of votes."""
    return {"view": page, "unsubscribe": page, "preferences": page, "vote": f"{base_url}/vote"}


def previewed(base_url: str, page: str, day: date) -> dict[str, str]:
    """The values of the same fields for a preview or a test copy, as if somebody had signed up on this day."""
    return {**nobodys_links(base_url, page), "since": date_in_words(day)}


def public_copy(rendered: RenderedIssue, page: str) -> Merged:
    """Both bodies for the archive; `page` is the address of this copy, like "https://news.example.org/issues/2026-W47".

    Links to vote lead to the page for everybody. Raises MergeError where a token would stay.
    """
    base_url = page.partition("/issues/")[0]
    values = {name: field.fallback for name, field in FIELDS.items()} | nobodys_links(base_url, page)
    own = token(rendered.nonce, "view")
    html = _without_personal(rendered.html, rendered.nonce)
    html = re.sub(
        rf'(?:(?:\s|&nbsp;)*·(?:\s|&nbsp;)*)?<a\b[^>]*href="{re.escape(own)}"[^>]*>View in browser</a>', "", html
    )
    text = rendered.text.partition(SIGNATURE)[0].rstrip() + "\n"
    text = text.replace(f"View in browser:\n{own}\n", "")
    copies = [Segments.of(_for_everybody(body), rendered.nonce) for body in (html, text)]
    if left := {name for copy in copies for name in copy.names} & set(PERSONAL):
        raise MergeError(f"The public copy would hold a reader's {', '.join(sorted(left))}: they stand outside a <p>.")
    return Merged(*(copy.filled(values) for copy in copies))


def _for_everybody(body: str) -> str:
    for said, instead in READERS_WORDS.items():
        body = body.replace(said, instead)
    return body


def _without_personal(html: str, nonce: str) -> str:
    """The page without each paragraph that has a personal merge field in it."""
    tokens = [token(nonce, name) for name in PERSONAL]

    def kept(paragraph: re.Match[str]) -> str:
        return "" if any(one in paragraph[0] for one in tokens) else paragraph[0]

    return re.sub(r"<p\b[^>]*>(?:[^<]|<(?!/p>))*</p>\s*", kept, html)
