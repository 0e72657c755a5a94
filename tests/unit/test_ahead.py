"""A large file is read by another process, and what comes of it is the same."""

import io
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from subscribers.ahead import batches
from subscribers.errors import BadFile
from subscribers.rows import Batch, Reading, Terms
from subscribers.sheet import NO_LIMITS

NOW = datetime(2026, 11, 12, 8, tzinfo=UTC)
HOW = Reading(Terms("fair", "sheet", by="olga", consented=True), b"s" * 32, NOW, {}, NO_LIMITS, guarded=False)
ROWS = "email,name,status\n" + "".join(
    f"R{n}@example.org,Nämé {n},{'gone' if n % 50 == 7 else 'paused'}\n" for n in range(5_200)
)


def there(path: Path, how: Reading = HOW) -> list[Batch]:
    """All that the other process makes of this file."""
    with path.open("rb") as file, batches(file, how, large=1) as read:
        return list(read)


def test_another_process_reads_the_same(tmp_path: Path) -> None:
    """Rows and refusals, in the same batches and in the order of the file."""
    (path := tmp_path / "people.csv").write_text(ROWS)

    assert there(path) == list(HOW.batches(io.BytesIO(ROWS.encode())))


def test_a_bad_file_is_bad_wherever_it_is_read(tmp_path: Path) -> None:
    """The sentence is the same; what came before it was given."""
    (path := tmp_path / "people.csv").write_bytes(ROWS.encode() + b"\xff\n")

    with path.open("rb") as file, batches(file, HOW, large=1) as read:
        assert len(next(read).lines) == 5_000
        with pytest.raises(BadFile, match="The file is not UTF-8"):
            next(read)


def test_a_process_that_dies_ends_the_import(tmp_path: Path) -> None:
    """Without a secret it fails at the first row: half a file must not pass for a whole one."""
    (path := tmp_path / "people.csv").write_text(ROWS)
    mute = Reading(HOW.terms, b"", NOW, {}, NO_LIMITS, guarded=False)

    with pytest.raises(BadFile, match="has ended in the middle of it"):
        there(path, mute)


@pytest.mark.parametrize("large", [1, 10**9])
def test_what_is_small_or_no_file_is_read_here(tmp_path: Path, large: int) -> None:
    """A fingerprint without a secret fails in this process, where it can be seen."""
    (path := tmp_path / "people.csv").write_text(ROWS)
    mute = Reading(HOW.terms, b"", NOW, {}, NO_LIMITS, guarded=False)
    file = io.BytesIO(ROWS.encode()) if large == 1 else path.open("rb")

    with file, batches(file, mute, large=large) as read, pytest.raises(ValueError, match="secret"):
        next(read)


def test_the_other_process_loads_nothing_for_databases() -> None:
    """They are two thirds of what it would take of memory, and half a second of everybody who imports."""
    look = "import sys, subscribers.ahead; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60).stdout  # noqa: S603 - our own

    assert "subscribers.rows" in said
    assert {"sqlalchemy", "sqlmodel", "pydantic"}.isdisjoint(said.split())
