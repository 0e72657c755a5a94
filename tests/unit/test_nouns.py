"""The table of nouns: what it says is what the commands say themselves, and the help loads none of them."""

import subprocess
import sys

import pytest

from newsletter.cli.nouns import NOUNS, loaded


@pytest.mark.parametrize("name", NOUNS)
def test_the_help_of_a_noun_begins_with_its_line_in_the_table(name: str) -> None:
    """So that nobody has to load it to read about it."""
    own = " ".join((loaded(name).help or "").split())

    assert own.startswith(NOUNS[name].says)
    assert NOUNS[name].says.endswith(".")


def test_the_help_loads_neither_settings_nor_a_database() -> None:
    """All nouns together take seconds of a processor to load; whoever asks for help waits for none of it."""
    look = "import sys; from newsletter.cli import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    command = [sys.executable, "-c", look]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout  # noqa: S603 - our own

    assert all(name in said for name in NOUNS)
    assert {"sqlalchemy", "pydantic", "alembic", "httpx", "uvicorn"}.isdisjoint(said.split())
