"""`newsletter subscribers choose`: what a reader gets, where they asked a person for it and not the page."""

from collections.abc import Sequence
from typing import Annotated

import typer

from newsletter.cli.door import By, door, now, plain
from newsletter.cli.output import say
from newsletter.cli.subscribers import HERE, OFTEN, Address
from newsletter.database import transaction
from newsletter.topics import Topic
from subscribers.address import parse
from subscribers.choice import Choice, Frequency
from subscribers.consent import Status
from subscribers.errors import IllegalChange
from subscribers.preferences import choice_of, choose
from subscribers.subscriber import require

ALL = "all"


def register(app: typer.Typer) -> None:
    """Add it to the people on the list."""
    app.command("choose")(choose_for)


def choose_for(
    context: typer.Context,
    address: Address,
    by: By,
    topics: Annotated[
        str,
        typer.Option(help="Topics as models,tools; 'all' for everything. Default: as it is.", callback=plain),
    ] = "",
    often: Annotated[Frequency | None, typer.Option(help="How often. Default: as it is.")] = None,
    note: Annotated[str, typer.Option(help="How they asked; kept as evidence, they can read it.", callback=plain)] = "",
) -> None:
    """Set what a reader gets, who asked you for it: topics, and how often. Kept with who did it.

    Example: newsletter subscribers choose ada@example.org --often monthly --note "by mail, 22 Nov"
    """
    here, whom = door(context), parse(address)
    if not topics and often is None:
        raise IllegalChange("Say what they want: --topics models,tools, or --topics all; --often monthly; or both.")
    known = here.config.topics
    with transaction(here.engine()) as session:
        person = require(session, whom)
        if person.status not in (Status.ACTIVE, Status.PAUSED):
            raise IllegalChange(f"They are {person.status} and get nothing. Nothing was changed.")
        before = choice_of(person)
        slugs = _slugs(topics, known) if topics else before.topics
        wanted = Choice.of(slugs, often or before.frequency)
        is_new = choose(session, person, wanted, HERE, now(), by, note)
    what = f"{', '.join(wanted.topics) or 'all topics'}, {OFTEN[wanted.frequency]}"
    say(f"They want {what}; it counts from the next issue on." if is_new else f"They want {what} already.")


def _slugs(typed: str, known: Sequence[Topic]) -> Sequence[str]:
    """What was typed, as it is kept: all topics are none. Raises IllegalChange for one that there is not."""
    mine = [topic.slug for topic in known]
    wanted = {one.strip() for one in typed.split(",")} - {""}
    if ALL in wanted and ALL not in mine:
        wanted = set(mine)
    if unknown := sorted(wanted - set(mine)):
        have = f"There are {', '.join(mine)}" if mine else "There is none ([[topics]] in config.toml)"
        raise IllegalChange(f"There is no topic '{unknown[0]}'. {have}; or write --topics all. Nothing was changed.")
    if mine and not wanted:
        raise IllegalChange("Name at least one topic, or write --topics all. Nothing was changed.")
    return () if len(wanted) == len(mine) else sorted(wanted)
