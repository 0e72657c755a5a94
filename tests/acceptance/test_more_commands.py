"""The commands that the stories do not need every week."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Done

from newsletter.sample import PAGES
from newsletter.schema import newest

Run = Callable[..., Done]


def test_an_editor_asks_how_readers_voted(house: Run, tmp_path: Path) -> None:
    """As a table and for programs; without votes a sentence, and no percentage anywhere."""
    nothing = house("comparisons", "votes").stdout
    with sqlite3.connect(tmp_path / "data" / "newsletter.db") as database:
        database.execute("insert into vote values (1, 1, 'foley-vs-murmur', 'foley', 'ship', '2026-11-12 08:00:00')")
    database.close()

    assert "No community votes yet" in nothing
    assert "Did you mean heron-mini?" in house("comparisons", "votes", "heron").stdout
    assert "Did you mean" not in house("comparisons", "votes", "zuraw-2").stdout
    assert "Did you mean heron-mini-vs-zuraw-2?" in house("comparisons", "show", "zuraw", code=1).stderr
    assert "100%" in house("comparisons", "votes").stdout
    (found,) = json.loads(house("comparisons", "votes", "foley", "--json").stdout)
    assert found == {"tool": "foley", "name": "Foley", "ship": 1, "skip": 0, "percent": 100, "saved": 0}


def test_the_shelf_is_listed_by_week_and_by_news(house: Run) -> None:
    """Everything, then only what no issue has used, then one comparison with its versions."""
    house("issue", "draft")
    house("issue", "approve", "latest")
    everything = json.loads(house("comparisons", "list", "--json").stdout)
    new = json.loads(house("comparisons", "list", "--new", "--json").stdout)
    shown = house("comparisons", "show", "parlour-vs-understudy").stdout
    old = house("comparisons", "list", "--week", "2020-W01").stdout

    assert (len(everything), len(new)) == (14, 6)
    assert "Builder 83 ship" in shown
    assert old.startswith("Nothing.")


def test_a_single_page_gets_its_address_from_the_command(house: Run, tmp_path: Path) -> None:
    """A file that nobody named after its address."""
    page = (PAGES / "heron-mini-vs-zuraw-2.txt").read_text()
    (tmp_path / "page.txt").write_text(page.replace("Heron Mini", "Heron Maxi"))
    address = "https://compare.example.org/compare/heron-maxi-vs-zuraw-2"
    house("comparisons", "import", "page.txt", "--url", address)

    assert address in house("comparisons", "show", "heron-maxi-vs-zuraw-2").stdout


def test_an_editor_changes_everything(house: Run) -> None:
    """Lead, pins, drops, order, headline, subject, preheader: and a redraft keeps all of it."""
    house("issue", "draft")
    key = "foley-vs-murmur"
    house(
        "issue",
        "edit",
        "1",
        "--lead",
        key,
        "--headline",
        f"{key}=Footsteps, and the wind",
        "--drop",
        "heron-mini-vs-zuraw-2",
    )
    house("issue", "edit", "1", "--subject", "Footsteps, and the wind: eight pairs of tools")
    house("issue", "edit", "1", "--preheader", "A barn, two people, and every sound paid by the second used.")
    house(
        "issue",
        "edit",
        "1",
        "--order",
        "git-because-vs-palimpsest,lapel-vs-pocket-oracle",
        "--pin",
        "mo-vs-shift-notes",
        "--pin",
        "git-because-vs-palimpsest",
    )
    house("issue", "draft")

    shown = json.loads(house("issue", "show", "1", "--json").stdout)
    keys = [item["comparison"] for item in shown["items"]]
    assert shown["items"][0] == {"item": 1, "kind": "lead", "comparison": key, "headline": "Footsteps, and the wind"}
    assert keys.index("git-because-vs-palimpsest") < keys.index("lapel-vs-pocket-oracle")
    assert "mo-vs-shift-notes" in keys
    assert "heron-mini-vs-zuraw-2" not in keys
    assert shown["subject"].startswith("Footsteps, and the wind:")


def test_an_intro_comes_from_a_file(house: Run, tmp_path: Path) -> None:
    """And a file that cannot be read is named."""
    (tmp_path / "intro.md").write_text("Good *morning*.")
    house("issue", "draft")
    house("issue", "edit", "1", "--intro-file", "intro.md")

    assert "There is no file gone.md." in house("issue", "edit", "1", "--intro-file", "gone.md", code=1).stderr
    assert "Good *morning*." in house("issue", "show", "1", "--json").stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--headline", "no equals sign"), "is not KEY=TEXT"),
        (("--lead", "heron-mini-vs-zurrow"), "heron-mini-vs-zuraw-2"),
        (("--lead", "mo"), "Write more of the one you mean"),
        (("--intro", "x" * 30_000), "at most 20,000 fit"),
    ],
)
def test_a_bad_edit_is_refused_in_one_sentence(house: Run, words: tuple[str, ...], sentence: str) -> None:
    """The nearest right name where there is one."""
    house("issue", "draft")

    assert sentence in house("issue", "edit", "1", *words, code=1).stderr


def test_an_issue_is_scheduled_paused_cancelled_and_reopened(house: Run) -> None:
    """Each step says what comes next; an illegal one says what is possible."""
    house("issue", "draft")
    house("issue", "approve", "1", "--by", "Mara")
    scheduled = house("issue", "schedule", "1", "--at", "2099-01-01T08:00").stdout
    refused = house("issue", "pause", "1", code=1).stderr
    house("issue", "cancel", "1")
    house("issue", "reopen", "1")

    assert "Thursday, 01 January 2099" in scheduled
    assert "Possible now:" in refused
    assert "is a draft; nothing of it has been sent" in house("issue", "status", "1").stdout


def test_the_preflight_is_a_gate_for_scripts(house: Run, tmp_path: Path) -> None:
    """Exit code 1 where there are errors; the sizes are in the JSON."""
    house("issue", "draft")
    good = json.loads(house("issue", "check", "1", "--json").stdout)
    config = (tmp_path / "config.toml").read_text()
    (tmp_path / "config.toml").write_text(config.replace("http://localhost:8000", "https://news.example.org"))

    assert good["html_bytes"] < 100_000
    assert "postal" in house("issue", "check", "1", code=1).stdout


def test_a_test_copy_lands_in_the_outbox(house: Run, tmp_path: Path) -> None:
    """Marked in its subject."""
    house("issue", "draft")
    house("issue", "test", "1", "--to", "mara@example.org")

    assert '"subject": "[TEST] ' in (tmp_path / "outbox" / "index.jsonl").read_text()


def test_the_database_is_upgraded_and_tells_its_schema(house: Run) -> None:
    """Twice is once."""
    assert "is at the newest schema" in house("db", "upgrade").stdout
    assert "up to date" in house("db", "status").stdout
    assert json.loads(house("db", "status", "--json").stdout)["schema"] == newest()


def test_a_damaged_database_is_told_in_one_sentence(house: Run, tmp_path: Path) -> None:
    """No traceback, and nothing is written over it."""
    for path in (tmp_path / "data").glob("newsletter.db*"):
        path.unlink()
    (tmp_path / "data" / "newsletter.db").write_text("nonsense" * 1000)

    assert "is not a database" in house("issue", "list", code=1).stderr
    assert "is not a database" in house("init", code=1).stderr


@pytest.mark.parametrize(
    "words",
    [
        ("subscribers", "export", "nowhere/list.csv"),
        ("subscribers", "import", "config.toml", "--consent", "x", "--report", "nowhere/r.csv"),
        ("issue", "render", "1", "--out", "config.toml"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(house: Run, words: tuple[str, ...]) -> None:
    """The path, the reason, and no traceback."""
    house("issue", "draft")

    assert "cannot be used" in house(*words, code=1).stderr


@pytest.mark.parametrize(
    "words",
    [
        ("subscribers", "add", "zoe@example.org", "--consent", " "),
        ("issue", "draft", "--week", ""),
        ("comparisons", "import", ""),
        ("issue", "edit", "1", "--pin", "mo-vs-shift-notes", "--drop", "mo-vs-shift-notes"),
        ("issue", "edit", "1", "--intro", "x", "--intro-file", "y"),
    ],
)
def test_emptiness_and_contradictions_are_refused(house: Run, words: tuple[str, ...]) -> None:
    """Exit code 1, and nothing is changed."""
    house("issue", "draft")
    before = house("issue", "show", "1", "--json").stdout
    house(*words, code=1)

    assert house("issue", "show", "1", "--json").stdout == before


def test_a_sent_issue_is_not_to_be_paused_instead_of_cancelled(house: Run) -> None:
    """Everybody has it: there is nobody who would never get it."""
    house("issue", "draft")
    house("issue", "approve", "1")
    house("issue", "send", "1", "--yes")

    assert "is sent already. Nothing is left to cancel." in house("issue", "cancel", "1", code=1).stderr


def test_a_nameless_approval_is_refused(house: Run) -> None:
    """Who approved is written down."""
    house("issue", "draft")

    assert "cannot be empty" in house("issue", "approve", "1", "--by", " ", code=2).stderr


def test_an_outbox_that_cannot_be_written_says_why(house: Run, tmp_path: Path) -> None:
    """The path and the reason; nobody is lost, and the next run reaches everybody."""
    house("issue", "draft")
    house("issue", "approve", "1")
    (tmp_path / "outbox").write_text("in the way")
    refused = house("issue", "send", "1", "--yes", code=1).stderr
    (tmp_path / "outbox").unlink()

    assert "outbox cannot be written" in refused
    assert "is sent" in house("issue", "send", "1", "--yes").stdout


def test_cancelling_what_some_readers_have_asks_for_a_yes(house: Run, tmp_path: Path) -> None:
    """It cannot be undone: pausing is named as the other way."""
    house("issue", "draft")
    house("issue", "approve", "1")
    (tmp_path / "outbox").write_text("in the way")
    house("issue", "send", "1", "--yes", code=1)

    assert "Pause it" in house("issue", "cancel", "1", code=1).stderr
    assert "is cancelled" in house("issue", "cancel", "1", "--yes").stdout


def doubt_all(house: Run, tmp_path: Path, status: str) -> None:
    """An issue of this status goes out, and its call is marked by hand as unknown."""
    house("issue", "draft")
    house("issue", "approve", "1")
    house("issue", "send", "1", "--yes")
    with sqlite3.connect(tmp_path / "data" / "newsletter.db") as database:
        database.execute("update batch set status = 'unknown', doubtful = 1")
        database.execute("update issue set status = ?", [status])
    database.close()


def test_doubt_is_listed_and_closed_by_an_operators_word(house: Run, tmp_path: Path) -> None:
    """Marked by hand as unknown, as a provider without key and look-up would leave it; told not sent; sent."""
    doubt_all(house, tmp_path, "partial")
    (doubt,) = json.loads(house("unknown", "list", "--json").stdout)
    house("unknown", "not-sent", str(doubt["batch"]), "--note", "console: nothing")
    house("issue", "resume", "1")
    done = house("issue", "send", "1", "--yes").stdout

    assert doubt["people"] == 41
    assert "is sent" in done
    assert "Nothing is in doubt" in house("unknown", "list").stdout
    assert "in doubt" in house("unknown", "accepted", str(doubt["batch"]), "--note", "x", code=1).stderr


def test_a_doubt_of_a_cancelled_issue_is_closed_as_not_sent(house: Run, tmp_path: Path) -> None:
    """Nobody sends it again; and nobody has to say that it was accepted to be rid of the doubt."""
    doubt_all(house, tmp_path, "cancelled")
    said = house("unknown", "not-sent", "1", "--note", "console: nothing").stdout

    assert "41 people count as not sent now. Issue 1 (" in said
    assert "is cancelled: nobody else gets it." in said
    assert "Nothing is in doubt" in house("unknown", "list").stdout
    assert json.loads(house("issue", "status", "1", "--json").stdout)["refused"] == 41


def test_a_comparison_is_named_as_a_person_would(house: Run) -> None:
    """By a tool, and by its number in the issue."""
    house("issue", "draft")
    dropped = json.loads(house("issue", "show", "1", "--json").stdout)["items"][4]["comparison"]
    house("issue", "edit", "1", "--lead", "foley", "--drop", "5")

    keys = [item["comparison"] for item in json.loads(house("issue", "show", "1", "--json").stdout)["items"]]
    assert keys[0] == "foley-vs-murmur"
    assert dropped not in keys
