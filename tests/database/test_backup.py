"""Copies of the database, and the drill: what is put back mails nobody before an operator has spoken."""

import sqlite3
from pathlib import Path

import pytest
from desk_samples import Place, furnished
from post_samples import ask
from sqlalchemy import Engine

from newsletter.database import engine_for
from newsletter.desk import sending, writing
from newsletter.desk.backup import back_up, forget_old, look_through, restore
from newsletter.desk.post import deliver
from newsletter.errors import DatabaseError, DeliveryError
from newsletter.issues.issue import IssueStatus
from newsletter.migrations import upgrade

pytestmark = pytest.mark.sqlite


def half_sent(engine: Engine) -> Place:
    """An issue on its way of which one call was made, and its one reader has it."""
    here = furnished(engine)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    sending.start(here.desk, "1", by="Mara")
    return here


def test_a_copy_is_checked_for_its_owner_only_and_holds_the_same_rows(engine: Engine, tmp_path: Path) -> None:
    """Five people are on the list; in the copy, too."""
    here = furnished(engine)
    made = back_up(engine, tmp_path / "copies", here.clock())

    assert (made.rows["subscriber"], made.file.stat().st_mode & 0o777) == (5, 0o600)
    assert look_through(made.file) == made.rows
    assert [file.name for file in made.file.parent.iterdir()] == [made.file.name]


def test_a_copy_is_taken_while_somebody_writes(engine: Engine, tmp_path: Path) -> None:
    """It holds what was committed when it began."""
    here = furnished(engine)
    with here.desk.transaction() as session:
        session.connection().exec_driver_sql("delete from suppression")
        made = back_up(engine, tmp_path, here.clock())

    assert made.rows["suppression"] == 1


def test_a_copy_overwrites_nothing(engine: Engine, tmp_path: Path) -> None:
    """The second one of the same second is refused, and the first one stays."""
    here = furnished(engine)
    first = back_up(engine, tmp_path, here.clock())
    with pytest.raises(DatabaseError, match="was not made"):
        back_up(engine, tmp_path, here.clock())

    assert look_through(first.file) == first.rows


def test_a_planted_link_is_not_followed(engine: Engine, tmp_path: Path) -> None:
    """The copy's name is known a second ahead; who plants a link there gets nothing (S-58)."""
    here = furnished(engine)
    (tmp_path / "newsletter-20261112T080000Z.part").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DatabaseError, match="cannot be made"):
        back_up(engine, tmp_path, here.clock())

    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("what", ["text", "damaged", "another", "nothing"])
def test_what_is_no_copy_of_ours_changes_nothing(engine: Engine, tmp_path: Path, what: str) -> None:
    """One sentence, and the database is as it was."""
    here = furnished(engine)
    file = tmp_path / "copy.db"
    if what == "text":
        file.write_text("no database at all, " * 400)
    elif what == "damaged":
        content = bytearray(back_up(engine, tmp_path, here.clock()).file.read_bytes())
        content[8192:40_000] = bytes(len(content[8192:40_000]))
        file.write_bytes(content)
    elif what == "another":
        sqlite3.connect(file).executescript("create table other(id); insert into other values (1)")
    with pytest.raises(DatabaseError):
        restore(engine, file, here.clock(), upgrade, by="Olga")

    assert back_up(engine, tmp_path / "after", here.clock()).rows["subscriber"] == 5


def test_the_drill_a_restored_backup_mails_nobody_before_an_operator_speaks(engine: Engine, tmp_path: Path) -> None:
    """Copied half sent, sent, put back: held. An operator's word lets it go on; the key keeps the reader from two."""
    here = half_sent(engine)
    copy = back_up(engine, tmp_path / "copies", here.clock())
    sending.send(here.desk, "1", by="Mara")
    _, held = restore(engine, copy.file, here.clock(), upgrade, by="Olga")
    assert [issue.status for issue in held] == [IssueStatus.PAUSED]
    sending.resume(here.desk, "1", by="Olga")
    with pytest.raises(DeliveryError, match="after-restore"):
        sending.send(here.desk, "1", by="Olga")
    assert list(here.provider.log.values()) == [1]
    sending.send(here.desk, "1", by="Olga", after_restore=True)

    assert list(here.provider.log.values()) == [1]


def test_a_copy_from_before_the_issue_began_is_held_on_another_machine_too(engine: Engine, tmp_path: Path) -> None:
    """No mark lies beside the new file, and the ledger knows of no call: it is held all the same."""
    here = furnished(engine)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    copy = back_up(engine, tmp_path / "copies", here.clock())
    sending.send(here.desk, "1", by="Mara")
    elsewhere = engine_for(f"sqlite:///{tmp_path / 'elsewhere' / 'newsletter.db'}")
    restore(elsewhere, copy.file, here.clock(), upgrade, by="Olga")
    there = Place(type(here.desk)(**{**_fields(here), "engine": elsewhere}), here.clock)

    with pytest.raises(DeliveryError, match="after-restore"):
        sending.send(there.desk, "1", by="Olga")
    elsewhere.dispose()


def test_single_mails_that_waited_in_a_copy_are_not_sent_again(engine: Engine, tmp_path: Path) -> None:
    """They left after the copy was taken: a second question would be worse than none."""
    here = furnished(engine)
    ask(here, "new@example.org")
    copy = back_up(engine, tmp_path / "copies", here.clock())
    deliver(here.desk)
    restore(engine, copy.file, here.clock(), upgrade, by="Olga")
    deliver(here.desk)

    assert list(here.provider.log.values()) == [1]


def test_what_was_there_is_kept_when_a_copy_is_put_back(engine: Engine, tmp_path: Path) -> None:
    """The way back from the way back."""
    here = furnished(engine)
    copy = back_up(engine, tmp_path / "copies", here.clock())
    restore(engine, copy.file, here.clock(), upgrade, by="Olga")

    kept = list((tmp_path / "before-restore").iterdir())
    assert look_through(kept[0])["subscriber"] == 5


def test_only_the_newest_copies_are_kept(engine: Engine, tmp_path: Path) -> None:
    """Three nights, two kept; a file of somebody else's stays."""
    here = furnished(engine)
    copies = tmp_path / "copies"
    for _ in range(3):
        back_up(engine, copies, here.clock())
        here.clock.forward(days=1)
    (copies / "newsletter.toml").write_text("mine")

    assert [file.name for file in forget_old(copies, 2)] == ["newsletter-20261112T080000Z.db"]
    assert len(list(copies.iterdir())) == 3


def _fields(here: Place) -> dict[str, object]:
    return {name: getattr(here.desk, name) for name in type(here.desk).__dataclass_fields__}
