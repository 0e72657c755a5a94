"""Mailboxes of bounces: a Maildir folder, and a server that speaks IMAP; what is read, and how it is marked."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from imap_server import ImapServer, imap_server
from smtp_server import trusting

from newsletter.errors import ProviderError
from newsletter.providers.bounce_box import Maildir, Mark
from newsletter.providers.bounce_imap import ImapAccount, ImapBox


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Maildir folder with three mails: one new, one that a program has looked past, one that was read."""
    for part in ("new", "cur", "tmp"):
        (tmp_path / part).mkdir()
    (tmp_path / "new" / "3.a").write_bytes(b"three")
    (tmp_path / "cur" / "1.b:2,").write_bytes(b"one")
    (tmp_path / "cur" / "2.c:2,S").write_bytes(b"two")
    return tmp_path


def files(folder: Path) -> list[str]:
    """What is where."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_has_no_mark_waits_oldest_first(folder: Path) -> None:
    """In both folders; no more than asked for."""
    assert Maildir(folder).waiting(9) == ["cur/1.b:2,", "new/3.a"]
    assert Maildir(folder).waiting(1) == ["cur/1.b:2,"]


def test_a_mark_is_a_flag_in_the_name(folder: Path) -> None:
    """Seen, or flagged and still unread; then it does not wait any more."""
    box = Maildir(folder)
    box.mark(["new/3.a"], Mark.DONE)
    box.mark(["cur/1.b:2,"], Mark.STRANGE)

    assert files(folder) == ["cur/1.b:2,F", "cur/2.c:2,S", "cur/3.a:2,S"]
    assert box.waiting(9) == []


def test_flags_that_were_there_stay(folder: Path) -> None:
    """In order, as the format wants it."""
    (folder / "cur" / "4.d:2,RP").write_bytes(b"four")

    Maildir(folder).mark(["cur/4.d:2,RP"], Mark.DONE)

    assert "cur/4.d:2,PRS" in files(folder)


def test_of_a_mail_only_the_beginning_is_read(folder: Path) -> None:
    """As much as was asked for."""
    assert list(Maildir(folder).fetch(["new/3.a"], 2)) == [("new/3.a", b"th")]


def test_a_mail_that_has_gone_is_no_trouble(folder: Path) -> None:
    """Somebody else read it, or threw it away."""
    box = Maildir(folder)
    box.mark(["new/gone"], Mark.DONE)

    assert list(box.fetch(["new/gone", "new/3.a"], 99)) == [("new/3.a", b"three")]


def test_what_is_no_mail_is_left_alone(folder: Path, tmp_path: Path) -> None:
    """A link to another file, a pipe that never ends, a hidden file."""
    (folder / "new" / "5.e").symlink_to("/etc/hostname")
    os.mkfifo(folder / "new" / "6.f")
    (folder / "new" / ".hidden").write_bytes(b"")

    assert Maildir(folder).waiting(9) == ["cur/1.b:2,", "new/3.a"]


def test_a_mail_that_becomes_a_link_meanwhile_is_not_followed(folder: Path) -> None:
    """Between the look and the reading."""
    (folder / "new" / "5.e").symlink_to(folder / "cur" / "2.c:2,S")

    with pytest.raises(ProviderError, match="cannot be read"):
        list(Maildir(folder).fetch(["new/5.e"], 99))


def test_a_folder_that_is_no_maildir_is_said(tmp_path: Path) -> None:
    """With what to set."""
    with pytest.raises(ProviderError, match=r"no Maildir folder.*Set bounces\.maildir"):
        Maildir(tmp_path / "nowhere").waiting(1)


def account(server: ImapServer, **rest: Any) -> ImapAccount:
    """The server's mailbox."""
    return ImapAccount(**{"host": "localhost", "port": server.port, "user": "bounces", "secret": 'pa ss"word', **rest})


@pytest.fixture
def server() -> Iterator[ImapServer]:
    """Three mails: unread, read, flagged; and a large one."""
    with imap_server({3: b"three", 5: b"five", 7: b"seven", 9: b"x" * 300_000}) as one:
        one.flags[5] = {"\\Seen"}
        one.flags[7] = {"\\Flagged"}
        yield one


def test_over_imap_what_has_no_mark_waits(server: ImapServer) -> None:
    """And reading it leaves none."""
    box = ImapBox(account(server), trusting())
    found = list(box.fetch(box.waiting(9), 1000))
    box.close()

    assert found == [("3", b"three"), ("9", b"x" * 1000)]
    assert server.flags == {3: set(), 5: {"\\Seen"}, 7: {"\\Flagged"}, 9: set()}


def test_over_imap_marks_are_flags(server: ImapServer) -> None:
    """Nobody to mark: nothing is said."""
    box = ImapBox(account(server), trusting())
    box.mark(["3"], Mark.DONE)
    box.mark(["9"], Mark.STRANGE)
    box.mark([], Mark.DONE)
    waiting = box.waiting(9)
    box.close()

    assert (server.flags[3], server.flags[9], waiting) == ({"\\Seen"}, {"\\Flagged"}, [])


def test_a_mail_that_has_gone_from_the_server_is_left_out(server: ImapServer) -> None:
    """Somebody threw it away meanwhile."""
    box = ImapBox(account(server), trusting())
    found = list(box.fetch(["3", "4"], 9))
    box.close()

    assert found == [("3", b"three")]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"secret": "canary"}, "the login failed"),
        ({"user": "canary"}, "the login failed"),
        ({"folder": "Canary"}, "there is no folder"),
        ({"folder": "Rückläufer"}, "there is no folder"),
        ({"host": "127.0.0.1"}, "certificate"),
    ],
)
def test_what_is_wrong_with_the_account_is_said_without_a_secret(
    server: ImapServer, wrong: dict[str, str], words: str
) -> None:
    """The certificate is for localhost (S-41)."""
    with pytest.raises(ProviderError, match=words) as caught:
        ImapBox(account(server, **wrong), trusting())

    assert "canary" not in str(caught.value)
    assert "canary" not in repr(account(server, secret="canary", user="canary"))


def test_a_certificate_that_nobody_vouches_for_gets_no_password(server: ImapServer) -> None:
    """Without a context of one's own the system's certificates count."""
    with pytest.raises(ProviderError, match="certificate"):
        ImapBox(account(server))

    assert server.logins == []


def test_a_server_that_hangs_up_is_said() -> None:
    """In the middle, or because it is not there."""
    with imap_server({}) as server:
        box = ImapBox(account(server), trusting())
        server.rude = True
        with pytest.raises(ProviderError, match="could not be searched"):
            box.waiting(9)
        box.close()
    with pytest.raises(ProviderError, match="could not be reached"):
        ImapBox(account(server), trusting())
