"""`newsletter acts`: each story leaves its lines."""

import json
from collections.abc import Callable

from commands import Done

Run = Callable[..., Done]


def test_what_an_operator_does_leaves_its_lines(house: Run) -> None:
    """Import, export, suppressions, approval: who, what, and of what; and no address."""
    house("subscribers", "export", "list.csv")
    house("suppressions", "add", "dov@example.org", "--by", "otto")
    house("suppressions", "remove", "dov@example.org", "--note", "asked by phone", "--by", "otto")
    house("suppressions", "export")
    house("issue", "draft")
    house("issue", "approve", "1", "--by", "edna")
    said = house("acts", "--json").stdout
    found = [(row["what"], row["about"]) for row in json.loads(said)]

    assert found == [
        ("issue approve", "issue 1"),
        ("suppressions export", "to standard output"),
        ("suppressions remove", "asked by phone"),
        ("suppressions add", "manual"),
        ("subscribers export", "to list.csv"),
        ("subscribers import", "subscribers.csv: 48 rows"),
    ]
    assert [row["by"] for row in json.loads(said)][:3:2] == ["edna", "otto"]
    assert "@" not in said
    assert house("acts", "--most", "1").stdout.splitlines()[1].split()[2:] == ["edna", "issue", "approve", "issue", "1"]


def test_a_dry_run_and_a_change_that_was_none_leave_no_line(run: Run) -> None:
    """Nobody did anything."""
    run("init", "--yes")
    run("suppressions", "remove", "eve@example.org", "--note", "x")

    assert run("acts").stdout == "Nobody has done anything yet.\n"
