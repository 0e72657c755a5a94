"""A small rendered issue, and recipients of it, for the tests of providers and delivery."""

from datetime import UTC, datetime

from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.mail.rendered import RenderedIssue, Sender
from newsletter.providers.base import OutgoingBatch

NOW = datetime(2026, 11, 12, 9, tzinfo=UTC)
NONCE = "0123abcd"


def token(name: str) -> str:
    """The stand-in for a merge field."""
    return f"vt{NONCE}-{name}-x"


def rendered_issue(subject: str = "Patchwork ships") -> RenderedIssue:
    """An issue of one line, with every link that a message must have."""
    links = (token("unsubscribe"), token("preferences"), token("view"))
    return RenderedIssue(
        subject=subject,
        preheader="Two tools, one verdict",
        html="<!DOCTYPE html><html><body>" + "".join(f'<a href="{link}">x</a>' for link in links) + token("address"),
        text="\n".join((*links, token("address"))),
        nonce=NONCE,
        fields=("unsubscribe", "preferences", "view", "address"),
        sender=Sender(
            sender="Weekly Verdicts <verdicts@example.org>",
            reply_to="editor@example.org",
            list_id="weekly.example.org",
            list_name="Weekly Verdicts",
            unsubscribe_mailbox="leave@example.org",
            feedback_id="issue-1:weekly:newsletter:example",
        ),
    )


def recipient(name: str) -> Recipient:
    """Somebody at example.org."""
    links = {field: f"https://news.example.org/{field}/{name}" for field in ("unsubscribe", "preferences", "view")}
    return Recipient(address=f"{name}@example.org", key=f"key-{name}", values=links)


def batch_of(*names: str, attempt: int = 1) -> OutgoingBatch:
    """One provider call for these people."""
    builder = MessageBuilder(rendered_issue(), date=NOW)
    return OutgoingBatch("issue:1:batch:1", attempt, builder, [recipient(name) for name in names])
