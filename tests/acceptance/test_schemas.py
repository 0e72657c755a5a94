"""Whatever is typed: a database of another version is left alone, and the sentence says what to run."""

import shlex
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from alembic import command
from commands import Done
from typer.core import TyperGroup

from newsletter.cli.app import app
from newsletter.database import engine_for
from newsletter.delivery.lock import only_dispatcher
from newsletter.migrations import settings
from newsletter.schema import newest

Run = Callable[..., Done]

#: These make a database, bring it to the newest schema, or look at it whatever it is.
WHATEVER_IT_IS = {"demo", "doctor", "init", "db upgrade", "db status", "db restore", "db keygen"}
OLDER = "0007"


def examples(one: Any, name: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every command by its name, with the words of the example in its help."""
    if isinstance(one, TyperGroup):
        for below, part in one.commands.items():
            yield from examples(part, f"{name} {below}".strip())
    else:
        example = (one.help or "").partition("Example: newsletter ")[2]
        yield name, shlex.split(example.splitlines()[0].partition(" < ")[0]) if example else []


EVERY = dict(examples(typer.main.get_command(app)))


def newer(folder: Path) -> None:
    """Say of the database in this folder that a later version has made it."""
    with closing(sqlite3.connect(folder / "data" / "newsletter.db")) as connection, connection:
        connection.execute("update alembic_version set version_num = 'from-the-future'")


def older(folder: Path) -> None:
    """Put an empty database of an older version into this folder."""
    path = folder / "data" / "newsletter.db"
    path.unlink()
    engine = engine_for(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(settings(connection), OLDER)
    engine.dispose()


def schema_of(file: Path) -> str:
    """The schema that a database file says it has."""
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("select version_num from alembic_version").fetchone()[0])


def test_every_command_has_an_example() -> None:
    """They are what the next test runs."""
    assert [name for name, words in EVERY.items() if not words] == []
    assert set(EVERY) - WHATEVER_IT_IS >= {"serve", "week", "issue send", "subscribers export"}


def test_no_help_leaves_a_default_in_the_dark(run: Run) -> None:
    """Who is written down where nobody is named: the login, and not "(dynamic)"."""
    for words in ("issue approve", "suppressions add", "subscribers add"):
        said = " ".join(run(*words.split(), "--help").stdout.split())  # it is wrapped
        assert "your login name" in said
        assert "dynamic" not in said


def test_every_command_refuses_an_older_database_and_says_what_to_run(run: Run, tmp_path: Path) -> None:
    """Older tables under newer code would be written half."""
    run("init", "--yes")
    older(tmp_path)

    for name, words in EVERY.items():
        if name not in WHATEVER_IT_IS:
            said = run(*words, code=75 if name == "bounces take" else 1)  # 75: the mail server keeps it
            assert "newsletter db upgrade" in said.stdout + said.stderr, name


@pytest.mark.parametrize("words", [("serve",), ("week",), ("db", "upgrade"), ("init", "--yes")])
def test_a_newer_database_is_left_alone_by(words: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    """An older version that was started by mistake changes nothing, and copies nothing."""
    run("init", "--yes")
    newer(tmp_path)

    assert "Install the newer version" in run(*words, code=1).stderr
    assert not (tmp_path / "data" / "before-upgrade").exists()


def test_an_upgrade_keeps_a_copy_of_what_was_there(run: Run, tmp_path: Path) -> None:
    """The way back, with the version that made it; the second time there is nothing to do."""
    run("init", "--yes")
    older(tmp_path)

    first, second = run("db", "upgrade").stdout, run("db", "upgrade").stdout

    (copy,) = (tmp_path / "data" / "before-upgrade").iterdir()
    assert schema_of(copy) == OLDER
    assert schema_of(tmp_path / "data" / "newsletter.db") == newest()
    assert first.startswith(f"The database as it was is in {copy.relative_to(tmp_path)} (")
    assert second == f"sqlite:///data/newsletter.db is at the newest schema, {newest()}.\n"


def test_a_copy_is_not_made_where_it_is_not_wanted(run: Run, tmp_path: Path) -> None:
    """A database of many gigabytes has its own backups."""
    run("init", "--yes")
    older(tmp_path)

    assert "as it was" not in run("db", "upgrade", "--no-copy").stdout
    assert not (tmp_path / "data" / "before-upgrade").exists()


def test_nothing_is_upgraded_under_somebody_who_sends(run: Run, tmp_path: Path) -> None:
    """The older program would go on, and write into tables that it does not know."""
    run("init", "--yes")
    older(tmp_path)
    engine = engine_for(f"sqlite:///{tmp_path / 'data' / 'newsletter.db'}")
    with only_dispatcher(engine):
        refused = run("db", "upgrade", code=1)
    engine.dispose()

    assert "Another process is sending from this database" in refused.stderr
    assert schema_of(tmp_path / "data" / "newsletter.db") == OLDER
    assert not (tmp_path / "data" / "before-upgrade").exists()


def emptied(folder: Path, how: str) -> Path:
    """A copy of the database in this folder; in its place is none, an empty file, or one without tables."""
    path = folder / "data" / "newsletter.db"
    (copy,) = (folder / "copies").glob("*.db")
    path.unlink()
    if how != "none":
        path.touch()
    if how == "no tables":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma journal_mode=wal")
    return copy


@pytest.mark.parametrize("how", ["none", "empty", "no tables"])
def test_a_copy_is_put_back_where_nothing_was(how: str, run: Run, tmp_path: Path) -> None:
    """A new machine: what holds no table is not kept, and does not stand in the way."""
    run("init", "--yes")
    run("db", "backup", "copies")
    copy = emptied(tmp_path, how)

    said = run("db", "restore", str(copy), "--yes").stdout

    assert "is what it was then.\n" in said
    assert not (tmp_path / "data" / "before-restore").exists()
    assert schema_of(tmp_path / "data" / "newsletter.db") == newest()


def test_who_only_looks_or_says_no_makes_no_database(run: Run, tmp_path: Path) -> None:
    """An empty file would be taken for a newsletter's."""
    run("init", "--yes")
    run("db", "backup", "copies")
    copy = emptied(tmp_path, "none")

    assert "There is no database at" in run("db", "status", code=1).stderr
    run("db", "restore", str(copy), typed="n\n", code=1)
    assert not (tmp_path / "data" / "newsletter.db").exists()


def test_a_database_without_tables_is_not_called_an_older_one(run: Run, tmp_path: Path) -> None:
    """There is nothing to keep in it; two commands fill it."""
    run("init", "--yes")
    run("db", "backup", "copies")
    emptied(tmp_path, "no tables")

    for said in (run("issue", "list", code=1).stderr, run("db", "status").stdout):
        assert "nothing in " in said
        assert "newsletter db restore FILE" in said
        assert "newsletter init" in said
