"""`newsletter notices`: what there is to tell."""

from contextlib import closing
from typing import Annotated, Any

import typer

from jobs.looking import look
from jobs.notices.certificates import certificate_of
from jobs.notices.ways import LIMITS
from jobs.telling import try_ways
from newsletter.cli.door import Json, door
from newsletter.cli.output import as_json, rows, say
from newsletter.desk.desk import Desk
from newsletter.desk.notices import Notice, listed
from newsletter.errors import NewsletterError
from newsletter.providers.httpx_poster import HttpxPoster


def notices(
    context: typer.Context,
    try_: Annotated[
        bool, typer.Option("--try", help="Tell everybody that nothing is wrong, to see if it arrives.")
    ] = False,
    json: Json = False,
) -> None:
    """What needs a person, worst first, and what to do about it; then what needed one before.

    Looks at everything anew. Who is told is in [telling] of config.toml. Example: newsletter notices
    """
    desk = door(context).desk()
    if try_:
        _try(desk, json_wanted=json)
        return
    look(desk, certificate_of(desk.config.publication.base_url))
    with desk.transaction() as session:
        found = listed(session)
    if json:
        as_json([_row(one) for one in found])
        return
    holding = [one for one in found if one.resolved_at is None]
    say(*(line for one in holding for line in _lines(desk, one)) if holding else ("Nothing needs a person.", ""))
    if over := [one for one in found if one.resolved_at is not None]:
        say("Over:", *(f"  {_at(desk, one.resolved_at)}  {one.sentence}" for one in over))


def _try(desk: Desk, *, json_wanted: bool) -> None:
    """By every way, at once. Raises NewsletterError where one fails, after all were tried."""
    with closing(HttpxPoster(LIMITS)) as poster:
        tried = try_ways(desk, poster)
    nothing = "Nobody is told anything: set editors, operators or webhook in [telling] of config.toml."
    rows(
        [{"way": way, "told": not why, "why_not": why} for way, why in tried], json_wanted=json_wanted, nothing=nothing
    )
    if any(why for _, why in tried):
        raise NewsletterError("Not everybody can be told; the reasons are above.")


def _lines(desk: Desk, one: Notice) -> tuple[str, ...]:
    return (
        f"{str(one.severity).upper()}  {one.sentence}",
        f"  {one.todo}",
        f"  Since {_at(desk, one.first_seen)}.",
        "",
    )


def _at(desk: Desk, moment: Any) -> str:
    return f"{moment.astimezone(desk.config.publication.tz):%a %d %b %H:%M %Z}"


def _row(one: Notice) -> dict[str, Any]:
    return {
        "key": one.key,
        "kind": one.kind,
        "severity": str(one.severity),
        "sentence": one.sentence,
        "what_to_do": one.todo,
        "first_seen": one.first_seen,
        "last_seen": one.last_seen,
        "resolved_at": one.resolved_at,
    }
