"""From a composed issue to the rendered one: Jinja, MJML, premailer for the HTML; a template of its own for the text.

Pure but for reading the templates: no clock, no chance, no network. The nonce of the tokens comes from the content, so
equal content gives equal bytes, and no text of an issue can hold a token of its own (DESIGN, invariants 4 and 9).
"""

import hashlib
import re
from email.utils import parseaddr
from functools import cache
from itertools import count
from pathlib import Path
from traceback import extract_tb
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2 import TemplateError as JinjaError
from markupsafe import Markup

from newsletter.config import Publication
from newsletter.errors import TemplateError
from newsletter.issues import readers_votes
from newsletter.issues.composition import Composition, ItemKind
from newsletter.mail import headers, inlining, links, markdown, mjml, text_part, wording
from newsletter.mail.merging import token
from newsletter.mail.rendered import RenderedIssue, Sender

BODY, TEXT, INLINE_CSS = "issue/body.mjml", "issue/body.txt", "parts/inline.css"
ALWAYS = ("view", "unsubscribe", "preferences", "vote", "address", "since")


def render(composition: Composition, publication: Publication, *, templates: Path) -> RenderedIssue:
    """The issue as it will be approved and sent, before the merge. `templates` is the folder above `email/`.

    Raises TemplateError, HeaderError (subject, sender), or MergeError where a template lacks a merge field.
    """
    # Also of the cleaned words: what cleaning removes from the middle of a word must not make a token of it.
    words = _content(composition) + _content(wording.cleaned(composition))
    nonce = nonce_of(words + publication.model_dump_json())
    fields = (*ALWAYS, "name") if markdown.uses_name(wording.cleaned_lines(composition.intro)) else ALWAYS
    context = _context(composition, publication, nonce)
    environment = _environment(templates / "email")
    subject = headers.visible(headers.refuse_controls("subject", composition.subject))
    return RenderedIssue(
        subject=" ".join(subject.split()),
        preheader=context["issue"].preheader,
        html=_html(environment, context),
        text=text_part.tidy(_filled(environment, TEXT, context)),
        nonce=nonce,
        fields=fields,
        sender=sender_of(composition, publication),
    )


def _content(composition: Composition) -> str:
    """Its words as JSON; a section that came later is not named where there is none, so that old issues stay alike."""
    return composition.model_dump_json(exclude={"readers"} if composition.readers is None else None)


def nonce_of(content: str) -> str:
    """128 bits, in hexadecimal, that this content determines and does not contain.

    So many that nobody can write a quote which holds the nonce that it leads to (with 32 bits: an hour's work).
    """
    digests = (hashlib.blake2b(f"{attempt}:{content}".encode(), digest_size=16).hexdigest() for attempt in count())
    return next(nonce for nonce in digests if nonce not in content)


def sender_of(composition: Composition, publication: Publication) -> Sender:
    """Who the issue is from, frozen with it."""
    return sender_for(publication, f"issue-{composition.number}", "newsletter")


def sender_for(publication: Publication, campaign: str, kind: str) -> Sender:
    """Who a mail is from; campaign and kind are the first and the third word of its Feedback-ID."""
    address = parseaddr(publication.sender)[1]
    archive = f"{publication.base_url}/issues"
    return Sender(
        sender=publication.sender,
        reply_to=publication.reply_to or publication.sender,
        list_id=f"{publication.slug}.{publication.domain}",
        list_name=publication.name,
        unsubscribe_mailbox=parseaddr(publication.unsubscribe_mailbox or "")[1] or address,
        feedback_id=f"{campaign}:{publication.slug}:{kind}:{_sender_id(publication.domain)}",
        archive=archive if archive.startswith("https://") else "",
        base_url=publication.base_url,
    )


def _sender_id(domain: str) -> str:
    """The stable right-most part of Feedback-ID: 5 to 15 characters."""
    label = re.sub("[^a-z0-9]", "", domain.rpartition(".")[0].lower())
    return (label if len(label) >= 5 else label + "letters")[:15]  # noqa: PLR2004


def _context(composition: Composition, publication: Publication, nonce: str) -> dict[str, Any]:
    intro = wording.cleaned_lines(composition.intro)
    issue = wording.cleaned(composition)
    return {
        "issue": issue,
        "publication": wording.cleaned(publication),
        "source": wording.source(publication.site_name, all(links.safe(item.url) for item in issue.items)),
        "lead": issue.of_kind(ItemKind.LEAD),
        "changes": issue.of_kind(ItemKind.CHANGE),
        "briefs": issue.of_kind(ItemKind.BRIEF),
        "intro_html": Markup(_styled(markdown.to_html(intro, token(nonce, "name")))),  # noqa: S704 (cleaned by nh3)
        "intro_text": markdown.to_text(intro, token(nonce, "name")),
        **{name: token(nonce, name) for name in ALWAYS},
    }


def _styled(intro: str) -> str:
    """The intro's links in the colours of the issue; the allow-list lets no class of the editor through."""
    return intro.replace("<a href", '<a class="link" href')


def _html(environment: Environment, context: dict[str, Any]) -> str:
    compiled = mjml.compile_mjml(_filled(environment, BODY, context), BODY)
    return inlining.squeeze(inlining.inline(compiled, _filled(environment, INLINE_CSS, context)))


def _filled(environment: Environment, name: str, context: dict[str, Any]) -> str:
    try:
        return environment.get_template(name).render(context)
    except JinjaError as error:
        raise TemplateError(_sentence(name, error)) from error


def _sentence(name: str, error: JinjaError) -> str:
    place = f"{getattr(error, 'name', None) or name}, line {getattr(error, 'lineno', None) or _line_of(error)}"
    return f"Template {place}: {error.message or error}. Mend the template; nothing was rendered."


def _line_of(error: JinjaError) -> int:
    """The line of the template in which a run-time error arose: Jinja puts its templates into the traceback."""
    frames = [frame for frame in extract_tb(error.__traceback__) if frame.filename.endswith((".mjml", ".txt", ".css"))]
    return frames[-1].lineno or 0 if frames else 0


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(disabled_extensions=("txt", "css"), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "wrap": text_part.wrap,
        "heading": text_part.heading,
        "safe_link": links.safe,
        "host": links.host,
        "in_words": wording.date_in_words,
        "initial": wording.initial,
        "tints": wording.tints,
        "pips": wording.pips,
        "quoted": wording.quoted,
        "in_quotes": wording.in_quotes,
        "counts": wording.counts,
        "label": wording.label,
        "community": readers_votes.community,
        "labelled": readers_votes.labelled,
        "votes_said": readers_votes.said,
    }
    return environment
