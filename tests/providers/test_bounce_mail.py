"""What a mail that came back says: of whom, what, and when; and that no mail is any trouble."""

from datetime import UTC, datetime, timedelta

import pytest
from bounce_samples import BOUNCE, KEY, complaint, plain, report, second_recipient, verp
from hypothesis import given
from hypothesis import strategies as st

from newsletter.providers.bounce_mail import MOST_PARTS, MOST_READ, Reading, Sort, read
from newsletter.providers.bounce_status import kind_of, kind_of_prose
from newsletter.providers.hooks import Kind

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
STRANGE = Reading(Sort.STRANGE)


def reading(content: bytes, recipient: str = "") -> Reading:
    """What is read of it now."""
    return read(content, BOUNCE, NOW, recipient)


def said(content: bytes) -> tuple[Kind, str]:
    """The kind and the key of its event."""
    event = reading(content).event
    assert event is not None
    return event.kind, event.key


@pytest.mark.parametrize(
    ("status", "action", "kind"),
    [
        ("5.1.1", "failed", Kind.HARD_BOUNCED),
        ("5.1.2", "failed", Kind.HARD_BOUNCED),
        ("5.1.10", "failed", Kind.HARD_BOUNCED),
        ("5.2.1", "failed", Kind.HARD_BOUNCED),
        ("5.1.1 (bad destination mailbox address)", "failed", Kind.HARD_BOUNCED),
        ("5.1.8", "failed", Kind.BLOCKED),
        ("5.2.2", "failed", Kind.SOFT_BOUNCED),
        ("5.2.3", "failed", Kind.BLOCKED),
        ("5.4.1", "failed", Kind.SOFT_BOUNCED),
        ("5.6.0", "failed", Kind.BLOCKED),
        ("5.7.1", "failed", Kind.BLOCKED),
        ("5.7.515", "failed", Kind.BLOCKED),
        ("4.4.1", "failed", Kind.SOFT_BOUNCED),
        ("4.1.1", "failed", Kind.SOFT_BOUNCED),
        ("4.7.28", "failed", Kind.BLOCKED),
        ("4.2.2", "delayed", Kind.DEFERRED),
        ("5.1.1", "delayed", Kind.DEFERRED),
        ("2.0.0", "delivered", Kind.DELIVERED),
        ("2.0.0", "relayed", Kind.ACCEPTED),
        ("", "failed", Kind.SOFT_BOUNCED),
        ("5.1.1", "", Kind.UNKNOWN),
        ("5.1.1", "exploded", Kind.UNKNOWN),
    ],
)
def test_a_report_says_what_became_of_one_delivery(status: str, action: str, kind: Kind) -> None:
    """By its action, and for a failure by its status; the key is that of the address that it came to."""
    assert said(report(status, action, diagnostic="smtp; no")) == (kind, KEY)


def test_an_event_holds_what_the_other_server_said() -> None:
    """Word, reason, and its time; the id is the same when the mail is read again."""
    event, again = (reading(report()).event for _ in range(2))

    assert event is not None
    assert (event.word, event.at) == ("failed 5.1.1", NOW - timedelta(hours=1))
    assert event.reason.startswith("smtp; 550 5.1.1")
    assert event == again
    assert reading(report(message_id="<other@mx.example.net>")).event != event


@pytest.mark.parametrize(
    ("diagnostic", "kind"),
    [
        ("smtp; 550-5.1.1 The email account that you tried to reach does not exist", Kind.HARD_BOUNCED),
        ("smtp; 554 delivery error: 2.0.0 from 192.0.2.1, then 5.2.2 over quota", Kind.SOFT_BOUNCED),
        ("smtp; 550 10.5.1.1 is blocked", Kind.SOFT_BOUNCED),
        ("smtp; 550 no such user", Kind.SOFT_BOUNCED),
    ],
)
def test_where_the_status_says_nothing_the_other_servers_words_may(diagnostic: str, kind: Kind) -> None:
    """5.0.0 is "failed" and no more. An IP address is no code."""
    assert said(report("5.0.0", diagnostic=diagnostic))[0] is kind


@pytest.mark.parametrize(
    ("second", "kind"),
    [("2.0.0 delivered", Kind.DELIVERED), ("5.2.2 failed", Kind.SOFT_BOUNCED), ("5.1.1 failed", Kind.HARD_BOUNCED)],
)
def test_of_several_recipients_the_mildest_is_said(second: str, kind: Kind) -> None:
    """The reader's address stands for a few people: that one of them is gone is no reason to suppress it."""
    status, _, action = second.partition(" ")

    assert said(report(more=second_recipient(status, action)))[0] is kind


@pytest.mark.parametrize("header", ["X-Original-To", "Envelope-to", "delivered-to"])
def test_the_address_that_it_came_for_is_where_servers_write_it(header: str) -> None:
    """Postfix, Exim, Dovecot; in capitals as well."""
    mail = f"{header}: {verp().upper()}\n".encode() + report(to="undisclosed-recipients:;")

    assert said(mail)[1] == KEY


