"""Mail goes out over SMTP and comes back: what an operator does about it, and sees."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bounce_samples import plain, report
from commands import Done
from imap_server import imap_server
from smtp_server import MailServer, mail_server

Run = Callable[..., Done]
CONFIG = """
[publication]
from = "Weekly Verdicts <verdicts@example.org>"
base_url = "https://news.example.org"
postal_address = "1 Sample Street"

[provider]
name = "smtp"

[provider.options]
host = "127.0.0.1"
port = {port}
security = "none"
bounce = "bounces@news.example.org"

[bounces]
{bounces}
"""


@dataclass
class Sent:
    """An issue that a mail server took for the sample list, and a Maildir for what comes back."""

    server: MailServer
    maildir: Path

    def came_back(self, letter: int, **report_rest: str) -> bytes:
        """A report on this letter, to its return path, put into the mailbox."""
        to = self.server.letters[letter].sender
        content = report(to=to, message_id=f"<{letter}@mx>", **report_rest)
        (self.maildir / "new" / f"{letter}.mx").write_bytes(content)
        return content


@pytest.fixture
def sent(house: Run, tmp_path: Path) -> Iterator[Sent]:
    """Send the sample issue over a real mail server."""
    maildir = tmp_path / "bounces"
    for part in ("new", "cur", "tmp"):
        (maildir / part).mkdir(parents=True)
    with mail_server() as server:
        (tmp_path / "config.toml").write_text(CONFIG.format(port=server.port, bounces='maildir = "bounces"'))
        house("issue", "draft")
        house("issue", "approve", "1")
        house("issue", "send", "1", "--yes")
        yield Sent(server, maildir)


def test_a_mailbox_of_bounces_is_read(run: Run, sent: Sent) -> None:
    """One is gone, one is full, one mail is nothing; the second time there is nothing left."""
    sent.came_back(0)
    sent.came_back(1, status="5.2.2", diagnostic="smtp; 552 5.2.2 over quota")
    (sent.maildir / "new" / "9.x").write_bytes(plain(to="bounces@news.example.org", body="Buy gold"))

    first, second = run("bounces", "read").stdout, run("bounces", "read").stdout
    suppressed = json.loads(run("suppressions", "list", "--json").stdout)
    gone = sent.server.letters[0].to[0]

    assert "3 read: 2 new, 0 known before: 1 hard-bounced, 1 soft-bounced." in first
    assert "1 not understood: a person should look." in first
    assert "No mail waits there." in second
    assert [(one["address"], one["reason"]) for one in suppressed if one["by"] == "provider:smtp"] == [
        (gone, "hard-bounce")
    ]
    assert "1 hard-bounced" in run("issue", "status", "1").stdout
    assert "User unknown" in run("subscribers", "explain", gone).stdout


def test_a_mail_server_hands_a_bounce_over(run: Run, sent: Sent) -> None:
    """On standard input, of any size; handed over again it is known."""
    content = sent.came_back(0) + b"x" * 3_000_000

    first = json.loads(run("bounces", "take", "--json", typed=content).stdout)
    again = run("bounces", "take", typed=content).stdout

    assert (first["new"], first["kinds"]) == (1, {"hard-bounced": 1})
    assert "1 read: 0 new, 1 known before: 1 hard-bounced." in again


def test_the_envelope_may_be_told(run: Run, sent: Sent) -> None:
    """Where the mail itself does not say whom it is for."""
    content = report(to="undisclosed-recipients:;")
    sender = sent.server.letters[0].sender

    assert json.loads(run("bounces", "take", "--recipient", sender, "--json", typed=content).stdout)["new"] == 1


def test_a_made_up_key_is_nobodys(run: Run, sent: Sent) -> None:
    """Said, and no more."""
    made_up = report(to=f"bounces+1-{'a' * 24}@news.example.org")

    assert "1 of no delivery of this newsletter" in run("bounces", "take", typed=made_up).stdout


def test_a_test_copy_shows_that_the_way_is_right(run: Run, sent: Sent) -> None:
    """It belongs to no delivery; its bounce is known as one of ours all the same (docs/bounces.md)."""
    run("issue", "test", "1", "--to", "nobody@example.org")
    content = report(to=sent.server.letters[-1].sender)

    assert "1 of no delivery of this newsletter" in run("bounces", "take", typed=content).stdout


def test_a_mailbox_over_imap_needs_a_password_and_a_good_certificate(run: Run, sent: Sent, tmp_path: Path) -> None:
    """Neither is had here: what to do is said, and nothing is lost."""
    with imap_server({1: b"x"}) as server:
        bounces = f'imap_host = "localhost"\nimap_port = {server.port}\nimap_user = "bounces"\n'
        (tmp_path / "config.toml").write_text(CONFIG.format(port=1, bounces=bounces))
        without = run("bounces", "read", code=1)
        (tmp_path / "config.toml").write_text(CONFIG.format(port=1, bounces=bounces + 'key_file = "key"\n'))
        (tmp_path / "key").write_text("secret\n")
        untrusted = run("bounces", "read", code=1)

    assert "Set NEWSLETTER_BOUNCES_KEY" in without.stderr
    assert "certificate of localhost is not good" in untrusted.stderr
    assert server.logins == []


def test_without_a_mailbox_it_is_said_what_to_set(house: Run) -> None:
    """With the page to read."""
    assert "docs/bounces.md" in house("bounces", "read", code=1).stderr


def test_where_nothing_can_be_stored_the_mail_server_keeps_the_mail(run: Run, sent: Sent, tmp_path: Path) -> None:
    """Exit code 75: it comes again later."""
    (tmp_path / "data" / "newsletter.db").write_bytes(b"no database at all")

    run("bounces", "take", code=75, typed=b"x")
