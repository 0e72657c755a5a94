"""What the doctor says of the mailbox that mail over SMTP bounces to."""

from pathlib import Path

import pytest
from imap_server import imap_server
from smtp_server import trusting

from newsletter.config import Config, parse
from newsletter.desk.bouncing import box_of
from newsletter.desk.checkup.bounce_box import findings
from newsletter.desk.checkup.examination import chosen_of
from newsletter.providers.checkup import Finding, Light

SMTP = '[provider]\nname = "smtp"\noptions = { host = "mail.example.net" }\n'
PASSWORD = 'pa ss"word'
SECRET = {"NEWSLETTER_BOUNCES_KEY": PASSWORD}


def told(text: str, environ: dict[str, str] = SECRET, *, ask: bool = True) -> list[Finding]:
    """The lines for these settings."""
    config = parse(text)

    def open_(config: Config) -> object:
        return box_of(config, environ, trusting())

    return findings(config, chosen_of(config, {}), ask=ask, open_=open_)  # type: ignore[arg-type]


def maildir(folder: Path, mails: int) -> str:
    """Settings for a folder with so many mails in it."""
    for part in ("new", "cur", "tmp"):
        (folder / part).mkdir()
    for number in range(mails):
        (folder / "new" / f"{number}.x").write_bytes(b"a mail")
    return f'{SMTP}[bounces]\nmaildir = "{folder}"\n'


def imap(port: int, folder: str = "INBOX") -> str:
    """Settings for a server on this machine."""
    where = f'imap_host = "localhost"\nimap_port = {port}\nimap_user = "bounces"\nimap_folder = "{folder}"\n'
    return f"{SMTP}[bounces]\n{where}"


def test_no_mailbox_is_yellow_over_smtp_only() -> None:
    """A provider with webhooks needs none."""
    assert [line.light for line in told(SMTP)] == [Light.YELLOW]
    assert told('[provider]\nname = "postmark"') == []


def test_a_folder_that_can_be_read_is_green(tmp_path: Path) -> None:
    """It says how many wait, and they go on waiting."""
    (line,) = told(maildir(tmp_path, 2))

    assert (line.light, "2 waiting" in line.found) == (Light.GREEN, True)
    assert len(list((tmp_path / "new").iterdir())) == 2


def test_a_folder_that_is_not_there_is_red(tmp_path: Path) -> None:
    """Nobody would hear of dead addresses."""
    (line,) = told(f'{SMTP}[bounces]\nmaildir = "{tmp_path / "none"}"\n')

    assert line.light is Light.RED


def test_a_mailbox_that_nobody_reads_is_yellow(tmp_path: Path) -> None:
    """`serve` does not, with 0."""
    (line,) = told(maildir(tmp_path, 0) + "every_minutes = 0\n")

    assert (line.light, "every_minutes" in line.todo) == (Light.YELLOW, True)


def test_a_mailbox_over_imap_is_opened_and_nothing_is_marked() -> None:
    """With the certificate verified, and the login tried."""
    with imap_server({1: b"one", 2: b"two"}) as server:
        (line,) = told(imap(server.port))

    assert (line.light, "2 waiting" in line.found) == (Light.GREEN, True)
    assert not any(server.flags.values())


@pytest.mark.parametrize(("folder", "secret"), [("Nowhere", PASSWORD), ("INBOX", "wrong-secret")])
def test_a_folder_or_a_password_that_is_wrong_is_red(folder: str, secret: str) -> None:
    """And no line holds the password or the user."""
    with imap_server({}) as server:
        (line,) = told(imap(server.port, folder), {"NEWSLETTER_BOUNCES_KEY": secret})

    assert line.light is Light.RED
    assert secret not in line.found + line.todo


def test_no_password_and_no_server_are_red() -> None:
    """Each with its own sentence."""
    with imap_server({}) as server:
        (without,) = told(imap(server.port), {})
    (nobody,) = told(imap(server.port))

    assert (without.light, "NEWSLETTER_BOUNCES_KEY" in without.found) == (Light.RED, True)
    assert (nobody.light, "reached" in nobody.found) == (Light.RED, True)


def test_a_server_is_not_asked_where_nobody_wants_that() -> None:
    """With --no-account."""
    (line,) = told(imap(1), ask=False)

    assert (line.light, "not asked" in line.found) == (Light.GREEN, True)
