"""Which part of an issue a choice gets: pure, from the comparisons and the topics."""

from itertools import combinations

import pytest
from issue_samples import pair, tool
from mail_samples import READERS

from newsletter.issues.candidates import Chosen
from newsletter.issues.composition import ItemKind
from newsletter.issues.manifest import Manifest, load
from newsletter.issues.parts import Plan, everything_asked, plan
from newsletter.topics import MOST_TOPICS, Topic
from subscribers.choice import Choice, Frequency

MODELS = Topic(slug="models", name="Models", categories=("Models", "AI Models", "Open Source Models"))
TOOLS = Topic(slug="tools", name="Tools", categories=("Developer Tools",))
GAMES = Topic(slug="games", name="Games", categories=("Gaming",))
TOPICS = (MODELS, TOOLS, GAMES)
_L, _B, _C = ItemKind.LEAD, ItemKind.BRIEF, ItemKind.CHANGE


def item(kind: ItemKind, name: str, one: str, other: str = "") -> Chosen:
    """A comparison of two tools of these categories; its key is like "a-vs-a2"."""
    return Chosen(kind, pair(tool(name, category=one), tool(f"{name}2", category=other or one)), 1)


#: A lead of both, a change of a tool, a model, a game, and something that is in no topic.
ISSUE = (
    item(_L, "a", "Developer Tools", "AI Models"),
    item(_C, "b", "Developer Tools"),
    item(_B, "c", "Open Source Models"),
    item(_B, "d", "Gaming"),
    item(_B, "e", "Health"),
)
OLD = (item(_B, "x", "Models"), item(_L, "y", "Gaming"), item(_B, "a", "Developer Tools", "AI Models"))


def manifest(found: Plan) -> Manifest:
    """As it is kept with the issue."""
    made = Manifest("w", dict.fromkeys(found.parts, "d"), tuple(topic.slug for topic in TOPICS), found.table)
    return load(made.text)


def held(found: Plan, topics: str = "", often: str = "weekly", *, more: bool = False) -> str:
    """What this choice gets, as letters, the month's after a stroke; "all" for the whole, "-" for nothing."""
    name = manifest(found).part_for(Choice.of(topics, often), changes_too=more)
    if not name:
        return "-" if name is None else "all"
    part = found.parts[name]
    here, early = ("".join(one.key[0] for one in some) for some in (part.items, part.earlier))
    return here + (f"/{early}" if early else "")


@pytest.mark.parametrize(
    ("topics", "often", "more", "holds"),
    [
        ("", "weekly", False, "all"),
        ("models", "weekly", False, "ace"),
        ("tools", "weekly", False, "abe"),
        ("games", "weekly", False, "de"),
        ("games,tools", "weekly", False, "abde"),
        ("games,models,tools", "weekly", False, "all"),
        ("gone", "weekly", False, "all"),
        ("games,gone", "weekly", False, "de"),
        ("", "changes", False, "b"),
        ("tools", "changes", False, "b"),
        ("games", "changes", False, "-"),
        ("games", "changes", True, "b"),
        ("games", "weekly", True, "bde"),
        ("", "weekly", True, "all"),
        ("", "monthly", False, "-"),
        ("models", "monthly", False, "-"),
        ("models", "monthly", True, "b"),
    ],
)
def test_a_choice_gets_what_it_names(topics: str, often: str, more: bool, holds: str) -> None:
    """What is in no topic goes to everybody; a topic that is gone says nothing; a month is not over yet."""
    assert held(plan(ISSUE, TOPICS, None), topics, often, more=more) == holds


@pytest.mark.parametrize(
    ("topics", "holds"), [("", "abcde/xy"), ("models", "ace/x"), ("games", "de/y"), ("tools", "abe")]
)
def test_the_mail_of_the_month_has_the_issues_before_it(topics: str, holds: str) -> None:
    """Each comparison once: what stands in this issue does not come again."""
    assert held(plan(ISSUE, TOPICS, OLD), topics, "monthly") == holds


