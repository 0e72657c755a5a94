"""Who sends in tests and benchmarks."""

from newsletter.mail.rendered import Sender

NONCE = "0123abcd"
SENDER = Sender(
    sender="Weekly Verdicts <verdicts@example.org>",
    reply_to="editor@example.org",
    list_id="weekly.example.org",
    list_name="Weekly Verdicts",
    unsubscribe_mailbox="leave@example.org",
    feedback_id="issue-1:weekly:newsletter:example",
)
