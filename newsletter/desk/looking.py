"""Look at an issue as a reader gets it: the same bytes, merged for one subscriber or for nobody in particular."""

from pathlib import Path

from sqlmodel import Session

from newsletter.delivery.addressing import page_of
from newsletter.desk.desk import Desk
from newsletter.desk.editions import copies
from newsletter.desk.watching import is_keen
from newsletter.errors import IssueError
from newsletter.issues.issue import Issue
from newsletter.mail.message import Message, MessageBuilder, Recipient
from newsletter.mail.public import previewed
from newsletter.mail.rendered import RenderedIssue
from subscribers.choice import EVERYTHING, Choice
from subscribers.preferences import choice_of
from subscribers.subscriber import Subscriber, require


def write(
    desk: Desk, which: str, folder: Path, *, address: str | None = None, choice: Choice = EVERYTHING
) -> list[Path]:
    """Write issue.html, issue.txt and issue.eml into this folder; returns their paths.

    `address` names a subscriber, who gets what they chose; without it the copy is nobody's, of what is for this
    `choice`, and its links lead to the issue's page only.
    """
    message, raw = message_for(desk, which, address=address, choice=choice)
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"issue.html": message.html.encode(), "issue.txt": message.text.encode(), "issue.eml": raw}
    for name, content in parts.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in parts]


def message_for(
    desk: Desk, which: str, *, address: str | None = None, choice: Choice = EVERYTHING
) -> tuple[Message, bytes]:
    """One message of this issue, as values and as bytes.

    Raises UnknownSubscriber; IssueError where it has nothing for them, or where it knows no such topic.
    """
    with desk.reading() as session:
        issue = desk.find(session, which)
        person = require(session, address) if address is not None else None
        part, final = chosen(desk, session, issue, choice, person)
        builder, base_url = MessageBuilder(final, date=desk.clock()), final.sender.base_url
        if person is None:
            links = previewed(base_url, page_of(base_url, issue.week, part), issue.date)
            recipient = Recipient("reader@example.org", f"preview-{issue.number}", links)
        else:
            recipient = desk.addressing(issue, base_url).recipient(person, part)
    return builder.message(recipient), builder.mime(recipient)


def chosen(
    desk: Desk, session: Session, issue: Issue, choice: Choice, person: Subscriber | None = None
) -> tuple[str, RenderedIssue]:
    """The name of what this choice gets of an issue, or what this person gets who chose for themselves; and that.

    Raises IssueError where it has nothing for them. A reader's topic that is gone says nothing; one that somebody types
    now is a slip, and would show the whole: for that too.
    """
    found = copies(desk, session, issue)
    listed = found.manifest
    if unknown := [slug for slug in choice.topics if slug not in listed.topics]:
        known = f"it has {', '.join(listed.topics)}" if listed.topics else "it has none"
        raise IssueError(f"The issue knows no topic '{unknown[0]}': {known}. Nothing was made.")
    wanted, more = (choice_of(person), is_keen(session, issue, person)) if person else (choice, False)
    part = listed.part_for(wanted, changes_too=more)
    if part is None:
        raise IssueError(f"Nothing of {issue.name} is for readers who chose {wanted.words}: they get no mail.")
    return part, found.rendered(part)
