"""Checks of the words and facts: subject, preheader, what the law wants, text part, verdicts that agree with counts."""

import re
from collections.abc import Iterator

from newsletter.comparisons.comparison import Panel, Tool, Verdict
from newsletter.issues.composition import ItemKind
from newsletter.issues.wording import listed
from newsletter.mail import markdown
from newsletter.mail.merging import token
from newsletter.mail.proof import Proof
from newsletter.mail.rendered import Finding, Level

ERROR, WARNING = Level.ERROR, Level.WARNING
SUBJECT, PREHEADER = (20, 70), (40, 130)
LONGEST_SUBJECT = 120  #: security reference, S-38
LONGEST_HEADLINE = 100
NEEDED = ("unsubscribe", "preferences", "view")
UNFINISHED = re.compile(r"(?i:lorem ipsum)|\bTODO\b|\bTBD\b|\bFIXME\b|\bXXX\b")
#: What a link to vote fills in: the text part has one link for the comparison, to the page with all the buttons.
WISH = re.compile(r"&(?:ship|skip|save)=[a-z0-9-]+$")
TRIAL = re.compile(r"\b(?:test|asdf|foo|lorem ipsum|todo)\b", re.IGNORECASE)


def subject(proof: Proof) -> Iterator[Finding]:
    """A length that phones show, and no shouting."""
    text, (least, most) = proof.rendered.subject, SUBJECT
    if not text.strip() or len(text) > LONGEST_SUBJECT:
        yield Finding(ERROR, "subject", f"The subject has {_length(text)}; write 20 to 70.", "subject")
    elif not least <= len(text) <= most:
        yield Finding(WARNING, "subject", f"The subject has {_length(text)}; 20 to 70 are best.", "subject")
    if text.isupper():
        yield Finding(WARNING, "shouting", "The subject is all capitals; spam filters count that.", "subject")


def preheader(proof: Proof) -> Iterator[Finding]:
    """The line after the subject is used, and not cut."""
    text, (least, most) = proof.rendered.preheader, PREHEADER
    if not least <= len(text) <= most:
        yield Finding(WARNING, "preheader", f"The preheader has {_length(text)}; 40 to 130 are best.", "preheader")


def headlines(proof: Proof) -> Iterator[Finding]:
    """A headline is a line, not a paragraph."""
    for item in proof.composition.items:
        if (length := len(item.headline)) > LONGEST_HEADLINE:
            said = f"A headline has {length} characters; 80 and fewer are best."
            yield Finding(WARNING, "headline", said, item.key)


def tokens(proof: Proof) -> Iterator[Finding]:
    """The merge fields of both parts are the declared ones, whole."""
    if proof.merge_problem:
        yield Finding(ERROR, "merge-fields", proof.merge_problem)


def ways_out(proof: Proof) -> Iterator[Finding]:
    """A reader can leave, change and see the issue on the web, from either part."""
    for name in NEEDED:
        mark = token(proof.rendered.nonce, name)
        for part, body in (("HTML", f'href="{mark}"' in proof.rendered.html), ("text", mark in proof.rendered.text)):
            if not body:
                yield Finding(ERROR, "ways-out", f"The {part} part has no {name} link.", name)


def postal_address(proof: Proof) -> Iterator[Finding]:
    """CAN-SPAM and CASL want one in every mail."""
    address = " ".join(proof.publication.postal_address.split())
    level = WARNING if proof.local else ERROR
    if not address:
        yield Finding(level, "postal-address", "There is no postal address; set publication.postal_address.")
        return
    for part, text in (("HTML", proof.page.text_content()), ("text", proof.merged.text)):
        if address not in " ".join(text.split()):
            yield Finding(level, "postal-address", f"The {part} part does not show the postal address.")


def own_pages(proof: Proof) -> Iterator[Finding]:
    """The newsletter's own links work for a reader elsewhere."""
    if proof.local:
        yield Finding(WARNING, "local-base", "publication.base_url is this machine: fine for the outbox only.")
    elif not proof.publication.base_url.startswith("https://"):
        yield Finding(ERROR, "http-base", "publication.base_url is not https; one-click unsubscribe needs it.")


