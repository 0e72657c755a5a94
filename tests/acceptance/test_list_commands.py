"""The list on the command line: who is on it, who left, who may not be mailed."""

import json
from collections.abc import Callable
from pathlib import Path

from commands import Done

Run = Callable[..., Done]


def test_a_subscribers_life_on_the_command_line(house: Run) -> None:
    """Added, shown, taken off, taken up again, forgotten."""
    house("subscribers", "add", "zoe@example.org", "--consent", "asked at the meetup", "--name", "Zoë")
    shown = house("subscribers", "show", "zoe@example.org").stdout
    twice = house("subscribers", "add", "zoe@example.org", "--consent", "again").stdout
    house("subscribers", "remove", "zoe@example.org")
    left = house("subscribers", "remove", "zoe@example.org").stdout
    gone = house("subscribers", "remove", "zoe@example.org", "--erase", "--yes").stdout

    assert "asked at the meetup" in shown
    assert "Already active" in twice
    assert "are off the list already" in left
    assert "Erased" in gone
    explained = house("subscribers", "explain", "zoe@example.org").stdout
    assert ("erased" in explained, "No issue" in explained) == (True, False)


def test_nobody_who_is_suppressed_or_erased_is_added(house: Run) -> None:
    """As an import; nothing is stored of them, and the sentence says which command comes first."""
    house("subscribers", "remove", "ada@example.org", "--erase", "--yes")
    house("suppressions", "add", "zoe@example.org", "--reason", "complaint")
    for who, why in (("ada", "erased"), ("zoe", "complaint")):
        refused = house("subscribers", "add", f"{who}@example.org", "--consent", "asked", code=1).stderr
        assert f"({why}). Nothing was stored" in refused
        assert "newsletter suppressions remove" in refused
        assert "Not on the list" in house("subscribers", "show", f"{who}@example.org").stdout


def test_who_had_left_comes_back_with_a_new_yes_and_it_is_said(house: Run) -> None:
    """The consent is the yes, and is kept with the others."""
    house("subscribers", "remove", "ada@example.org")
    said = house("subscribers", "add", "ada@example.org", "--consent", "asked again").stdout

    assert said.startswith("On the list: active. They had left on 20")
    assert "asked again" in house("subscribers", "show", "ada@example.org").stdout


def test_the_list_is_searched_and_counted(house: Run) -> None:
    """By text, by status, page by page, in numbers."""
    found = json.loads(house("subscribers", "list", "--search", "ada", "--json").stdout)
    pending = json.loads(house("subscribers", "list", "--status", "pending", "--json").stdout)
    stats = json.loads(house("subscribers", "stats", "--json").stdout)

    assert [person["address"] for person in found] == ["ada@example.org"]
    assert {person["status"] for person in pending} == {"pending"}
    assert {"status": "paused", "people": 2} in stats["subscribers"]
    assert "Go on with --after" in house("subscribers", "list", "--most", "5").stdout
    assert "active" in house("subscribers", "stats").stdout


def test_a_suppression_is_lifted_only_by_name_and_with_a_reason(house: Run) -> None:
    """Added, listed, lifted with a note, and the note is kept."""
    house("suppressions", "add", "ada@example.org", "--reason", "hard-bounce")
    again = house("suppressions", "add", "ada@example.org").stdout
    listed = json.loads(house("suppressions", "list", "--json").stdout)
    house("suppressions", "remove", "ada@example.org", "--note", "new mailbox")
    shown = json.loads(house("subscribers", "show", "ada@example.org", "--json").stdout)

    assert "already" in again
    assert [row["reason"] for row in listed] == ["hard-bounce"]
    assert shown["lifted"][0]["note"] == "new mailbox"
    assert "not suppressed" in house("suppressions", "remove", "ada@example.org", "--note", "x").stdout


def test_suppressions_move_with_a_list(house: Run, tmp_path: Path) -> None:
    """In from another system, one row of it unreadable; out again."""
    (tmp_path / "bounces.csv").write_text("address,reason\nada@example.org,complaint\nnonsense,\n")
    done = json.loads(house("suppressions", "import", "bounces.csv", "--json").stdout)
    again = house("suppressions", "import", "bounces.csv").stdout
    house("suppressions", "export", "out.csv")

    assert (done["counts"]["added"], done["counts"]["refused"]) == (1, 1)
    assert "1 unchanged" in again
    assert "ada@example.org,complaint" in (tmp_path / "out.csv").read_text()
