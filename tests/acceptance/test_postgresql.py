"""From SQLite to a server on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

from commands import Done

Run = Callable[..., Done]


def test_the_database_moves_with_one_command(house: Run, make_database: Callable[[], str], tmp_path: Path) -> None:
    """What it prints is all that there is to do; afterwards every command finds the same people over there."""
    url, before = make_database(), house("subscribers", "stats", "--json").stdout
    said = house("db", "move", url).stdout
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace("sqlite:///data/newsletter.db", url))

    assert f'url = "{url}"' in said
    assert "read back and equal" in said
    assert house("subscribers", "stats", "--json").stdout == before
    assert json.loads(house("db", "status", "--json").stdout)["database"].startswith("postgresql://")
    assert "no SQLite file" in house("db", "backup", str(tmp_path), code=1).stderr


def test_a_url_with_a_password_is_refused_and_not_repeated(house: Run) -> None:
    """It would stand in the shell's history and in the list of processes."""
    refused = house("db", "move", "postgresql://newsletter:hunter2@localhost/newsletter", code=1).stderr

    assert "NEWSLETTER_DATABASE_PASSWORD" in refused
    assert "hunter2" not in refused


def test_a_worker_needs_a_server(house: Run) -> None:
    """On a file one process sends."""
    assert "newsletter db move" in house("worker", code=1).stderr