def test_the_envelopes_recipient_counts_first() -> None:
    """Who hands a mail over may know better than the mail."""
    event = reading(report(to="somebody@example.org"), recipient=verp()).event

    assert event is not None
    assert event.key == KEY


@pytest.mark.parametrize("returned", [f"Return-Path: <{verp()}>\n", f"Message-ID: <{KEY}@example.org>\n"])
def test_the_key_may_stand_in_what_is_returned_of_our_mail(returned: str) -> None:
    """Where a mail server has lost what stands behind the plus."""
    assert said(report(to=BOUNCE, returned=returned)) == (Kind.HARD_BOUNCED, KEY)


@pytest.mark.parametrize(
    "to",
    [
        BOUNCE,
        "bounces+@news.example.org",
        f"bounces+{KEY}@evil.example",
        f"bounces+{KEY}@news.example.org.evil.example",
        f"notbounces+{KEY}@news.example.org",
        f"bounces+{'x' * 65}@news.example.org",
        "bounces+.@news.example.org",
    ],
)
def test_an_address_that_is_none_of_ours_names_nobody(to: str) -> None:
    """Then it is for a person to look at."""
    assert reading(report(to=to)) == STRANGE


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("abuse", Kind.COMPLAINED),
        ("Fraud", Kind.COMPLAINED),
        ("opt-out", Kind.UNSUBSCRIBED),
        ("not-spam", Kind.UNKNOWN),
        ("virus", Kind.UNKNOWN),
        ("auth-failure", Kind.UNKNOWN),
    ],
)
def test_a_complaint_is_known_by_its_format(word: str, kind: Kind) -> None:
    """RFC 5965; a report that something is no spam is no complaint."""
    assert said(complaint(word)) == (kind, KEY)
    assert reading(complaint(word)).sort is Sort.COMPLAINT


def test_a_complaint_from_which_addresses_were_taken_out_has_our_message_id() -> None:
    """Mailbox providers do that."""
    assert said(complaint(mail_from="redacted", returned=f"Message-ID: <{KEY}@example.org>")) == (Kind.COMPLAINED, KEY)


@pytest.mark.parametrize(
    "subject",
    [
        f"unsubscribe {KEY}",
        f"Unsubscribe  {KEY.upper()}",
        f"unsubscribe%20{KEY}",
        f"unsubscribe+{KEY}",
        f"=?utf-8?q?unsubscribe_{KEY}?=",
    ],
)
def test_the_mail_of_whoever_leaves_is_known_by_its_subject(subject: str) -> None:
    """The mailto form of List-Unsubscribe, to whatever address, and however a mail program writes the blank."""
    mail = plain(f"Subject: {subject}", to="verdicts@news.example.org")

    assert (said(mail), reading(mail).sort) == ((Kind.UNSUBSCRIBED, KEY), Sort.LEAVING)


@pytest.mark.parametrize(
    "subject",
    [
        f"Re: unsubscribe {KEY}",
        f"unsubscribe {KEY} please",
        "unsubscribe",
        "unsubscribe 12-abc",
        "=?utf-8?b?x?=",
        f"unsubscribe a-b-c-d-{KEY}",
        f"unsubscribe {'a-' * 100_000}{KEY}",
        f"unsubscribe{' ' * 200_000}{KEY}x",
        f"=?utf-8?q?{'=00' * 100_000}?=",
    ],
    ids=range(9),
)
def test_any_other_subject_is_for_a_person(subject: str) -> None:
    """An answer to such a mail, or one without a key of ours, of any size."""
    assert reading(plain(f"Subject: {subject}", to="verdicts@news.example.org")) == STRANGE


@pytest.mark.parametrize("about", ["welcome-", "new-address-"])
def test_the_mail_of_whoever_leaves_by_a_letter_names_what_it_was_about(about: str) -> None:
    """That is part of its key."""
    assert said(plain(f"Subject: Unsubscribe {about}{KEY}".upper())) == (Kind.UNSUBSCRIBED, about + KEY)


@pytest.mark.parametrize(
    ("lines", "hours"),
    [
        (["from a by b; Sun, 22 Nov 2026 03:00:00 +0000 (UTC)", "from c by a; Mon, 1 Jan 2001 00:00:00 +0000"], 3),
        (["from a by b; Sun, 22 Nov 2026 07:30:00 +0000"], 0),
        (["from a by b; yesterday"], 0),
        (["from a by b"], 0),
        ([], 0),
    ],
    ids=["two servers", "ahead of us", "no date", "none at all", "no server"],
)
def test_whoever_leaves_does_so_when_the_mail_arrives(lines: list[str], hours: int) -> None:
    """By our own server's line, the first, else now; their own clock may stand at the day when the battery died."""
    came = [f"Received: {line}" for line in lines]
    mail = plain(*came, f"Subject: unsubscribe {KEY}").replace(b"Sun, 22 Nov 2026 05:00", b"Tue, 1 Jan 2002 05:00")
    event = reading(mail).event

    assert event is not None
    assert NOW - event.at == timedelta(hours=hours)


