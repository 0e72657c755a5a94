"""A newsletter of one's own: four questions, and what they write."""

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Done

from newsletter.config import default_text, read

Run = Callable[..., Done]


def test_init_asks_four_questions_and_refuses_a_bad_answer(run: Run, tmp_path: Path) -> None:
    """Answers stand in the file; a mailbox that is none leaves no file behind."""
    answers = ["Verdikte <v@example.org>", "https://news.example.org", 'Straße 1, "Hof"', "outbox"]
    run("init", typed="\n".join(["nobody", *answers[1:]]), code=1)
    left_behind = (tmp_path / "config.toml").exists()
    run("init", typed="\n".join(answers))

    assert not left_behind
    assert 'name = "Verdikte"' in (tmp_path / "config.toml").read_text()
    assert "Kept config.toml" in run("init", "--yes").stdout.replace(str(tmp_path) + "/", "")


@pytest.mark.parametrize("address", ["http://news.example.org", "http://192.0.2.1:8000"])
def test_init_takes_no_address_at_which_links_travel_in_clear(run: Run, tmp_path: Path, address: str) -> None:
    """It says why, and asks again; http on this machine is for trying things out."""
    answers = ["Verdicts <v@example.org>", address, "http://localhost:9000", "1 Sample Street", "outbox"]
    done = run("init", typed="\n".join(answers))

    assert "over http anybody on the way can read it" in done.stdout + done.stderr
    assert 'base_url = "http://localhost:9000"' in (tmp_path / "config.toml").read_text()


def test_init_takes_a_provider_and_says_where_its_key_belongs(run: Run, tmp_path: Path) -> None:
    """A name that is none is asked again; the table of the provider is set, and no other."""
    typed = "Verdicts <v@example.org>\nhttps://news.example.org\n1 Sample Street\npigeon\npostmark"
    done = run("init", typed=typed)
    wrote = read(tmp_path / "config.toml")

    assert "data/postmark.key, for your eyes only" in done.stdout
    assert (wrote.provider.name, wrote.provider.key_file) == ("postmark", tmp_path / "data" / "postmark.key")
    assert wrote.publication.name == "Verdicts"


def test_init_does_not_hold_a_mail_server_to_have_a_password(run: Run, tmp_path: Path) -> None:
    """What is missing then is its name, and that is said."""
    done = run("init", typed="Verdicts <v@example.org>\nhttps://news.example.org\n\nsmtp")

    assert "Name the mail server in [provider.options]" in done.stdout
    assert read(tmp_path / "config.toml").provider.key_file is None


def test_whoever_takes_each_default_gets_what_yes_gives(run: Run, tmp_path: Path) -> None:
    """The questions change nothing that is not answered."""
    run("init", typed="\n" * 4)

    assert (tmp_path / "config.toml").read_text() == default_text()
