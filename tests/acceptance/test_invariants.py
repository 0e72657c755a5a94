"""Invariants that are seen from outside: in messages, in errors, in what can be configured."""

import email
import email.policy
import re
from collections.abc import Callable
from pathlib import Path

from commands import Done

from newsletter.sample import PAGES

Run = Callable[..., Done]
TOKEN = re.compile(r"/(?:u|preferences)/([a-z0-9-]{40,})")


def html_for(house: Run, tmp_path: Path, *who: str) -> str:
    """The issue's HTML as this subscriber would get it, or as nobody in particular."""
    house("issue", "render", "1", "--out", "look", *(("--as", *who) if who else ()))
    return (tmp_path / "look" / "issue.html").read_text()


def test_invariant_9_a_message_holds_only_its_recipients_tokens(house: Run, tmp_path: Path) -> None:
    """Ada's, then Bea's, then Ada's again: equal bytes, and no token of the other."""
    house("subscribers", "add", "bea@example.org", "--consent", "asked")
    house("issue", "draft")
    ada, bea, again = (html_for(house, tmp_path, f"{name}@example.org") for name in ("ada", "bea", "ada"))

    assert ada == again
    assert set(TOKEN.findall(ada))
    assert not set(TOKEN.findall(ada)) & set(TOKEN.findall(bea))


def test_invariant_9_a_message_has_exactly_one_recipient(house: Run, tmp_path: Path) -> None:
    """One To, no Cc, no Bcc, in every file of the outbox."""
    house("issue", "draft")
    house("issue", "approve", "1")
    house("issue", "send", "1", "--yes")
    raw = [path.read_bytes() for path in (tmp_path / "outbox" / "new").iterdir()]
    messages = [email.message_from_bytes(one, policy=email.policy.default) for one in raw]

    assert len(messages) == 41
    assert all(len(message["To"].addresses) == 1 and not message["Cc"] and not message["Bcc"] for message in messages)


def test_invariant_12_no_secret_and_no_address_in_an_error(house: Run, tmp_path: Path) -> None:
    """Mistakes around keys and people: the sentences name neither."""
    secret = (tmp_path / "data" / "secret.key").read_text().strip()
    said = [
        house("subscribers", "remove", "eve@example.org", code=1).stderr,
        house("subscribers", "import", "data/secret.key", "--consent", "x", code=1).stderr,
        house("subscribers", "show", "ada@@example.org", code=1).stderr,
    ]

    assert not any(secret[:8] in line or "@example" in line for line in said)


def test_invariant_13_a_copy_of_nobody_carries_no_token_and_no_pixel(house: Run, tmp_path: Path) -> None:
    """What is shown or forwarded without a reader has no reader's links; nothing in it is fetched to count anybody."""
    house("issue", "draft")
    html = html_for(house, tmp_path)

    assert not TOKEN.findall(html)
    assert "<img" not in html


def test_invariant_14_without_a_public_address_nobody_is_mailed_but_who_was_named(house: Run, tmp_path: Path) -> None:
    """A real provider is refused with a sentence while readers could not reach our pages, and nothing begins."""
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace('name = "outbox"', 'name = "postmark"'))
    house("comparisons", "import", str(PAGES))
    house("issue", "draft")
    house("issue", "approve", "1")

    assert "provider.only_to" in house("issue", "send", "1", "--yes", code=1).stderr
    assert "approved" in house("issue", "list").stdout
