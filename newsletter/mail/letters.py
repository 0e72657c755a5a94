"""Letters: mails of a few sentences to one person, made as an issue is and sent as one.

Nothing that somebody typed into a form is in them: only the publication's own words, and the links of whoever gets it
(security reference, S-49). Two merge fields do for all: `view` is what the letter is about, `unsubscribe` the way out.
"""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from newsletter.config import Publication
from newsletter.mail import headers, links, text_part, wording
from newsletter.mail.merging import token
from newsletter.mail.rendered import RenderedIssue
from newsletter.mail.rendering import nonce_of, sender_for
from subscribers.letters import About

SUBJECTS = {
    About.CONFIRM: "Please confirm: {}",
    About.ALREADY: "You are on the list: {}",
    About.WELCOME: "Welcome: {}",
    About.STAY: "Do you still want {}?",
    About.NEW_ADDRESS: "Please confirm your new address: {}",
    About.OLD_ADDRESS: "Your address was changed: {}",
}
FIELDS = {
    About.CONFIRM: ("view", "unsubscribe"),
    About.ALREADY: ("view", "unsubscribe"),
    About.WELCOME: ("unsubscribe",),
    About.STAY: ("view", "unsubscribe"),
    About.NEW_ADDRESS: ("view", "unsubscribe"),
    About.OLD_ADDRESS: ("view", "unsubscribe"),
}


def letter(about: About, publication: Publication, *, templates: Path, days: int = 0) -> RenderedIssue:
    """The letter before the merge; equal arguments make equal bytes. Raises HeaderError, MergeError.

    `days`: so long its link works, or its question waits for an answer; 0 for a letter that asks for nothing.
    """
    words, fields = wording.cleaned(publication), FIELDS[about]
    subject = headers.visible(headers.refuse_controls("subject", SUBJECTS[about].format(words.name)))
    nonce = nonce_of(words.model_dump_json())
    context = {
        "publication": words,
        "subject": subject,
        "days": days,
        **{name: token(nonce, name) for name in fields},
    }
    environment = _environment(templates / "email")
    return RenderedIssue(
        subject=subject,
        preheader="",
        html=environment.get_template(f"letter/{about}.html").render(context),
        text=text_part.tidy(environment.get_template(f"letter/{about}.txt").render(context)),
        nonce=nonce,
        fields=fields,
        sender=sender_for(publication, str(about), "letter"),
    )


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"wrap": text_part.wrap, "heading": text_part.heading, "safe_link": links.safe}
    return environment
