"""Look at an issue as a reader gets it: the same bytes, merged for one subscriber or for nobody in particular."""

from pathlib import Path

from newsletter.desk.desk import Desk
from newsletter.desk.writing import rendered
from newsletter.mail.message import Message, MessageBuilder, Recipient
from subscribers.subscriber import require


def write(desk: Desk, which: str, folder: Path, *, address: str | None = None) -> list[Path]:
    """Write issue.html, issue.txt and issue.eml into this folder; returns their paths.

    `address` names a subscriber; without it the copy is nobody's, and its links lead to the issue's page only.
    """
    message, raw = message_for(desk, which, address=address)
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"issue.html": message.html.encode(), "issue.txt": message.text.encode(), "issue.eml": raw}
    for name, content in parts.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in parts]


def message_for(desk: Desk, which: str, *, address: str | None = None) -> tuple[Message, bytes]:
    """One message of this issue, as values and as bytes. Raises UnknownSubscriber, IssueError."""
    with desk.transaction() as session:
        issue = desk.find(session, which)
        final = rendered(desk, session, issue)
        builder, base_url = MessageBuilder(final, date=desk.clock()), final.sender.base_url
        if address is None:
            page = f"{base_url}/issues/{issue.week}"
            links = dict.fromkeys(("view", "unsubscribe", "preferences"), page)
            recipient = Recipient("reader@example.org", f"preview-{issue.number}", links)
        else:
            recipient = desk.addressing(issue, base_url).recipient(require(session, address))
    return builder.message(recipient), builder.mime(recipient)
