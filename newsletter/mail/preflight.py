"""What is looked at before a person approves an issue: errors block, warnings advise.

Pure Python on the rendered parts and the words they were made from; nothing is fetched. The list is that of the
rendering reference, section 6; a check is a small generator of findings, and this is the table of them.
"""

from collections.abc import Callable, Iterator

from newsletter.config import Publication
from newsletter.issues.composition import Composition
from newsletter.mail import preflight_markup as markup
from newsletter.mail import preflight_words as words
from newsletter.mail.proof import Proof
from newsletter.mail.rendered import Finding, Level, RenderedIssue

Check = Callable[[Proof], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    words.subject,
    words.preheader,
    words.headlines,
    words.tokens,
    words.ways_out,
    words.postal_address,
    words.own_pages,
    words.text_part,
    words.unfinished,
    words.placeholders,
    words.markup,
    words.items,
    words.facts,
    words.problems,
    markup.size,
    markup.frame,
    markup.headings,
    markup.images,
    markup.tables,
    markup.link_targets,
    markup.link_words,
    markup.contrast,
    markup.leaks,
    markup.head_styles,
)
WEIGHT = {Level.ERROR: 0, Level.WARNING: 1, Level.INFO: 2}


def check(rendered: RenderedIssue, composition: Composition, publication: Publication) -> tuple[Finding, ...]:
    """Everything there is to say about this issue, errors first; each finding once."""
    proof = Proof(rendered, composition, publication)
    found = dict.fromkeys(finding for one in CHECKS for finding in one(proof))
    return tuple(sorted(found, key=lambda finding: WEIGHT[finding.level]))
