"""The stories of an editor and an operator, told with the real commands in a real shell."""

import json
import mailbox
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Done

from newsletter.sample import PAGES, SUBSCRIBERS

Run = Callable[..., Done]


def as_json(done: Done) -> dict[str, Any]:
    """What a command printed as JSON."""
    return json.loads(done.stdout)


def test_the_demo_delivers_the_sample_week(run: Run, tmp_path: Path) -> None:
    """One issue, one message for each eligible person, and a place to look."""
    done = run("demo")

    assert len(mailbox.Maildir(tmp_path / "outbox", create=False)) == 40
    assert "40 accepted" in done.stdout
    assert "It goes at once." in done.stdout
    assert "issue reopen" not in done.stdout
    assert "serve     its pages, at http://localhost:8000\n" in done.stdout
    assert "How readers voted" in (tmp_path / "outbox" / "issue.html").read_text()


def test_the_installed_command_tells_a_story_in_a_real_shell(tmp_path: Path) -> None:
    """Once with real processes: init, an empty week, a mistake; exit codes and streams as a script sees them."""

    def shell(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "newsletter", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603

    done = [shell("init", "--yes"), shell("week"), shell("issue", "show", "7")]

    assert [one.returncode for one in done] == [0, 0, 1]
    assert "No issue for" in done[1].stdout
    assert done[2].stderr.startswith("newsletter: There is no issue 7")


def test_the_demo_again_gives_nobody_a_second_copy(run: Run, tmp_path: Path) -> None:
    """The same messages, and a sentence that says so."""
    run("demo")
    before = sorted((tmp_path / "outbox" / "new").iterdir())
    done = run("demo", "--again")

    assert sorted((tmp_path / "outbox" / "new").iterdir()) == before
    assert "is sent already" in done.stdout


def test_the_demo_does_not_empty_a_folder_that_it_did_not_make(run: Run, tmp_path: Path) -> None:
    """Somebody's own mail stays where it is."""
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "letter.txt").write_text("dear friend")

    done = run("demo", code=1)

    assert "did not make" in done.stderr
    assert (tmp_path / "outbox" / "letter.txt").exists()


def test_from_nothing_to_a_sent_issue(house: Run, tmp_path: Path) -> None:
    """Draft, change, look, check, approve, send: what an editor does in a week."""
    house("issue", "draft")
    house("issue", "edit", "latest", "--intro", "Good morning, {name}.")
    house("issue", "render", "latest", "--out", "preview", "--as", "ada@example.org")
    house("issue", "check", "latest")
    house("issue", "approve", "latest", "--by", "Mara")
    house("issue", "send", "latest", "--yes")

    status = as_json(house("issue", "status", "latest", "--json"))
    assert (status["status"], status["accepted"]) == ("sent", 41)
    assert "Good morning, Ada" in (tmp_path / "preview" / "issue.txt").read_text()
    assert len(mailbox.Maildir(tmp_path / "outbox", create=False)) == 41


def test_what_was_approved_is_what_is_sent(house: Run, tmp_path: Path) -> None:
    """Invariant 4 from outside: the preview of the approved issue and the message that left are the same bytes."""
    house("issue", "draft")
    house("issue", "approve", "latest")
    house("issue", "render", "latest", "--out", "preview", "--as", "ada@example.org")
    house("issue", "send", "latest", "--yes")

    box = mailbox.Maildir(tmp_path / "outbox", create=False)
    (sent,) = [message for message in box if message["To"] == "ada@example.org"]
    html = sent.get_payload()[1].get_payload(decode=True).decode()
    assert html.replace("\r\n", "\n") == (tmp_path / "preview" / "issue.html").read_text()


def test_an_edit_voids_the_approval_and_says_so(house: Run) -> None:
    """Nothing is sent that nobody approved."""
    house("issue", "draft")
    house("issue", "approve", "latest", "--by", "Mara")
    done = house("issue", "edit", "latest", "--subject", "Another subject for this week")
    refused = house("issue", "send", "latest", "--yes", code=1)

    assert "The approval by Mara" in done.stdout
    assert "is a draft" in refused.stderr


def test_sending_without_a_terminal_asks_for_yes(house: Run) -> None:
    """A script that forgets it mails nobody."""
    house("issue", "draft")
    house("issue", "approve", "latest")

    done = house("issue", "send", "latest", code=1)

    assert "Add --yes" in done.stderr
    assert "goes to 41 people" in done.stdout


def test_importing_again_changes_nothing(house: Run) -> None:
    """Pages and people: the second time everything is there already."""
    pages = as_json(house("comparisons", "import", str(PAGES), "--json"))
    people = as_json(house("subscribers", "import", str(SUBSCRIBERS), "--consent", "the same", "--json"))

    assert {row["shelf"] for row in pages["comparisons"]} == {"unchanged"}
    assert people["counts"]["added"] == 0


