"""How readers voted on the issue before, in the next one: who is counted, what is shown, and that it is kept."""

from dataclasses import replace

import pytest
from desk_samples import Place, furnished
from people import PAGE, SECRET
from sqlalchemy import Engine
from sqlmodel import Session, update
from topic_samples import MODELS, TWO

from newsletter.comparisons.comparison import Comparison, Tool, Verdict
from newsletter.comparisons.shelf import put
from newsletter.desk import writing
from newsletter.desk.looking import message_for
from newsletter.issues.composition import ReadersVotes, ToolVotes
from newsletter.issues.drafting import chosen_of
from newsletter.issues.edits import with_readers
from newsletter.issues.issue import Issue, IssueItem, IssueStatus
from subscribers.address import parse
from subscribers.choice import Choice as Wanted
from subscribers.subscriber import add, find
from subscribers.votes import Choice, cast

SHIP, SKIP = Choice.SHIP, Choice.SKIP


@pytest.fixture
def here(engine: Engine) -> Place:
    """A week after issue 1, the sample week, went out."""
    place = furnished(engine)
    writing.draft(place.desk)
    ended(place, IssueStatus.SENT)
    place.clock.forward(weeks=1)
    return place


def ended(here: Place, status: IssueStatus) -> None:
    """As if issue 1 had come so far, without the mails."""
    with here.desk.transaction() as session:
        session.execute(update(Issue).where(Issue.number == 1).values(status=status))  # type: ignore[arg-type]
        session.execute(update(IssueItem).values(reserved=IssueItem.key))


def tools(here: Place, verdict: Verdict) -> list[tuple[Comparison, Tool]]:
    """The tools of issue 1 with this verdict, and where they stand."""
    with here.desk.reading() as session:
        items = [one.comparison for one in chosen_of(session, here.desk.find(session, "1"))]
    return [(one, tool) for one in items for tool in one.tools if tool.panel.verdict is verdict]


def vote(here: Place, on: tuple[Comparison, Tool], *choices: Choice) -> None:
    """So many readers vote on this tool."""
    with here.desk.transaction() as session:
        for at, choice in enumerate(choices):
            address = parse(f"reader{at}@example.org")
            who = find(session, address.display) or add(
                session, address, PAGE, secret=SECRET, now=here.clock(), confirmed=True
            )
            cast(session, who.id or 0, on[0].key, on[1].slug, choice, here.clock())


def said(here: Place) -> ReadersVotes | None:
    """What issue 2 says of it, as it was drafted last."""
    with here.desk.reading() as session:
        return writing.words(here.desk, session, here.desk.find(session, "2")).readers


def lines(here: Place) -> tuple[ToolVotes, ...]:
    """The tools in it, in order; none where it says nothing."""
    found = said(here)
    return found.tools if found else ()


def names(here: Place) -> list[str]:
    """The same by name."""
    return [one.tool for one in lines(here)]


def test_the_next_issue_says_how_readers_voted_and_where_they_disagree_first(here: Place) -> None:
    """Of tools with three votes at least; then by the number of votes."""
    liked, disliked, few, *_ = tools(here, Verdict.SHIP)
    vote(here, liked, *[SHIP] * 5)
    vote(here, disliked, SKIP, SKIP, SHIP)
    vote(here, few, SKIP, SKIP)
    writing.draft(here.desk)

    assert names(here) == [disliked[1].name, liked[1].name]
    text = " ".join(message_for(here.desk, "2")[0].text.split())
    expected = f"{disliked[1].name}: readers SKIP 33% (1 ship / 2 skip), panel SHIP {disliked[1].panel.percent}%"
    assert f"On the tools of issue 1. You can still vote. {expected} Readers skip what the panel ships." in text


@pytest.mark.sqlite
def test_with_too_few_votes_there_is_no_such_section(here: Place) -> None:
    """Two votes say little of a tool, and much of those two."""
    vote(here, tools(here, Verdict.SHIP)[0], SKIP, SKIP)
    writing.draft(here.desk)

    assert said(here) is None
    assert "HOW READERS VOTED" not in message_for(here.desk, "2")[0].text


