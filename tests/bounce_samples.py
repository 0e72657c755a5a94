"""Mails as they come back to the address that bounces go to, in the shape that real mail servers give them."""

BOUNCE = "bounces@news.example.org"
KEY = "12-mfrggzdfmztwq2lknnwg23tp"


def verp(key: str = KEY) -> str:
    """Our return path for a delivery."""
    return BOUNCE.replace("@", f"+{key}@")


def report(
    status: str = "5.1.1",
    action: str = "failed",
    *,
    key: str = KEY,
    to: str | None = None,
    diagnostic: str = "smtp; 550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown",
    message_id: str = "<20261122.0815@mx.example.net>",
    more: str = "",
    returned: str = "",
) -> bytes:
    """A report of failure, as Postfix writes one; `more` are further blocks, `returned` the headers of our mail."""
    lines = f"""\
Return-Path: <>
Delivered-To: {to or verp(key)}
Date: Sun, 22 Nov 2026 05:00:00 +0000 (UTC)
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to or verp(key)}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4F2X1.1763787600/mx.example.net"
Message-Id: {message_id}

This is a MIME-encapsulated message.

--4F2X1.1763787600/mx.example.net
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

This is the mail system at host mx.example.net.

--4F2X1.1763787600/mx.example.net
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
X-Postfix-Queue-ID: 4F2X1
Arrival-Date: Sun, 22 Nov 2026 04:59:58 +0000 (UTC)

Final-Recipient: rfc822; ada@example.org
Original-Recipient: rfc822;ada@example.org
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.org
Diagnostic-Code: {diagnostic}
{more}
--4F2X1.1763787600/mx.example.net
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

{returned}Subject: Patchwork ships

--4F2X1.1763787600/mx.example.net--
"""
    return lines.encode()


def second_recipient(status: str, action: str = "failed") -> str:
    """A further block of a report."""
    return f"\nFinal-Recipient: rfc822; bea@example.org\nAction: {action}\nStatus: {status}\n"


def complaint(
    kind: str = "abuse", *, key: str = KEY, mail_from: str | None = None, returned: str = "Subject: Patchwork ships"
) -> bytes:
    """A complaint in the Abuse Reporting Format, as a feedback loop sends one."""
    return f"""\
From: <abusedesk@example.com>
Date: Sun, 22 Nov 2026 05:00:00 +0000
Subject: FW: Patchwork ships
To: <{BOUNCE}>
Message-ID: <433689.81121@mta.mail.example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
     boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report for an email message received from IP 192.0.2.1.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{verp(key) if mail_from is None else mail_from}>

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822
Content-Disposition: inline

{returned}

We do not want this.
--part1_13d.2e68ed54_boundary--
""".encode()


def plain(*headers: str, body: str = "I am away until Monday.", to: str | None = None) -> bytes:
    """A mail that is no report."""
    return "\n".join(
        (
            f"To: {to or verp()}",
            "Date: Sun, 22 Nov 2026 05:00:00 +0000",
            "Message-ID: <x@example.org>",
            *headers,
            "",
            body,
        )
    ).encode()