def text_part(proof: Proof) -> Iterator[Finding]:
    """Who reads the text part has the same links."""
    pages = {WISH.sub("", href) for href, _ in proof.hrefs if not href.startswith("mailto:")}
    missing = {href for href in pages if href not in proof.merged.text}
    for href in sorted(missing):
        yield Finding(WARNING, "text-parity", "A link of the HTML is not in the text part.", href)


def unfinished(proof: Proof) -> Iterator[Finding]:
    """Nothing that somebody wanted to replace."""
    issue = proof.composition
    for place, text in (("subject", issue.subject), ("preheader", issue.preheader)):
        if TRIAL.search(text):
            yield Finding(WARNING, "trial-words", f"The {place} has a word of a trial run in it.", place)
    for place, text in (("intro", issue.intro), ("summary", issue.summary)):
        if UNFINISHED.search(text):
            yield Finding(WARNING, "unfinished", f"The {place} looks unfinished.", place)


def placeholders(proof: Proof) -> Iterator[Finding]:
    """What an editor took for a merge field reaches the reader as it was typed."""
    issue = proof.composition
    for found in markdown.placeholders(issue.intro):
        said = f"{found} is no merge field and is printed as it stands; the only one in an introduction is {{name}}."
        yield Finding(WARNING, "placeholder", said, "intro")
    for place, text in (("subject", issue.subject), ("preheader", issue.preheader)):
        for found in dict.fromkeys(markdown.PLACEHOLDER.findall(text)):
            said = f"{found} is printed as it stands: the {place} is the same for every reader."
            yield Finding(WARNING, "placeholder", said, place)


def markup(proof: Proof) -> Iterator[Finding]:
    """Markdown that an introduction does not have."""
    if kinds := markdown.unsupported(proof.composition.intro):
        said = (
            f"The introduction has {listed(kinds)}, printed as typed; there are emphasis, links, lists, quotes, code."
        )
        yield Finding(WARNING, "markdown", said, "intro")


def items(proof: Proof) -> Iterator[Finding]:
    """There is a lead where there is news, and it is whole."""
    if not proof.composition.items:
        yield Finding(ERROR, "empty", "The issue has no items.")
    elif proof.composition.of_kind(ItemKind.BRIEF) and not proof.composition.of_kind(ItemKind.LEAD):
        yield Finding(WARNING, "no-lead", "The issue has no lead; promote one of its items.")
    for item in proof.composition.of_kind(ItemKind.LEAD):
        if item.comparison.truncated:
            yield Finding(
                WARNING,
                "truncated-lead",
                "The lead's page was cut: reviews may be missing. Lead with another.",
                item.key,
            )


def facts(proof: Proof) -> Iterator[Finding]:
    """Verdict, percentage and counts say the same, for every tool."""
    shown = proof.page.text_content()
    for item in proof.composition.items:
        for tool in item.comparison.tools:
            for sentence in _contradictions(tool):
                yield Finding(ERROR, "facts", f"{tool.name}: {sentence}", item.key)
            if " ".join(tool.name.split()) not in shown:
                yield Finding(ERROR, "tool-missing", f"{tool.name} does not appear in the page.", item.key)


def problems(proof: Proof) -> Iterator[Finding]:
    """What was odd about the pages that the items were read from."""
    for item in proof.composition.items:
        for problem in item.comparison.problems:
            yield Finding(Level.INFO, f"page-{problem.code}", problem.message, item.key)


def _length(text: str) -> str:
    return f"{len(text)} character{'' if len(text) == 1 else 's'}"


def _contradictions(tool: Tool) -> Iterator[str]:
    panel = tool.panel
    if not 0 <= panel.percent <= 100:  # noqa: PLR2004
        yield f"{panel.percent}% is not a percentage."
    elif panel.verdict is not Verdict.at(panel.percent):
        yield f"the verdict is {panel.verdict}, but {panel.percent}% say ship."
    if not _counts_agree(panel):
        yield f"{panel.split} is not {panel.percent}%."
    if any(review.score is not None and not 0 <= review.score <= 100 for review in tool.reviews):  # noqa: PLR2004
        yield "a score is not between 0 and 100."


def _counts_agree(panel: Panel) -> bool:
    if panel.ship is None or panel.skip is None or panel.ship + panel.skip == 0:
        return True
    return abs(100 * panel.ship / (panel.ship + panel.skip) - panel.percent) <= 1
