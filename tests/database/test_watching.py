"""Whoever saved a tool whose verdict changed gets the changed verdicts besides what they chose."""

from dataclasses import replace

import pytest
from desk_samples import Place, place
from people import NOW, everybody
from reading_provider import ReadingProvider
from sqlalchemy import Engine
from topic_samples import TOPICS, wants

from newsletter.desk import looking, sending, writing
from newsletter.desk.collecting import collect_all
from newsletter.desk.editions import Edition
from newsletter.desk.watching import changed_tools
from newsletter.sample import BEFORE, PAGES
from subscribers.bookmarks import save
from subscribers.subscriber import find


@pytest.fixture
def here(engine: Engine) -> Place:
    """The sample week, after a week of which readers had two comparisons; one verdict has changed since."""
    found = place(engine)
    config = found.desk.config.model_copy(update={"topics": TOPICS})
    found.desk = replace(found.desk, config=config, provider=ReadingProvider(remembers=True))
    found.clock.forward(days=-7)
    collect_all(found.desk, [str(BEFORE)], covered=True)
    found.clock.forward(days=7)
    collect_all(found.desk, [str(PAGES)])
    with found.desk.transaction() as session:
        everybody(session)
    return found


def saved(here: Place, name: str, tool: str, topics: str = "", often: str = "weekly") -> None:
    """Somebody chose this, and keeps this tool."""
    wants(here, name, topics, often)
    with here.desk.transaction() as session:
        person = find(session, f"{name}@example.org")
        save(session, person.id or 0 if person else 0, tool, "ship", 75, NOW)


def approved(here: Place) -> tuple[str, Edition]:
    """A tool whose verdict changed, and the issue that says so."""
    writing.draft(here.desk)
    with here.desk.reading() as session:
        tool = changed_tools(session, here.desk.find(session, "1"))[0]
    return tool, writing.approve(here.desk, "1", by="Mara")[1]


def test_whoever_saved_a_tool_gets_its_changed_verdict_whatever_they_chose(here: Place) -> None:
    """Eve's topics do not hold it, nor Finn's, who wants changes only; Gus saved another tool; Ada gets everything."""
    tool, made = approved(here)
    saved(here, "eve", tool, "models")
    saved(here, "finn", tool, "models", "changes")
    saved(here, "gus", "another-tool", "models")
    saved(here, "ada", tool)
    with here.desk.reading() as session:
        counted = sending.audience(here.desk, session, here.desk.find(session, "1"))
    sent = sending.send(here.desk, "1", by="Mara", pause=lambda _: None)

    assert (counted.eligible, sent.progress.accepted, sent.progress.adds_up) == (4, 4, True)
    with here.desk.reading() as session:
        people = {name: find(session, f"{name}@example.org") for name in ("eve", "finn", "gus", "ada")}
    refs = {person.ref: name for name, person in people.items() if person}
    digests = {refs[key.partition("-")[2]]: digest for key, digest, _ in here.provider.posted}
    parts = {digest: name for name, digest in made.manifest.parts.items()} | {made.whole.digest: "whole"}
    named = {name: parts[digest] for name, digest in digests.items()}
    assert (named["ada"], named["gus"], "changes" in named["eve"], "changes" in named["finn"]) == (
        "whole", "models", True, True,
    )  # fmt: skip


def test_a_preview_as_a_saver_is_what_they_get(here: Place) -> None:
    """And without the bookmark, what they chose."""
    tool, _ = approved(here)
    saved(here, "eve", "another-tool", "models")
    without = looking.message_for(here.desk, "1", address="eve@example.org")[0]
    saved(here, "eve", tool, "models")
    with_change = looking.message_for(here.desk, "1", address="eve@example.org")[0]

    assert ("VERDICT CHANGES" in without.text, "VERDICT CHANGES" in with_change.text) == (False, True)
