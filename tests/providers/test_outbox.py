"""The local outbox: whole messages or none, each of them once, in a folder that mail programs open."""

import email
import email.policy
import mailbox
import os
from dataclasses import replace
from pathlib import Path

import pytest
from delivery_samples import batch_of, recipient

from newsletter.errors import ProviderError
from newsletter.providers.base import Outcome
from newsletter.providers.outbox import Outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """An outbox whose folder does not exist yet."""
    return Outbox(tmp_path / "outbox")


def test_every_recipient_gets_one_file_and_one_line_of_the_index(outbox: Outbox) -> None:
    """Two people, two messages, each to its own address."""
    receipts = outbox.send(batch_of("ada", "pia")).receipts

    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert [entry["to"] for entry in outbox.entries()] == ["ada@example.org", "pia@example.org"]
    assert sorted(path.name for path in (outbox.folder / "new").iterdir()) == ["key-ada.eml", "key-pia.eml"]


def test_a_mail_program_opens_the_folder_as_a_maildir(outbox: Outbox) -> None:
    """Python's own reader of Maildirs finds the messages and their headers."""
    outbox.send(batch_of("ada"))

    (message,) = mailbox.Maildir(outbox.folder, create=False)
    assert message["To"] == "ada@example.org"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_same_batch_again_writes_nothing(outbox: Outbox) -> None:
    """A second attempt is answered as accepted, and the folder stays as it was."""
    outbox.send(batch_of("ada"))
    before = outbox.index.read_bytes()

    (receipt,) = outbox.send(batch_of("ada", attempt=2)).receipts

    assert receipt.outcome is Outcome.ACCEPTED
    assert outbox.index.read_bytes() == before


def test_a_message_that_was_read_or_thrown_away_is_not_written_again(outbox: Outbox) -> None:
    """The mail program moved one and its owner deleted the other; the index remembers both."""
    outbox.send(batch_of("ada", "pia"))
    new = outbox.folder / "new"
    (new / "key-ada.eml").rename(outbox.folder / "cur" / "key-ada.eml:2,S")
    (new / "key-pia.eml").unlink()

    outbox.send(batch_of("ada", "pia", attempt=2))

    assert list(new.iterdir()) == []


def test_a_crash_between_two_messages_is_made_good_by_the_next_attempt(outbox: Outbox) -> None:
    """A file without its line in the index, and a half-written one: both end as one whole message."""
    outbox.send(batch_of("ada"))
    outbox.index.write_text('{"key": "key-a')
    (outbox.folder / "tmp" / "key-pia.eml").write_text("half a mess")

    Outbox(outbox.folder).send(batch_of("ada", "pia", attempt=2))

    assert {path.name for path in (outbox.folder / "new").iterdir()} == {"key-ada.eml", "key-pia.eml"}
    assert b"half a mess" not in (outbox.folder / "new" / "key-pia.eml").read_bytes()
    assert [entry["key"] for entry in outbox.entries()] == ["key-ada", "key-pia"]


def test_a_full_disk_takes_nothing_and_says_so(outbox: Outbox) -> None:
    """A file where the folder should be stands for anything that cannot be written."""
    outbox.folder.write_text("in the way")

    (receipt,) = outbox.send(batch_of("ada")).receipts

    assert receipt.outcome is Outcome.RETRY
    assert receipt.reason.startswith(f"The outbox in {outbox.folder.absolute()} cannot be written: ")


def test_one_message_that_cannot_be_made_does_not_stop_the_others(outbox: Outbox) -> None:
    """An address with a line break is refused; the next person gets the mail."""
    batch = batch_of("eve", "ada")
    broken = replace(
        batch, recipients=[replace(recipient("eve"), address="eve@example.org\r\nBcc: x@y.z"), recipient("ada")]
    )

    receipts = outbox.send(broken).receipts

    assert [receipt.outcome for receipt in receipts] == [Outcome.REFUSED, Outcome.ACCEPTED]


def test_the_outbox_does_not_follow_a_link_out_of_its_folder(outbox: Outbox, tmp_path: Path) -> None:
    """S-58: a planted link is refused, nothing is written behind it."""
    (tmp_path / "elsewhere").mkdir()
    outbox.folder.mkdir()
    (outbox.folder / "new").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ProviderError, match="is a link"):
        outbox.send(batch_of("ada"))

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_messages_are_for_their_owner_only(outbox: Outbox) -> None:
    """Addresses and links are nobody else's business."""
    outbox.send(batch_of("ada"))

    assert (outbox.folder / "new" / "key-ada.eml").stat().st_mode & 0o777 == 0o600


def test_a_message_in_the_outbox_parses_without_defects(outbox: Outbox) -> None:
    """Both parts are there, text first."""
    outbox.send(batch_of("ada"))

    raw = (outbox.folder / "new" / "key-ada.eml").read_bytes()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert not message.defects
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_a_first_attempt_too_finds_what_is_there(outbox: Outbox) -> None:
    """A ledger that has forgotten calls it the first attempt; the outbox has not forgotten."""
    outbox.send(batch_of("ada"))
    new = outbox.folder / "new"
    (new / "key-ada.eml").rename(outbox.folder / "cur" / "key-ada.eml:2,S")

    Outbox(outbox.folder).send(batch_of("ada"))

    assert list(new.iterdir()) == []


@pytest.mark.parametrize("garbage", [b"1\n", b'"x"\n', b'{"key": ["a"]}\n', b"\xff\xfe\n", b"{}\n"])
def test_garbage_in_the_index_is_passed_over(outbox: Outbox, garbage: bytes) -> None:
    """Somebody wrote into it: messages are still written once."""
    outbox.send(batch_of("ada"))
    outbox.index.write_bytes(garbage)

    again = Outbox(outbox.folder)
    again.send(batch_of("ada", "pia", attempt=2))

    assert [entry["key"] for entry in again.entries()] == ["key-ada", "key-pia"]


def test_an_index_that_is_a_pipe_is_refused(outbox: Outbox) -> None:
    """It would wait for ever; instead nothing is taken, and it is said why."""
    outbox.folder.mkdir()
    os.mkfifo(outbox.index)

    (receipt,) = outbox.send(batch_of("ada")).receipts

    assert receipt.outcome is Outcome.RETRY
    assert "not a plain file" in receipt.reason


def test_a_look_up_tells_what_is_there(outbox: Outbox) -> None:
    """By the delivery's key."""
    outbox.send(batch_of("ada"))

    found = outbox.look_up("issue:1:batch:1", ["key-ada", "key-pia"])

    assert [receipt.outcome for receipt in found] == [Outcome.ACCEPTED, Outcome.RETRY]


@pytest.mark.parametrize("part", ["new", "cur"])
def test_a_folder_in_the_place_of_a_message_is_no_message(outbox: Outbox, part: str) -> None:
    """Nobody counts as having it, and one sentence names what is in the way; without it everybody gets theirs."""
    planted = outbox.folder / part / "key-ada.eml"
    planted.mkdir(parents=True)
    receipts = outbox.send(batch_of("ada", "pia")).receipts

    assert {receipt.outcome for receipt in receipts} == {Outcome.RETRY}
    assert receipts[0].reason.endswith(f"cannot be written: {part}/key-ada.eml is not a plain file; remove it.")
    planted.rmdir()
    assert {one.outcome for one in outbox.send(batch_of("ada", "pia")).receipts} == {Outcome.ACCEPTED}
