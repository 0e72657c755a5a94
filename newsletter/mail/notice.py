"""A notice to an editor or an operator as a mail: some paragraphs, without template or picture.

It leaves by the same provider as an issue, so it is a rendered issue of its own small kind. Its list has a name of its
own, so that mail programs sort notices apart, and its only merge field is the link that every mail of ours must have.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr

from newsletter.config import Publication
from newsletter.mail import headers
from newsletter.mail.merging import token
from newsletter.mail.rendered import RenderedIssue, Sender
from newsletter.mail.rendering import nonce_of

LONGEST_SUBJECT = 120  #: security reference, S-38
_WHY = "You are told because [telling] in config.toml names you: {link}"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """What is so, and what to do about it."""

    sentence: str
    todo: str


def notice_mail(subject: str, paragraphs: Sequence[Paragraph], publication: Publication) -> RenderedIssue:
    """The mail before its merge. Raises HeaderError for an unusable sender."""
    subject = headers.visible(headers.refuse_controls("subject", subject))
    nonce = nonce_of("\n".join((subject, *(f"{one.sentence}\n{one.todo}" for one in paragraphs))))
    why = _WHY.format(link=token(nonce, "unsubscribe"))
    body = "".join(f"<p>{html.escape(one.sentence)}<br>{html.escape(one.todo)}</p>\n" for one in paragraphs)
    body += f"<p><small>{html.escape(why)}</small></p>"
    return RenderedIssue(
        subject=subject if len(subject) <= LONGEST_SUBJECT else subject[: LONGEST_SUBJECT - 1] + "…",
        preheader="",
        html=f'<!doctype html>\n<html lang="en"><body>\n{body}\n</body></html>\n',
        text="".join(f"{one.sentence}\n{one.todo}\n\n" for one in paragraphs) + f"-- \n{why}\n",
        nonce=nonce,
        fields=("unsubscribe",),
        sender=_sender(publication),
    )


def _sender(publication: Publication) -> Sender:
    """As an issue's, with the list of the notices."""
    return Sender(
        sender=publication.sender,
        reply_to=publication.reply_to or publication.sender,
        list_id=f"notices.{publication.slug}.{publication.domain}",
        list_name=f"{publication.name}: notices",
        unsubscribe_mailbox=parseaddr(publication.unsubscribe_mailbox or publication.sender)[1],
        feedback_id=f"notices:{publication.slug}:notices:{publication.slug}",
        base_url=publication.base_url,
    )