def test_a_dry_run_changes_nothing(run: Run) -> None:
    """The report is the same, the list is not."""
    run("init", "--yes")
    run("comparisons", "import", str(PAGES), "--dry-run")
    done = run("subscribers", "import", str(SUBSCRIBERS), "--consent", "form", "--dry-run", "--json")

    assert as_json(done)["counts"]["added"] > 40
    assert as_json(run("subscribers", "list", "--json")) == []
    assert as_json(run("comparisons", "list", "--json")) == []


def test_an_operator_finds_out_why_somebody_got_nothing(house: Run) -> None:
    """Suppressed by hand, then explained."""
    house("suppressions", "add", "ada@example.org", "--note", "asked by phone")
    house("issue", "draft")
    house("issue", "approve", "latest")
    house("issue", "send", "latest", "--yes")

    done = as_json(house("subscribers", "explain", "ada@example.org", "--json"))
    assert done["issues"][0]["got_it"] is False
    assert done["issues"][0]["why"] == "was suppressed (manual)"


def test_a_list_goes_out_and_comes_back_the_same(house: Run, tmp_path: Path) -> None:
    """A raw export imported into an empty house, exported again."""
    house("subscribers", "export", "list.csv", "--raw")
    (tmp_path / "data" / "newsletter.db").unlink()
    house("init", "--yes")
    house("subscribers", "import", "list.csv", "--consent", "moved")
    house("subscribers", "export", "again.csv", "--raw")

    assert (tmp_path / "list.csv").read_text() == (tmp_path / "again.csv").read_text()


def test_a_failed_source_is_not_a_quiet_week(house: Run, tmp_path: Path) -> None:
    """Invariant 3: the weekly job says what failed and makes no issue."""
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace("collect = []", 'collect = ["gone"]'))

    done = house("week", code=1)

    assert "half-read" in done.stdout
    assert as_json(house("issue", "list", "--json")) == []


def test_the_weekly_job_leaves_a_draft_for_the_editor(house: Run) -> None:
    """The default: a person approves. Running it again changes nothing."""
    first = as_json(house("week", "--json"))
    second = as_json(house("week", "--json"))

    assert (first["result"], second["result"]) == ("waiting", "waiting")
    assert len(as_json(house("issue", "list", "--json"))) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("issue", "list"), "newsletter init"),
        (("issue", "show", "12"), "newsletter init"),
    ],
)
def test_before_init_every_command_says_what_to_run(run: Run, words: tuple[str, ...], sentence: str) -> None:
    """The newcomer's first mistake ends in one sentence."""
    assert sentence in run(*words, code=1).stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("issue", "show", "12"), "There is no issue 12"),
        (("issue", "draft", "--week", "next"), "is not an ISO week"),
        (("comparisons", "import", "nowhere.txt"), "nowhere.txt"),
        (("comparisons", "show", "this-vs-that"), "There is no comparison"),
        (("subscribers", "show", "not an address"), "address"),
        (("subscribers", "remove", "eve@example.org"), "Nobody with that address"),
        (("subscribers", "import", "gone.csv", "--consent", "x"), "cannot be read"),
        (("issue", "edit", "latest"), "Nothing to change"),
        (("issue", "schedule", "latest", "--at", "soon"), "is not a time"),
    ],
)
def test_a_mistake_ends_in_one_sentence(house: Run, words: tuple[str, ...], sentence: str) -> None:
    """No traceback, exit code 1, and what to do."""
    done = house(*words, code=1)

    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_usage_has_its_own_exit_code(run: Run) -> None:
    """Two: for scripts that want to tell a typing error from a failure."""
    assert "Usage" in run("issue", "send", code=2).stderr


def test_every_command_explains_itself_with_an_example(run: Run) -> None:
    """--help says what it does in one line and shows how it is typed."""
    nouns = {"comparisons", "issue", "subscribers", "suppressions", "unknown", "db"}
    for noun in nouns:
        listing = run(noun, "--help").stdout.partition("Commands:")[2]
        for line in filter(str.strip, listing.splitlines()):
            if not line.startswith("   "):
                assert "Example:" in run(noun, line.split()[0], "--help").stdout


def test_the_house_can_be_moved(house: Run, tmp_path: Path) -> None:
    """Paths count from config.toml, so the folder can be anywhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("config.toml", "data"):
        shutil.move(tmp_path / name, elsewhere / name)

    assert len(as_json(house("--config", "elsewhere/config.toml", "comparisons", "list", "--json"))) == 14
