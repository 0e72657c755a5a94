"""Bounces and deliveries are fetched where no webhook can reach us, as an operator types it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commands import Done
from fake_events import FakeMailgun, FakeResend, FakeSendGrid, mailgun_event

Run = Callable[..., Done]
CONFIG = """
[publication]
from = "Weekly Verdicts <verdicts@example.org>"
base_url = "https://news.example.org"
postal_address = "1 Sample Street"

[provider]
name = "{name}"
address = "{address}"
key_file = "provider.key"
"""
NO_MAILBOX = {"severity": "permanent", "reason": "bounce", "delivery-status": {"message": "no such user"}}


def send_through(run: Run, folder: Path, name: str, url: str) -> None:
    """Issue 1, through this provider on this machine."""
    (folder / "config.toml").write_text(CONFIG.format(name=name, address=url.removesuffix("/send")))
    (folder / "provider.key").write_text("secret-key")
    run("issue", "draft")
    run("issue", "approve", "1")
    run("issue", "send", "1", "--yes")


@pytest.fixture
def mailgun(house: Run, tmp_path: Path) -> Iterator[FakeMailgun]:
    """An issue that Mailgun took for everybody on the sample list, and delivered to all but one."""
    fake = FakeMailgun(size=10)
    with fake.serving() as server:
        send_through(house, tmp_path, "mailgun", server.url)
        now = datetime.now(UTC).timestamp()
        first, *others = fake.taken.values()
        fake.happened = [mailgun_event(key, now) for key in others]
        fake.happened.append(mailgun_event(first, now, "failed", **NO_MAILBOX))
        yield fake


def test_what_became_of_the_mail_is_fetched(run: Run, mailgun: FakeMailgun) -> None:
    """Everything is new, then everything is known; the address that bounced is not mailed any more."""
    done = json.loads(run("events", "poll", "--json").stdout)
    again = json.loads(run("events", "poll", "--json").stdout)
    suppressed = json.loads(run("suppressions", "list", "--json").stdout)

    assert [(one["provider"], one["new"], one["known"], one["trouble"]) for one in done] == [("mailgun", 41, 0, "")]
    assert [(one["new"], one["known"]) for one in again] == [(0, 41)]
    assert [one["reason"] for one in suppressed if one["by"] == "provider:mailgun"] == ["hard-bounce"]
    assert "40 delivered, 1 hard-bounced" in run("issue", "status", "1").stdout


def test_an_operator_reads_what_was_taken_and_who_asks_next(run: Run, mailgun: FakeMailgun) -> None:
    """Per provider; `serve` asks without being told, because no webhook is set up."""
    mailgun.happened.append(mailgun_event("", datetime.now(UTC).timestamp(), "accepted"))
    said = run("events", "poll").stdout

    assert "mailgun" in said
    assert "41" in said
    assert "by 'serve'" in said
    assert "trouble" not in said


def test_a_poll_that_fails_says_so_and_goes_on_next_time(run: Run, mailgun: FakeMailgun) -> None:
    """In the middle: what was read is kept, and the rest comes later."""
    mailgun.between = lambda: mailgun.dials.append("500") if len(mailgun.asked) == 3 else None
    failed = run("events", "poll", code=1).stdout
    mailgun.between = lambda: None
    then = json.loads(run("events", "poll", "--json").stdout)

    assert "Mailgun answered 500 when it was asked for events. Nothing is lost" in failed
    assert then[0]["new"] == 21


def test_a_key_that_may_only_send_is_named(run: Run, mailgun: FakeMailgun) -> None:
    """With what would be needed."""
    mailgun.dials.append("401")

    assert "NEWSLETTER_MAILGUN_POLL_KEY" in run("events", "poll", code=1).stdout


def test_an_event_that_comes_late_is_not_missed(run: Run, mailgun: FakeMailgun) -> None:
    """Half an hour old when it appears, behind events that were read long ago."""
    run("events", "poll")
    key = next(iter(mailgun.taken.values()))
    late = datetime.now(UTC) - timedelta(minutes=30)
    mailgun.happened.append(mailgun_event(key, late.timestamp(), "complained"))

    assert json.loads(run("events", "poll", "--json").stdout)[0]["new"] == 1


def test_the_outbox_cannot_be_asked(house: Run) -> None:
    """That is no error."""
    assert "outbox cannot be asked for events" in house("events", "poll").stdout


def test_resend_is_asked_by_the_ids_of_its_answers(house: Run, tmp_path: Path) -> None:
    """Delivered to all, but for one who bounced for good: the two lists together say so."""
    fake = FakeResend(size=20)
    with fake.serving() as server:
        send_through(house, tmp_path, "resend", server.url)
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}+00"
        first = next(iter(fake.taken))
        fake.happened = [
            {"id": id_, "last_event": "bounced" if address == first else "delivered", "created_at": now}
            for address, id_ in fake.taken.items()
        ]
        fake.suppressions = [
            {"id": "s1", "email": first, "origin": "bounce", "source_id": fake.taken[first], "created_at": now}
        ]
        done = json.loads(house("events", "poll", "--json").stdout)

    assert [(one["new"], one["not_ours"], one["trouble"]) for one in done] == [(42, 0, "")]
    assert "40 delivered, 1 hard-bounced" in house("issue", "status", "1").stdout


def test_sendgrid_tells_of_addresses_and_of_nothing_else(house: Run, tmp_path: Path) -> None:
    """One is suppressed; a stranger is no error; nothing is said of any delivery."""
    fake = FakeSendGrid()
    with fake.serving() as server:
        send_through(house, tmp_path, "sendgrid", server.url)
        now = int(datetime.now(UTC).timestamp()) + 1
        first = next(iter(fake.taken))
        fake.happened = [
            {"list": "spam_reports", "email": address, "created": now} for address in (first, "stranger@example.net")
        ]
        done = json.loads(house("events", "poll", "--json").stdout)

    suppressed = json.loads(house("suppressions", "list", "--json").stdout)
    assert [(one["new"], one["not_ours"], one["trouble"]) for one in done] == [(1, 1, "")]
    assert [(one["address"], one["reason"]) for one in suppressed if one["by"]] == [(first, "complaint")]
    assert "complained" not in house("issue", "status", "1").stdout