@pytest.mark.sqlite
def test_what_it_says_is_kept_until_the_issue_is_drafted_again(here: Place) -> None:
    """Preview, check, test copy and approval show one number."""
    on = tools(here, Verdict.SHIP)[0]
    vote(here, on, SKIP, SKIP, SKIP)
    writing.draft(here.desk)
    before = message_for(here.desk, "2")[0].html
    vote(here, on, SHIP, SHIP, SHIP, SHIP)
    assert message_for(here.desk, "2")[0].html == before

    writing.draft(here.desk)
    assert [one.votes.count for one in lines(here)] == [4]


@pytest.mark.sqlite
def test_an_editor_leaves_it_out_and_takes_it_back_in(here: Place) -> None:
    """A redraft keeps what the editor decided."""
    vote(here, tools(here, Verdict.SHIP)[0], SKIP, SKIP, SKIP)
    writing.draft(here.desk)
    writing.edit(here.desk, "2", lambda _s, _i, edits: with_readers(edits, shown=False), by="Mara")
    writing.draft(here.desk)
    assert said(here) is None

    writing.edit(here.desk, "2", lambda _s, _i, edits: with_readers(edits, shown=True), by="Mara")
    assert len(names(here)) == 1


@pytest.mark.sqlite
def test_a_mail_has_five_tools_of_it_at_most(here: Place) -> None:
    """A newsletter of ten thousand gets votes on everything."""
    for on in tools(here, Verdict.SHIP)[:7]:
        vote(here, on, SHIP, SHIP, SKIP)
    writing.draft(here.desk)

    assert len(names(here)) == 5


@pytest.mark.sqlite
@pytest.mark.parametrize("status", [IssueStatus.DRAFT, IssueStatus.CANCELLED, IssueStatus.SCHEDULED])
def test_only_an_issue_that_went_out_was_voted_on(here: Place, status: IssueStatus) -> None:
    """Of a cancelled one some readers may have links; it is out of the archive all the same."""
    vote(here, tools(here, Verdict.SHIP)[0], SKIP, SKIP, SKIP)
    ended(here, status)
    writing.draft(here.desk)

    assert said(here) is None


@pytest.mark.sqlite
def test_the_panel_is_as_this_issue_tells_it(here: Place) -> None:
    """A verdict that has changed since: the mail would contradict itself."""
    one, tool = on = tools(here, Verdict.SHIP)[0]
    vote(here, on, SKIP, SKIP, SKIP)
    now = tool.panel.model_copy(update={"verdict": Verdict.SKIP, "percent": 25, "ship": 1, "skip": 3})
    side = "left" if one.left is tool else "right"
    with here.desk.transaction() as session:
        changed = one.model_copy(update={side: tool.model_copy(update={"panel": now})})
        put(session, changed, now=here.clock())
    writing.draft(here.desk)

    assert [(each.panel.verdict, each.sentence) for each in lines(here)] == [(Verdict.SKIP, "")]


def test_an_issue_that_was_drafted_before_there_was_such_a_section_says_nothing_of_it(here: Place) -> None:
    """Its column is empty."""
    vote(here, tools(here, Verdict.SHIP)[0], SKIP, SKIP, SKIP)
    writing.draft(here.desk)
    with Session(here.desk.engine) as session:
        session.execute(update(Issue).values(readers=None))
        session.commit()

    assert said(here) is None


@pytest.mark.sqlite
def test_a_part_of_the_issue_has_the_tools_of_its_topics(here: Place) -> None:
    """Who reads of models alone did not have the others."""
    here.desk = replace(here.desk, config=here.desk.config.model_copy(update={"topics": TWO}))
    model, other = (next(on for on in tools(here, Verdict.SHIP) if MODELS.holds([on[1].category]) is is_model)
                    for is_model in (True, False))  # fmt: skip
    for on in (model, other):
        vote(here, on, SKIP, SKIP, SKIP)
    writing.draft(here.desk)
    whole, part = (message_for(here.desk, "2", choice=Wanted.of(topics))[0].text for topics in ("", "models"))

    assert [f"{on[1].name}: readers SKIP" in text for text in (whole, part) for on in (model, other)] == [
        True, True, True, False,
    ]  # fmt: skip
