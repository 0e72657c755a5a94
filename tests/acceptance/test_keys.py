"""A database and its secret key belong together: under another key it would mail people twice."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Done

Run = Callable[..., Done]
OTHER = "another secret key, long enough to be one"
WITH_A_KEY = {
    "desk": ("issue", "list"),
    "week": ("week",),
    "unknown": ("unknown", "list"),
    "add": ("subscribers", "add", "zoe@example.org", "--consent", "asked"),
    "show": ("subscribers", "show", "ada@example.org"),
    "explain": ("subscribers", "explain", "ada@example.org"),
    "import": ("subscribers", "import", "list.csv", "--consent", "asked"),
    "suppress": ("suppressions", "add", "eve@example.org"),
    "lift": ("suppressions", "remove", "ada@example.org", "--note", "x"),
    "import suppressions": ("suppressions", "import", "list.csv"),
    "init": ("init", "--yes"),
}


@pytest.fixture
def shop(run: Run, tmp_path: Path) -> Run:
    """A newsletter on whose list Ada is, who must not be mailed."""
    run("init", "--yes")
    run("subscribers", "add", "ada@example.org", "--consent", "asked")
    run("suppressions", "add", "ada@example.org")
    (tmp_path / "list.csv").write_text("email\nada@example.org\neve@example.org\n")
    return run


@pytest.mark.parametrize("words", WITH_A_KEY.values(), ids=WITH_A_KEY)
def test_no_command_works_on_a_database_with_another_key(
    shop: Run, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, and nothing is changed."""
    before = shop("subscribers", "list", "--json").stdout
    monkeypatch.setenv("NEWSLETTER_SECRET_KEY", OTHER)

    refused = shop(*words, code=1).stderr

    assert "not the one that this database was made with" in refused
    assert len(refused.splitlines()) == 1
    assert shop("subscribers", "list", "--json").stdout == before
    assert len(json.loads(shop("suppressions", "list", "--json").stdout)) == 1


def test_the_old_key_put_back_works_again(shop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a variable as well as from a file; the first key stays the key."""
    monkeypatch.setenv("NEWSLETTER_SECRET_KEY", OTHER)
    shop("subscribers", "show", "ada@example.org", code=1)
    monkeypatch.setenv("NEWSLETTER_SECRET_KEY", (tmp_path / "data" / "secret.key").read_text())

    assert "Suppressed since" in shop("subscribers", "show", "ada@example.org").stdout


def test_init_makes_no_new_key_for_a_database_that_had_one(shop: Run, tmp_path: Path) -> None:
    """A lost key is looked for, not replaced."""
    (tmp_path / "data" / "secret.key").unlink()

    assert "Put it back from its copy" in shop("init", "--yes", code=1).stderr
    assert not (tmp_path / "data" / "secret.key").exists()


def test_init_keeps_a_key_that_the_environment_gives(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No second key lies about that an operator could take for the right one."""
    monkeypatch.setenv("NEWSLETTER_SECRET_KEY", OTHER)

    assert "The secret key is in the environment" in run("init", "--yes").stdout
    assert not (tmp_path / "data" / "secret.key").exists()


def test_a_database_without_a_mark_takes_the_first_key_that_it_is_opened_with(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that `db upgrade` has made."""
    run("init", "--yes")
    for file in (tmp_path / "data").glob("newsletter.db*"):
        file.unlink()
    run("db", "upgrade")
    monkeypatch.setenv("NEWSLETTER_SECRET_KEY", OTHER)
    run("subscribers", "show", "ada@example.org")
    monkeypatch.delenv("NEWSLETTER_SECRET_KEY")

    assert "not the one" in run("issue", "list", code=1).stderr


def test_the_demo_mails_nobody_again_under_another_key(run: Run, tmp_path: Path) -> None:
    """Its own key is guarded like any."""
    run("demo", "--into", "outbox")
    (tmp_path / "outbox" / "demo" / "secret.key").write_text(OTHER)

    assert "not the one" in run("demo", "--into", "outbox", "--again", code=1).stderr


def test_the_database_does_not_hold_the_key(shop: Run, tmp_path: Path) -> None:
    """Only a keyed hash of a constant."""
    key = (tmp_path / "data" / "secret.key").read_bytes().strip()

    assert shop("subscribers", "stats")
    assert not any(key in path.read_bytes() for path in (tmp_path / "data").glob("newsletter.db*"))
