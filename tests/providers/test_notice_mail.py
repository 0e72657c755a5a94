"""A notice as a mail: what is in it, and that every provider takes it."""

import email
import email.policy
import json
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import cast

import pytest
from provider_table import OPTIONS

from newsletter.config import ProviderChoice, Publication
from newsletter.errors import HeaderError
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.mail.notice import Paragraph, notice_mail
from newsletter.providers.base import OutgoingBatch
from newsletter.providers.catalogue import APIS, adapter_of

SAID = Paragraph("400 MB are free <b>&amp; {{less}} %recipient.x%", "Make room: docs/telling.md")
OTTO = Recipient("otto@desk.example", "notice-1", {"unsubscribe": "https://news.example.org/"})
PUBLICATION = Publication(base_url="https://news.example.org")


def builder(subject: str = "[Weekly] 400 MB are free") -> MessageBuilder:
    """The mail's."""
    return MessageBuilder(notice_mail(subject, [SAID, SAID], PUBLICATION), date=datetime(2026, 11, 12, tzinfo=UTC))


def message(subject: str = "[Weekly] 400 MB are free") -> EmailMessage:
    """As it arrives."""
    raw = builder(subject).mime(OTTO)
    return cast("EmailMessage", email.message_from_bytes(raw, policy=email.policy.default))


def test_a_notice_is_read_as_it_was_said_in_text_and_in_html() -> None:
    """Nothing in it is markup, whoever said it."""
    mail = message()
    plain, rich = (mail.get_body((kind,)) for kind in ("plain", "html"))

    assert plain is not None
    assert rich is not None
    assert plain.get_content().splitlines()[:4] == [SAID.sentence, SAID.todo, "", SAID.sentence]
    assert "<p>400 MB are free &lt;b&gt;&amp;amp; {{less}} %recipient.x%<br>Make room" in rich.get_content()


def test_a_notice_belongs_to_a_list_of_its_own() -> None:
    """So that mail programs sort it apart from the issues."""
    mail = message()

    assert (mail["List-Id"], mail["To"]) == (
        '"Weekly AI Tool Verdicts: notices" <notices.weekly.example.org>',
        "otto@desk.example",
    )


def test_a_long_subject_is_cut_and_a_broken_one_refused() -> None:
    """120 characters; no second header."""
    assert message("x" * 200)["Subject"] == "x" * 119 + "…"
    with pytest.raises(HeaderError):
        message("x\nBcc: eve@example.org")


@pytest.mark.parametrize("name", sorted(APIS))
def test_every_provider_takes_a_notice(name: str) -> None:
    """Its words reach the call."""
    adapter = adapter_of(ProviderChoice(name=name, options=OPTIONS.get(name, {})), "AKIAMADEUP:secret")
    batch = OutgoingBatch("notice-1", 1, builder(), [OTTO])
    body = b"".join(adapter.calls(batch.builder).request(batch).body)

    assert b"400 MB are free" in body
    assert OTTO.address.encode() in body
    assert name == "mailgun" or json.loads(body)