@pytest.mark.parametrize(
    ("asked", "named"), [("models", "mx"), ("games", "x"), ("games.tools", "tx"), ("monthly", "mtx"), ("changes", "")]
)
def test_a_part_says_how_readers_voted_on_what_is_in_its_topics(asked: str, named: str) -> None:
    """What is in no topic is for everybody; who asked for changed verdicts gets those."""
    of = {"m": "AI Models", "t": "Developer Tools", "x": "Health"}
    lines = (READERS.tools[0].model_copy(update={"tool": name, "categories": (one,)}) for name, one in of.items())
    part = plan(ISSUE, TOPICS, OLD, READERS.model_copy(update={"tools": tuple(lines)})).parts[asked]

    assert "".join(one.tool for one in part.readers.tools) == named if part.readers else not named


def test_choices_that_hold_the_same_are_one_part() -> None:
    """With the name of the plainest: no bytes twice, and nobody's own."""
    found = plan(ISSUE[:1] + ISSUE[4:], TOPICS, ())

    assert list(found.parts) == ["games"]
    assert {found.table[key] for key in ("models|weekly", "tools|monthly", "|weekly|and-changes")} == {""}


def test_without_topics_and_changes_there_is_nothing_but_the_whole() -> None:
    """And who gets nothing stands in a table that the approval is bound to all the same."""
    found = plan(ISSUE[:1] + ISSUE[2:], (), None)
    other = Plan({}, {**found.table, "|monthly": ""})

    assert found.parts == {}
    assert (found.table["|weekly"], found.table["|monthly"]) == ("", None)
    assert manifest(found).digest != manifest(other).digest


def test_the_lead_stays_the_lead_or_the_first_brief_is_it() -> None:
    """A part without news has none; what led an earlier issue leads none any more, but stands before the rest."""
    parts = plan(ISSUE, TOPICS, OLD).parts
    kinds = {name: "".join(f"{one.kind[0]}{one.key[0]}" for one in part.arranged(9)) for name, part in parts.items()}

    assert (kinds["models"], kinds["games"], kinds["changes"]) == ("labcbe", "ldbe", "cb")
    assert kinds["monthly"] == "lacbbcbdbebybx"


def test_the_number_of_parts_is_bounded() -> None:
    """By the topics and the issue, never by the readers."""
    topics = [Topic(slug=f"t{at}", name="T", categories=(f"C{at}",)) for at in range(MOST_TOPICS)]
    issue = [item(_L if not at else _B, "abcdef"[at], f"C{at}") for at in range(MOST_TOPICS)]

    assert len(list(everything_asked(topics))) == 2 * len(Frequency) * (2**MOST_TOPICS - 1)
    assert len(plan(issue, topics, None).parts) == 2**MOST_TOPICS - 2


def test_every_choice_that_there_can_be_is_answered() -> None:
    """Whatever is in the issue, and in whatever order somebody chose."""
    found = manifest(plan(ISSUE, TOPICS, OLD))
    slugs = [*(topic.slug for topic in TOPICS), "gone"]
    asked = [some for number in range(5) for some in combinations(slugs, number)]

    answers = [found.part_for(Choice.of(some, often), changes_too=more) for some in asked for often in Frequency
               for more in (False, True)]  # fmt: skip
    assert {name for name in answers if name} == set(found.parts)


def test_what_was_approved_before_there_were_parts_goes_to_everybody_whole() -> None:
    """An empty manifest is what an older program left."""
    assert load("").part_for(Choice.of("models", "monthly")) == ""
    assert load("").is_approved_by("w", "w")
    assert not load("").is_approved_by("w", "x")


@pytest.mark.parametrize(("topics", "holds"), [((), True), (TOPICS, False)])
def test_an_approval_of_the_whole_alone_is_an_older_one_of_an_issue_without_parts(
    topics: tuple[Topic, ...], holds: bool
) -> None:
    """Then the table stood beside it. With parts the digest was always the manifest's."""
    found = manifest(plan(ISSUE, topics, OLD) if topics else plan(ISSUE[:1], (), None))

    assert found.is_approved_by("w", "w") == holds
    assert found.is_approved_by(found.digest, "w")
    assert not found.is_approved_by(found.digest, "x")


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "x",
        '{"whole": "w", "parts": {}, "topics": 3, "table": {}}',
        '{"whole": "w", "parts": {}, "topics": [], "table": []}',
        '{"whole": "w", "parts": {}, "topics": [], "table": {"|weekly": "", "|changes": "changes"}}',
    ],
)
def test_a_damaged_manifest_is_refused(text: str) -> None:
    """Rather than read half."""
    with pytest.raises(ValueError, match=r"manifest|Expecting"):
        load(text)
