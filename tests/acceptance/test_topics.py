"""Topics through the command line: chosen in a file, previewed, drafted, sent, explained."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Done

Run = Callable[..., Done]
TOPICS = """
[[topics]]
slug = "models"
name = "Models"
categories = ["Models"]
[[topics]]
slug = "others"
name = "All others"
categories = ["Developer Tools", "AI Clients", "AI Hardware", "Writing", "Data", "Research"]
"""
PEOPLE = "email,topics,frequency\nmo@example.org,models,\ncho@example.org,,changes\n"


@pytest.fixture
def drafted(house: Run, tmp_path: Path) -> Run:
    """Two topics, the sample week as a draft, and two readers who chose."""
    config = tmp_path / "config.toml"
    config.write_text(config.read_text() + TOPICS)
    (tmp_path / "people.csv").write_text(PEOPLE)
    house("subscribers", "import", str(tmp_path / "people.csv"), "--consent", "a form")
    house("issue", "draft")
    return house


def test_from_the_check_to_the_reason_why_somebody_got_nothing(drafted: Run, tmp_path: Path) -> None:
    """Each command says of the parts what belongs to it."""
    checked = json.loads(drafted("issue", "check", "1", "--json").stdout)
    said = drafted("issue", "approve", "1").stdout
    shown = drafted("issue", "render", "1", "--topics", "models", "--out", str(tmp_path / "models")).stdout
    drafted("issue", "send", "1", "--yes")
    why = json.loads(drafted("subscribers", "explain", "cho@example.org", "--json").stdout)
    status = json.loads(drafted("issue", "status", "1", "--json").stdout)

    assert sorted(checked["parts"]) == ["models", "others"]
    assert "With it 2 parts for readers' choices: models (" in said
    assert "This is what you chose of issue 1." in (tmp_path / "models" / "issue.txt").read_text()
    assert "issue.html" in shown
    assert why["issues"][0]["why"] == "nothing of what they chose was in it"
    assert "if anything of what they chose is in it" in why["next"]
    assert '"unchosen": 1' in json.dumps(status)


def test_what_is_kept_of_a_choice_can_be_seen_and_counted(drafted: Run) -> None:
    """Of one reader, and of all."""
    one = json.loads(drafted("subscribers", "show", "mo@example.org", "--json").stdout)["subscriber"]
    everybody = json.loads(drafted("subscribers", "stats", "--json").stdout)["chosen"]

    assert (one["topics"], one["frequency"]) == ("models", "weekly")
    assert {"topics": "", "frequency": "changes", "people": 1} in everybody
    assert "They want models, every week." in drafted("subscribers", "show", "mo@example.org").stdout


def test_a_preview_for_whom_there_is_nothing_says_so(drafted: Run) -> None:
    """And a topic that is no word is a mistake of typing."""
    nothing = drafted("issue", "render", "1", "--often", "changes", code=1).stderr
    mistyped = drafted("issue", "render", "1", "--topics", "AI Models", code=1).stderr

    assert "they get no mail" in nothing
    assert "--topics: topics are words of small letters" in mistyped


def test_a_reader_who_asks_a_person_gets_what_they_ask_for(drafted: Run) -> None:
    """What was not named stays as it is; who did it, and how they asked, is the evidence."""
    said = drafted("subscribers", "choose", "mo@example.org", "--often", "monthly", "--by", "Mara", "--note", "by mail")
    known = json.loads(drafted("subscribers", "show", "mo@example.org", "--json").stdout)
    again = drafted("subscribers", "choose", "mo@example.org", "--topics", "models")
    drafted("subscribers", "choose", "mo@example.org", "--topics", "others,models", "--often", "weekly")

    assert said.stdout == "They want models, once a month; it counts from the next issue on.\n"
    event = known["events"][-1]
    assert (event["kind"], event["by"], event["source"]) == ("chose", "Mara", "command line")
    assert event["wording"] == "topics: models; how often: monthly; by mail"
    assert again.stdout == "They want models, once a month already.\n"
    assert "They want all topics, every week." in drafted("subscribers", "show", "mo@example.org").stdout


def test_a_choice_that_cannot_be_kept_is_one_sentence(drafted: Run) -> None:
    """And changes nothing."""
    drafted("subscribers", "add", "lou@example.org", "--consent", "a form")
    drafted("subscribers", "remove", "lou@example.org")
    mistakes = {
        ("mo@example.org",): "Say what they want: --topics models,tools",
        ("mo@example.org", "--topics", "model"): "There is no topic 'model'. There are models, others;",
        ("mo@example.org", "--topics", ","): "Name at least one topic",
        ("nobody@example.org", "--often", "weekly"): "Nobody with that address",
        ("lou@example.org", "--often", "weekly"): "They are unsubscribed and get nothing.",
    }

    for words, sentence in mistakes.items():
        assert sentence in drafted("subscribers", "choose", *words, code=1).stderr
    assert "They want models, every week." in drafted("subscribers", "show", "mo@example.org").stdout


def test_the_doctor_names_a_topic_that_nothing_is_in(drafted: Run, tmp_path: Path) -> None:
    """A misspelt category shows before a reader wonders."""
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace('["Models"]', '["Modles"]'))
    said = json.loads(drafted("doctor", "--no-dns", "--json").stdout)["findings"]

    [line] = [one for one in said if one["looked_at"] == "Topics"]
    assert (line["light"], "in models ('Modles')" in line["found"]) == ("yellow", True)


def test_an_import_refuses_a_topic_that_there_is_not(drafted: Run, tmp_path: Path) -> None:
    """As any word that is not known: the line is named, what there is, and nobody is added with it."""
    (tmp_path / "more.csv").write_text("email,topics\numa@example.org,nonsense\nida@example.org,models\n")
    done = json.loads(drafted("subscribers", "import", "more.csv", "--consent", "a form", "--json").stdout)
    (tmp_path / "more.csv").write_text("email,topics\numa@example.org,nonsense\n")
    left_out = drafted("subscribers", "import", "more.csv", "--consent", "a form", "--map", "topics=").stdout

    assert (done["counts"]["added"], done["counts"]["refused"]) == (1, 1)
    assert done["reasons"][0]["reason"] == (
        "has the topic 'nonsense', which is not one of [[topics]]; there are models, others"
    )
    assert "1 row." in left_out
    assert "all topics" in drafted("subscribers", "show", "uma@example.org").stdout
