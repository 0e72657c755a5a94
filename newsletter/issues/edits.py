"""What the editor changed: kept beside the issue, so that drafting it again loses nothing.

Edits are a frozen value; every function here gives a new one, or raises IssueError and changes nothing.
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from newsletter.comparisons.comparison import Comparison, Value
from newsletter.errors import IssueError
from newsletter.issues.finding import find_key, unknown
from newsletter.issues.shortening import ELLIPSIS, plain

LONGEST_INTRO = 20_000  #: bytes of Markdown in UTF-8

LONGEST_LINE = 200  #: characters of a subject, preheader or headline; what is best is less, and the preflight says it

#: One line that may go into a header or a heading.
Words = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_LINE, pattern=r"^[^\x00-\x1f\x7f\u2028\u2029]*$")
]


class QuoteEdit(Value):
    """Another part of a review than the one that the rules choose. The words stay the reviewer's."""

    key: str  #: the comparison's
    slug: str  #: the tool's
    reviewer: str
    text: str


class Edits(Value):
    """All that an editor decided about one issue."""

    order: tuple[str, ...] = ()  #: keys, as they shall stand
    pins: tuple[str, ...] = ()  #: keys that go in, also against rest and caps
    drops: tuple[str, ...] = ()  #: keys that do not go in, whatever else is said
    lead: str | None = None
    subject: Words | None = None
    preheader: Words | None = None
    intro: str = ""  #: Markdown
    headlines: dict[str, Words] = Field(default_factory=dict)
    quotes: tuple[QuoteEdit, ...] = ()
    readers: bool = True  #: whether it says how readers voted on the issue before

    @model_validator(mode="after")
    def _intro_fits(self) -> Self:
        if len(self.intro.encode()) > LONGEST_INTRO:
            raise ValueError(f"the introduction is longer than {LONGEST_INTRO} bytes; shorten it")
        return self


def pin(edits: Edits, key: str, known: Collection[str]) -> Edits:
    """Put this comparison in, against rest and caps; a drop of it is taken back. `known`: the keys there are."""
    key = known_key(key, known)
    return _with(edits, pins=_added(edits.pins, key), drops=_without(edits.drops, key))


def drop(edits: Edits, key: str, known: Collection[str]) -> Edits:
    """Keep this comparison out of the issue; a pin, or its being the lead, is taken back."""
    key = known_key(key, known)
    lead = None if edits.lead == key else edits.lead
    return _with(edits, drops=_added(edits.drops, key), pins=_without(edits.pins, key), lead=lead)


def release(edits: Edits, key: str, known: Collection[str]) -> Edits:
    """Neither pin nor drop this comparison any longer: the rules decide."""
    key = known_key(key, known)
    return _with(edits, pins=_without(edits.pins, key), drops=_without(edits.drops, key))


def lead_with(edits: Edits, key: str | None, known: Collection[str]) -> Edits:
    """Make this comparison the lead, which pins it; None: the rules decide."""
    if key is None:
        return _with(edits, lead=None)
    return _with(pin(edits, key, known), lead=known_key(key, known))


def reorder(edits: Edits, keys: Collection[str], known: Collection[str]) -> Edits:
    """Let the items stand in this order; those not named follow in the order of the rules."""
    return _with(edits, order=tuple(dict.fromkeys(known_key(key, known) for key in keys)))


def with_subject(edits: Edits, subject: str) -> Edits:
    """The editor's subject line; empty: the rules write it."""
    return _with(edits, subject=_fitting("The subject", subject) or None)


def with_preheader(edits: Edits, preheader: str) -> Edits:
    """The editor's preheader; empty: the rules write it."""
    return _with(edits, preheader=_fitting("The preheader", preheader) or None)


def with_intro(edits: Edits, markdown: str) -> Edits:
    """The editor's words at the top, in Markdown, at most 20,000 bytes; empty: none."""
    intro = markdown.strip()
    if (size := len(intro.encode())) > LONGEST_INTRO:
        raise IssueError(f"The introduction has {size:,} bytes; at most {LONGEST_INTRO:,} fit. Nothing was changed.")
    return _with(edits, intro=intro)


def with_readers(edits: Edits, *, shown: bool) -> Edits:
    """Whether the issue says how readers voted on the one before."""
    return _with(edits, readers=shown)


def with_headline(edits: Edits, key: str, headline: str, known: Collection[str]) -> Edits:
    """The editor's headline for one item; empty: the rules write it."""
    key = known_key(key, known)
    others = {other: words for other, words in edits.headlines.items() if other != key}
    words = _fitting(f"The headline of {key}", headline)
    return _with(edits, headlines={**others, key: words} if words else others)


def with_quote(edits: Edits, comparison: Comparison, slug: str, reviewer: str, text: str) -> Edits:
    """Show this part of a review instead of the one that the rules choose; empty text: the rules choose again.

    Raises IssueError where the reviewer did not write these words of this tool: a quote is shortened, never reworded.
    """
    others = tuple(
        quote for quote in edits.quotes if (quote.key, quote.slug, quote.reviewer) != (comparison.key, slug, reviewer)
    )
    if not text.strip():
        return _with(edits, quotes=others)
    if not is_quoted(comparison, slug, reviewer, text):
        raise IssueError(
            f"{reviewer} did not write that of {slug} in {comparison.key}; a quote may be shortened, not reworded."
        )
    quote = QuoteEdit(key=comparison.key, slug=slug, reviewer=reviewer, text=plain(text))
    return _with(edits, quotes=(*others, quote))


def is_quoted(comparison: Comparison, slug: str, reviewer: str, text: str) -> bool:
    """Whether this is a part of what the reviewer wrote of the tool, a "…" at either end apart."""
    tool = next((tool for tool in comparison.tools if tool.slug == slug), None)
    review = tool.review_by(reviewer) if tool else None
    words = plain(text).strip(ELLIPSIS + " ")
    return bool(review and review.quote and words and words in plain(review.quote))


def known_key(key: str, known: Collection[str]) -> str:
    """The key, if there is such a comparison. Raises IssueError that names the nearest one.

    Where `known` maps keys to titles, it may also be what a person types for one: see `finding.find_key`.
    """
    if isinstance(known, Mapping):
        return find_key(key, known)
    if key in known:
        return key
    raise IssueError(unknown(key, known))


def _fitting(what: str, text: str) -> str:
    """The text in one line. Raises IssueError where that is too long."""
    line = plain(text)
    if len(line) > LONGEST_LINE:
        raise IssueError(f"{what} has {len(line):,} characters; at most {LONGEST_LINE} fit. Nothing was changed.")
    return line


def _with(edits: Edits, **changes: object) -> Edits:
    try:
        return Edits.model_validate({**edits.model_dump(), **changes})
    except ValidationError as error:
        detail = error.errors()[0]
        name = ".".join(str(part) for part in detail["loc"]) or "edits"
        raise IssueError(f"{name}: {_words(detail['type'], detail['msg'])}. Nothing was changed.") from None


def _words(kind: str, message: str) -> str:
    if kind == "string_pattern_mismatch":
        return "a line break or control character cannot stand there"
    return message.removeprefix("Value error, ")


def _added(keys: tuple[str, ...], key: str) -> tuple[str, ...]:
    return keys if key in keys else (*keys, key)


def _without(keys: tuple[str, ...], key: str) -> tuple[str, ...]:
    return tuple(other for other in keys if other != key)
