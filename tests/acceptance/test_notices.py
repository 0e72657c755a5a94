"""`newsletter notices`: what needs a person, and whether people can be told."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from commands import Done
from desk_samples import place
from sqlalchemy import Engine

from newsletter.cli.week import look_around
from newsletter.config import Telling

Run = Callable[..., Done]
SETTING = '[telling]\neditors = ["Edna <edna@desk.example>"]\nwebhook = "http://127.0.0.1:9/x"\n'


def tell(tmp_path: Path) -> None:
    """Edna is told, and a chat that does not exist."""
    (tmp_path / "config.toml").write_text(SETTING)
    (tmp_path / "hook.key").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwbWVlb2RlbGw=")


def test_what_needs_a_person_is_listed_with_what_to_do(house: Run) -> None:
    """Nothing at first; then a draft, for people and for programs."""
    first = house("notices").stdout
    house("issue", "draft")
    said, (row,) = house("notices").stdout, json.loads(house("notices", "--json").stdout)

    assert first == "Nothing needs a person.\n\n"
    assert said.startswith("INFO  The draft of issue 1 (")
    assert "Approve it: newsletter issue approve 1\n  Since " in said
    assert (row["key"], row["resolved_at"]) == ("draft-ready:1", None)


def test_trying_says_who_cannot_be_told_and_why(house: Run, tmp_path: Path) -> None:
    """The mail lies in the outbox; the chat has no key."""
    nobody = house("notices", "--try").stdout
    tell(tmp_path)
    tried = house("notices", "--try", "--json", code=1)

    assert nobody.startswith("Nobody is told anything: set editors, operators or webhook")
    assert [(row["way"], row["told"]) for row in json.loads(tried.stdout)] == [
        ("webhook", False),
        ("mail:edna@desk.example", True),
    ]
    assert "This is only to see" in next((tmp_path / "outbox" / "new").iterdir()).read_text()


def test_the_week_by_hand_tells_as_well_and_is_not_stopped_by_a_chat_that_is_away(house: Run, tmp_path: Path) -> None:
    """Cron without `serve`: the editor gets the draft, and the week is done."""
    tell(tmp_path)
    done = house("week")

    assert "Issue 1" in done.stdout
    assert "Notices cannot be told by webhook" in done.stderr
    assert "is ready" in next((tmp_path / "outbox" / "new").iterdir()).read_text()


def test_a_look_around_that_fails_is_said_and_fails_nothing(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The week is done by then."""
    here = place(engine)
    config = here.desk.config.model_copy(update={"telling": Telling(operators=("otto@desk.example",))})
    engine.dispose()
    (tmp_path / "newsletter.db").write_text("no database at all" * 100)
    look_around(replace(here.desk, config=config))

    assert capsys.readouterr().err.startswith("Nobody was told of anything: ")