@pytest.mark.parametrize(
    "header",
    ["Auto-Submitted: auto-replied", "X-Autoreply: yes", "X-Autorespond: away", "Precedence: auto_reply"],
)
def test_an_automatic_answer_is_no_bounce(header: str) -> None:
    """Even where it has no sender, and speaks of codes."""
    mail = plain("Return-Path: <>", header, body="I am away. Error 550 5.1.1 if urgent.")

    assert said(mail) == (Kind.REPLIED, KEY)


def test_a_receipt_that_it_was_read_is_no_bounce() -> None:
    """RFC 8098: a report, of another type."""
    mail = report().replace(b"message/delivery-status", b"message/disposition-notification")

    assert said(mail) == (Kind.REPLIED, KEY)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("Remote host said: 550 5.1.1 no such user", Kind.SOFT_BOUNCED),
        ("Remote host said: 554 5.7.1 spam", Kind.BLOCKED),
        ("Warning: 452 4.2.2 over quota. It will be tried again.", Kind.DEFERRED),
    ],
)
@pytest.mark.parametrize(
    "header", ["Return-Path: <>", "From: MAILER-DAEMON@example.net", "X-Failed-Recipients: ada@example.org"]
)
def test_a_bounce_without_a_report_is_never_hard(header: str, body: str, kind: Kind) -> None:
    """qmail's, and older ones: prose is no proof."""
    assert said(plain(header, body=body)) == (kind, KEY)


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\0" * 1000,
        b"\xff\xfe" * 1000,
        plain("From: Ada <ada@example.org>", body="550 5.1.1 is the code that I saw. What is it?"),
        plain("Return-Path: <>", body="Something went wrong."),
        plain("From: postmaster@example.net", body="2.0.0 is fine"),
        b"Content-Type: multipart/report; boundary=x\n\n",
        report()
        .replace(b"Action:", b"X-Action:")
        .replace(b"Status:", b"X-Status:")
        .replace(verp().encode(), b"nobody"),
    ],
    ids=["empty", "zeros", "no text", "a reader", "no code", "a success", "no parts", "nobody"],
)
def test_what_is_not_understood_is_said_to_be_so(mail: bytes) -> None:
    """Nothing follows; a person looks at it."""
    assert reading(mail) == STRANGE


def test_a_forwarded_bounce_is_no_bounce() -> None:
    """Only what stands right in the mail counts, not what somebody attached."""
    outer = f"To: {verp()}\nFrom: ada@example.org\nContent-Type: multipart/mixed; boundary=z\n\n--z\n"

    assert reading(outer.encode() + b"Content-Type: message/rfc822\n\n" + report() + b"\n--z--\n") == STRANGE


def test_of_a_large_mail_the_beginning_is_read() -> None:
    """Fifty megabytes of our own mail, returned."""
    assert said(report() + b"x" * 50_000_000) == (Kind.HARD_BOUNCED, KEY)
    assert reading(b"x" * MOST_READ + report()) == STRANGE


def test_mail_in_mail_in_mail_is_no_trouble() -> None:
    """More parts than any report has, and depth without parts."""
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(MOST_PARTS + 1))

    assert reading(parts + b"x\n" * 1000) == STRANGE
    assert reading(report().replace(b"This is the mail system", b"boundary=x " * (MOST_PARTS + 1))) == STRANGE
    assert reading(b"Content-Type: message/rfc822\n\n" * 8_000) == STRANGE


@pytest.mark.parametrize("charset", ["no-such-charset", "utf-16", "\0", "x" * 1000])
def test_a_broken_charset_is_no_trouble(charset: str) -> None:
    """Codes are ASCII."""
    mail = report().replace(b"charset=utf-8", f"charset={charset}".encode())

    assert said(mail)[0] is Kind.HARD_BOUNCED


@pytest.mark.parametrize("date", ["", "tomorrow", "Sun, 22 Nov 9999 05:00:00 +0000", "Sun, 99 Nov 2026 25:61:00 +9999"])
def test_a_mail_without_a_usable_date_happened_now(date: str) -> None:
    """And none happened in the future."""
    event = reading(report().replace(b"Sun, 22 Nov 2026 05:00:00 +0000 (UTC)", date.encode())).event

    assert event is not None
    assert event.at == NOW


@given(st.binary(max_size=300), st.integers(0, 1200), st.integers(0, 300))
def test_no_mail_raises_and_none_names_anybody_without_the_key(noise: bytes, at: int, skip: int) -> None:
    """A report with something else in the middle of it: a key that it names stands in it, random part and all."""
    whole = report(returned=f"Return-Path: <{verp()}>\n")
    mail = whole[:at] + noise + whole[at + skip :]
    found = reading(mail)

    assert found.event is None or found.event.key.encode() in mail.lower()
    assert found.event is None or found.event.at <= NOW


@given(st.text(max_size=100), st.text(max_size=30), st.text(max_size=100))
def test_no_status_raises_and_prose_is_never_hard(action: str, status: str, diagnostic: str) -> None:
    """Digits of every script among them."""
    kind_of(action, status, diagnostic)
    kind_of("failed", status, diagnostic)

    assert kind_of_prose(diagnostic)[0] is not Kind.HARD_BOUNCED
