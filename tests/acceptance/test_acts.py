"""`newsletter acts`: each story leaves its lines."""

import getpass
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


def test_who_did_it_is_the_login_where_nobody_is_named(house: Run) -> None:
    """In the acts, with the suppression, and in the evidence of consent."""
    house("suppressions", "add", "dov@example.org")
    house("subscribers", "add", "zoe@example.org", "--consent", "asked")
    suppressed = json.loads(house("suppressions", "list", "--json").stdout)
    shown = json.loads(house("subscribers", "show", "zoe@example.org", "--json").stdout)
    done = json.loads(house("acts", "--json").stdout)

    assert {row["by"] for row in (*suppressed, *shown["events"], *done)} == {getpass.getuser()}


def test_an_erasure_asks_first_and_leaves_its_line(house: Run) -> None:
    """A script says --yes; without a terminal nothing is asked, and nothing done."""
    refused = house("subscribers", "remove", "ada@example.org", "--erase", code=1).stderr
    before = house("subscribers", "show", "ada@example.org").stdout
    house("subscribers", "remove", "ada@example.org", "--erase", "--yes", "--by", "otto")
    newest = json.loads(house("acts", "--json").stdout)[0]

    assert "Add --yes" in refused
    assert "Not on the list" not in before
    assert (newest["what"], newest["by"], newest["about"]) == ("subscribers remove --erase", "otto", "one person")
