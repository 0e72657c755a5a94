"""The parts of an issue are rendered, checked and frozen with it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from desk_samples import Place, furnished
from people import PAGE
from post_samples import Reader
from reading_provider import ReadingProvider
from sqlalchemy import Engine, event
from sqlmodel import delete, func, update
from topic_samples import TOOLS, TOPICS, TWO, wants, with_topics

from newsletter.desk import looking, sending, writing
from newsletter.desk.editions import Edition, edition, rendered
from newsletter.desk.post import deliver
from newsletter.errors import IssueError
from newsletter.issues.approval import FrozenIssue, FrozenPart
from newsletter.issues.edits import lead_with, with_intro, with_subject
from newsletter.issues.history import candidates
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.mail.rendered import Finding, Level
from newsletter.topics import Topic
from subscribers.choice import Choice, Frequency
from subscribers.letters import About, owe
from subscribers.subscriber import confirm, require, unsubscribe

pytestmark = pytest.mark.sqlite


def approved(engine: Engine, topics: Sequence[Topic] = TWO) -> tuple[Place, Edition]:
    """The sample week with its parts."""
    here = with_topics(engine, *topics)
    writing.draft(here.desk)
    return here, writing.approve(here.desk, "1", by="Mara")[1]


def kept(here: Place) -> Edition:
    """The same as it is stored."""
    with here.desk.reading() as session:
        return edition(here.desk, session, here.desk.find(session, "1"))


def test_all_parts_are_frozen_and_covered_by_one_digest(engine: Engine) -> None:
    """Six for three topics; read back as they were approved."""
    here, made = approved(engine, TOPICS)

    assert sorted(made.parts) == ["models", "models.rest", "models.tools", "rest", "rest.tools", "tools"]
    assert (kept(here).parts, kept(here).digest) == (made.parts, made.digest)
    with here.desk.reading() as session:
        assert here.desk.find(session, "1").digest == made.digest != made.whole.digest


def without_parts(engine: Engine) -> tuple[Place, Edition]:
    """The sample week without topics and changes: whoever wants a mail gets the whole, the others get nothing."""
    here = furnished(engine)
    writing.draft(here.desk)
    made = writing.approve(here.desk, "1", by="Mara")[1]
    assert made.parts == {}
    return here, made


@pytest.mark.parametrize("listed", [FrozenIssue.manifest, ""], ids=["with its table", "before there were parts"])
def test_what_an_older_version_approved_stays_approved(engine: Engine, listed: object) -> None:
    """Where an issue had no parts the digest was that of the whole."""
    here, made = without_parts(engine)
    with here.desk.transaction() as session:
        session.execute(update(FrozenIssue).values(manifest=listed, digest=made.whole.digest))
        session.execute(update(Issue).values(digest=made.whole.digest))

    assert (kept(here).whole, kept(here).digest) == (made.whole, made.whole.digest)


def test_who_gets_nothing_is_approved_as_well(engine: Engine) -> None:
    """The table is under the digest also where it names no part."""
    here, _ = without_parts(engine)
    with here.desk.transaction() as session:
        other = func.replace(FrozenIssue.manifest, '"|changes": null', '"|changes": ""')
        session.execute(update(FrozenIssue).values(manifest=other))

    with pytest.raises(IssueError, match="not what was approved"):
        sending.send(here.desk, "1", by="Mara")
    assert not here.provider.calls


def test_an_issue_that_lacks_a_part_does_not_begin(engine: Engine) -> None:
    """Also where nobody wants that one: somebody may have chosen it by then. It is said before anybody is mailed."""
    here, _ = approved(engine)
    with here.desk.transaction() as session:
        session.execute(delete(FrozenPart).where(FrozenPart.name == "models"))

    with pytest.raises(IssueError, match=r"lacks 1 of its parts, as 'models' .* Nothing is sent\."):
        sending.send(here.desk, "1", by="Mara")
    with here.desk.reading() as session:
        assert here.desk.find(session, "1").status is IssueStatus.APPROVED


@pytest.mark.parametrize(
    "damage",
    [
        update(FrozenPart).where(FrozenPart.name == "models").values(content="{}"),
        update(FrozenIssue).values(manifest="{}"),
        update(FrozenIssue).values(
            manifest=func.replace(FrozenIssue.manifest, '"others|weekly": "others"', '"others|weekly": ""')
        ),
    ],
    ids=["a part", "the manifest", "who gets which"],
)
def test_what_was_changed_since_is_never_shown(engine: Engine, damage: object) -> None:
    """Neither a part nor the table of who gets which."""
    here, _ = approved(engine)
    with here.desk.transaction() as session:
        session.execute(damage)

    with pytest.raises(IssueError, match="not what was approved"), here.desk.reading() as session:
        rendered(here.desk, session, here.desk.find(session, "1"), "models")


def test_an_error_in_a_part_counts_and_says_where(engine: Engine) -> None:
    """What the whole has as well is said once; an error anywhere keeps the issue from being approved."""
    _, made = approved(engine)
    both, own = Finding(Level.WARNING, "w", "Both have it."), Finding(Level.ERROR, "e", "Too long.")
    parts = {"models": replace(made.parts["models"], findings=(both, own))}
    found = replace(made, whole=replace(made.whole, findings=(both,)), parts=parts).findings

    assert [one.message for one in found] == ["In the part 'models': Too long.", "Both have it."]


def tool_of(here: Place) -> str:
    """The key of the one comparison of developer tools."""
    with here.desk.reading() as session:
        found = candidates(session, before=here.clock() + timedelta(days=1))
    return next(one.key for one in found if one.comparison.tools[0].category == "Developer Tools")


def test_the_editors_subject_is_only_for_whom_it_speaks_to(engine: Engine) -> None:
    """It is about the lead. The introduction is for everybody."""
    here = with_topics(engine, *TWO)
    writing.draft(here.desk)
    writing.edit(
        here.desk,
        "1",
        lambda _s, _i, edits: with_intro(with_subject(edits, "Lapel, and why we waited"), "Hello."),
        by="M",
    )
    made = writing.approve(here.desk, "1", by="Mara")[1]

    assert {name for name, part in made.parts.items() if part.subject == "Lapel, and why we waited"} == {"others"}
    assert all("Hello." in part.text for part in made.parts.values())


def test_a_preview_of_a_topic_that_there_is_not_is_a_sentence(engine: Engine, tmp_path: Path) -> None:
    """Not the whole issue, which somebody would take for the part."""
    here, _ = approved(engine)

    with pytest.raises(IssueError, match=r"no topic 'model': it has models, others\."):
        looking.write(here.desk, "1", tmp_path / "out", choice=Choice.of("model,others"))
    assert not (tmp_path / "out").exists()


def test_a_test_copy_is_of_the_part_that_somebody_asks_for(engine: Engine) -> None:
    """Before the approval and after it; a choice that gets nothing is told so, and nothing goes out."""
    here = with_topics(engine, *TWO)
    here.desk = replace(here.desk, provider=ReadingProvider(remembers=True))
    writing.draft(here.desk)
    to, models = ["mara@example.org"], Choice.of("models")
    assert sending.send_test(here.desk, "1", to, models) == "models"
    made = writing.approve(here.desk, "1", by="Mara")[1]
    here.clock.forward(seconds=1)
    assert sending.send_test(here.desk, "1", to, models) == "models"

    with pytest.raises(IssueError, match="they get no mail"):
        sending.send_test(here.desk, "1", to, Choice.of("", "changes"))
    mailed = (made.parts["models"].digest, "https://news.example.org/issues/2026-W46/models")
    assert [one[1:] for one in here.provider.posted] == [mailed, mailed]


def test_the_welcome_of_who_comes_back_is_what_they_chose(engine: Engine) -> None:
    """What they chose before they left counts again; where nothing of the issue is for them, it is a few words."""
    here = with_topics(engine, *TWO)
    here.desk = replace(here.desk, provider=Reader(remembers=True))
    wants(here, "eve", "models")
    wants(here, "finn", "", "changes")
    writing.draft(here.desk)
    made = writing.approve(here.desk, "1", by="Mara")[1]
    sending.send(here.desk, "1", by="Mara")
    with here.desk.transaction() as session:
        for name in ("eve", "finn"):
            person = require(session, f"{name}@example.org")
            unsubscribe(session, person, PAGE, here.clock())
            confirm(session, person, PAGE, here.clock())
            owe(session, About.WELCOME, person, here.clock())
    here.provider.mails.clear()
    deliver(here.desk)

    assert [mail.subject for mail in here.provider.mails] == [
        f"Welcome: {made.parts['models'].subject}",
        "Welcome: Weekly AI Tool Verdicts",
    ]


def test_a_part_says_that_it_is_one_and_where_the_rest_is(engine: Engine) -> None:
    """In the mail, above the first comparison."""
    _, made = approved(engine)
    words = " ".join(made.parts["models"].text.split())

    assert "This is what you chose of issue 1. The whole issue (https://news.example.org/issues/2026-W46)" in words
    assert "has seven more comparisons" in words
    assert "what you chose" not in made.whole.text


def test_what_somebody_looks_at_is_what_their_choice_gets(engine: Engine, tmp_path: Path) -> None:
    """By a choice, or as a reader; who gets nothing is told so. Before and after the approval alike."""
    here = with_topics(engine, *TWO)
    writing.draft(here.desk)
    wants(here, "ada", "models")
    by_choice = looking.message_for(here.desk, "1", choice=Choice.of("models"))[0]
    before = looking.message_for(here.desk, "1", address="ada@example.org")[0]
    writing.approve(here.desk, "1", by="Mara")

    assert before.subject == by_choice.subject
    assert looking.message_for(here.desk, "1", address="ada@example.org")[0].html == before.html
    assert "/issues/2026-W46/models" in before.html
    with pytest.raises(IssueError, match="they get no mail"):
        looking.write(here.desk, "1", tmp_path, choice=Choice((), Frequency.CHANGES))


def test_the_parts_are_worked_out_once(engine: Engine) -> None:
    """For everything that somebody looks at together: which comparisons are in the issue is asked once for each."""
    here = with_topics(engine, *TWO)
    writing.draft(here.desk)
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *values: asked.append(values[2]))

    looking.message_for(here.desk, "1", choice=Choice.of("models"))
    assert sum("FROM issue_item" in one for one in asked) == 1
    asked.clear()
    with here.desk.reading() as session:
        edition(here.desk, session, here.desk.find(session, "1"))
    assert sum("FROM issue_item" in one for one in asked) == 2  # for the words, and for the parts


def test_what_was_edited_while_it_was_rendered_is_not_approved(engine: Engine) -> None:
    """Rendering takes seconds, in which nobody is locked out."""
    here = with_topics(engine, TOOLS)
    writing.draft(here.desk)
    with here.desk.reading() as session:
        made = edition(here.desk, session, here.desk.find(session, "1"))
    key = tool_of(here)
    writing.edit(here.desk, "1", lambda _s, _i, edits: lead_with(edits, key, [key]), by="M")
    with here.desk.reading() as session:
        now = edition(here.desk, session, here.desk.find(session, "1"))

    assert made.made_of != now.made_of


def test_the_mail_of_the_month_comes_with_the_first_issue_of_a_month(engine: Engine) -> None:
    """It has what the issues since the last one had, and says which; in between there is none."""
    here = furnished(engine)
    weeks = here.desk.config.selection.model_copy(update={"most": 2, "fewest": 1})
    here.desk = replace(here.desk, config=here.desk.config.model_copy(update={"selection": weeks}))
    monthly, texts = Choice.of("", "monthly"), []
    for number in ("1", "2", "3", "4"):
        writing.draft(here.desk)
        made = writing.approve(here.desk, number, by="Mara")[1]
        name = made.manifest.part_for(monthly)
        texts.append(None if name is None else made.parts[name].text if name else "the whole")
        sending.send(here.desk, number, by="Mara")
        here.clock.forward(days=7)

    assert texts[:3] == ["the whole", None, None]
    assert texts[3] is not None
    words = " ".join(texts[3].split())
    assert "This is your mail of the month: what you chose of issue 4" in words
    assert [f"issue {number} (https" in words for number in (1, 2, 3)] == [False, True, True]
    assert texts[3].count("Community:") >= 2
