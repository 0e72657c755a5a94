"""Sealed copies: the machine that makes them cannot open them."""

from pathlib import Path

import pytest
from desk_samples import furnished
from sqlalchemy import Engine

from newsletter.config import parse
from newsletter.desk.backup import back_up, look_through
from newsletter.desk.sealing import new_identity, seal, unsealed
from newsletter.errors import ConfigError, DatabaseError

pytestmark = pytest.mark.sqlite

pytestmark = pytest.mark.sqlite


def test_a_sealed_copy_opens_for_its_key_and_holds_the_same_rows(engine: Engine, tmp_path: Path) -> None:
    """Sealed when it lies there; plain only for as long as it is used."""
    here, key = furnished(engine), tmp_path / "key"
    made = back_up(engine, tmp_path / "copies", here.clock(), recipients=[new_identity(key)])
    with unsealed(made.file, key, tmp_path) as plain:
        found = look_through(plain)

    assert (found, made.file.name) == (made.rows, "newsletter-20261112T080000Z.db.age")
    assert not plain.exists()


def test_nothing_plain_is_left_of_a_sealed_copy(engine: Engine, tmp_path: Path) -> None:
    """Neither where copies are taken to nor beside the database."""
    here = furnished(engine)
    made = back_up(engine, tmp_path / "copies", here.clock(), recipients=[new_identity(tmp_path / "key")])

    assert list(made.file.parent.iterdir()) == [made.file]
    assert not list(tmp_path.rglob("*.part*"))
    assert b"@" not in made.file.read_bytes()[:100]
    assert (made.file.stat().st_mode & 0o777, (tmp_path / "key").stat().st_mode & 0o777) == (0o600, 0o600)


def test_another_key_does_not_open_it(tmp_path: Path) -> None:
    """And it is said in a sentence."""
    (tmp_path / "plain").write_bytes(b"rows")
    seal(tmp_path / "plain", tmp_path / "sealed.age", [new_identity(tmp_path / "mine")])
    new_identity(tmp_path / "other")

    with (
        pytest.raises(DatabaseError, match="sealed for somebody else"),
        unsealed(tmp_path / "sealed.age", tmp_path / "other", tmp_path),
    ):
        raise AssertionError


def test_a_damaged_copy_is_refused(tmp_path: Path) -> None:
    """One bit of a sealed copy is enough."""
    (tmp_path / "plain").write_bytes(b"rows" * 1000)
    seal(tmp_path / "plain", tmp_path / "sealed.age", [new_identity(tmp_path / "key")])
    raw = bytearray((tmp_path / "sealed.age").read_bytes())
    raw[-100] ^= 1
    (tmp_path / "sealed.age").write_bytes(raw)

    with pytest.raises(DatabaseError, match="damaged"), unsealed(tmp_path / "sealed.age", tmp_path / "key", tmp_path):
        raise AssertionError


def test_a_sealed_copy_asks_for_its_key(tmp_path: Path) -> None:
    """Before anything is touched."""
    (tmp_path / "plain").write_bytes(b"rows")
    seal(tmp_path / "plain", tmp_path / "sealed.age", [new_identity(tmp_path / "key")])

    with pytest.raises(DatabaseError, match="--identity"), unsealed(tmp_path / "sealed.age", None, tmp_path):
        raise AssertionError


def test_a_plain_copy_is_used_where_it_lies(tmp_path: Path) -> None:
    """With a key or without."""
    (tmp_path / "plain").write_bytes(b"rows")
    with unsealed(tmp_path / "plain", None, tmp_path) as found:
        assert found == tmp_path / "plain"


def test_a_key_overwrites_no_key(tmp_path: Path) -> None:
    """What opened the copies of last year may be the only one."""
    new_identity(tmp_path / "key")
    with pytest.raises(DatabaseError, match="No key was made"):
        new_identity(tmp_path / "key")


@pytest.mark.parametrize("text", ["no key at all", "-----BEGIN OPENSSH PRIVATE KEY-----\nx", "AGE-SECRET-KEY-1X"])
def test_a_file_without_a_key_says_so(tmp_path: Path, text: str) -> None:
    """As somebody who takes the wrong file would like to know."""
    (tmp_path / "plain").write_bytes(b"rows")
    seal(tmp_path / "plain", tmp_path / "sealed.age", [new_identity(tmp_path / "key")])
    (tmp_path / "wrong").write_text(text, encoding="utf-8")

    with (
        pytest.raises(DatabaseError, match="no private key"),
        unsealed(tmp_path / "sealed.age", tmp_path / "wrong", tmp_path),
    ):
        raise AssertionError


@pytest.mark.parametrize("text", ["age1zz", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1X"])
def test_a_recipient_that_is_none_is_refused_with_the_settings(text: str) -> None:
    """Not at three in the night."""
    with pytest.raises(ConfigError, match="is no public key"):
        parse(f"[publication]\nname = 'x'\n[backup]\nrecipients = ['{text}']\n")
