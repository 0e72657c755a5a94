"""`newsletter subscribers`: the people on the list."""

import sys
from datetime import datetime
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from newsletter.cli.acts import noted
from newsletter.cli.door import By, Json, door, now, plain
from newsletter.cli.output import Told, as_json, rows, say
from newsletter.database import reading, transaction
from newsletter.delivery.explain import fates
from subscribers import subscriber as people
from subscribers.address import Address as Mailbox
from subscribers.address import fingerprint, parse
from subscribers.choice import EVERYTHING, Choice, Frequency
from subscribers.consent import Status
from subscribers.erasure import erase, facts
from subscribers.errors import IllegalChange
from subscribers.leaving import reasons
from subscribers.preferences import choice_of, chosen
from subscribers.searching import search as search_for
from subscribers.subscriber import Evidence, Subscriber
from subscribers.suppression import Suppression, suppressed_counts

app = typer.Typer(help="The people on the list. Example: newsletter subscribers stats", no_args_is_help=True)

Address = Annotated[str, typer.Argument(help="An email address.")]
HERE = "command line"
OFTEN = {"weekly": "every week", "monthly": "once a month", "changes": "only changed verdicts"}


@app.command()
def add(
    context: typer.Context,
    address: Address,
    consent: Annotated[str, typer.Option(help="Where and to what they said yes; kept as evidence.", callback=plain)],
    by: By,
    name: Annotated[str, typer.Option(help="The person's name.", callback=plain)] = "",
    pending: Annotated[bool, typer.Option("--pending", help="They have not confirmed yet.")] = False,
) -> None:
    """Put somebody on the list who has agreed. Whose address is suppressed is refused; who had left comes back.

    Example: newsletter subscribers add ada@example.org --consent "asked at the meetup, 12 May"
    """
    here, whom = door(context), parse(address)
    if not consent.strip():
        raise IllegalChange("Say where and to what they said yes: it is kept as the evidence of their consent.")
    engine, secret = here.keyed()
    with transaction(engine) as session:
        if kept := session.get(Suppression, fingerprint(whom.key, secret)):
            raise IllegalChange(_SUPPRESSED.format(since=f"{kept.at:%Y-%m-%d}", why=kept.reason))
        evidence = Evidence(source=HERE, wording=consent, by=by)
        before = people.find(session, whom)
        status = before.status if before else None
        had_left = _had_left(before) if before and status is Status.UNSUBSCRIBED else ""
        found = people.add(session, whom, evidence, secret=secret, now=now(), name=name, confirmed=not pending)
        after = found.status
    say(f"Already {after}: nothing was changed." if status is after else f"On the list: {after}.{had_left}")


def _had_left(person: Subscriber) -> str:
    return f" They had left on {person.status_since:%Y-%m-%d}: this consent is a new yes of theirs, kept with its date."


_SUPPRESSED = (
    "This address is suppressed since {since} ({why}). Nothing was stored. If they asked for it themselves: "
    "'newsletter suppressions remove' first, then add them."
)


@app.command("list")
def list_(
    context: typer.Context,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    search: Annotated[str, typer.Option(help="Only with this text in address or name.", callback=plain)] = "",
    begins: Annotated[str, typer.Option(help="Only addresses that begin with this text.", callback=plain)] = "",
    most: Annotated[int, typer.Option(help="How many.", min=1)] = 50,
    after: Annotated[int, typer.Option(help="Go on after this id.")] = 0,
    json: Json = False,
) -> None:
    """Who is on the list, in the order in which they came; with --search or --begins in that of addresses.

    Among millions --begins answers at once, --search in a moment.

    Example: newsletter subscribers list --status paused --json
    """
    engine = door(context).engine()
    with reading(engine) as session, reading(engine) as beside:
        if begins:
            found = people.beginning(session, begins, most)
        elif search:
            found = search_for(session, search, beside, most)
        else:
            found = people.page(session, after, most, status)
        listing = [_row(person) for person in found if status in (None, person.status)]
    nobody = (
        "Nobody matches."
        if search or begins or status or after
        else "Nobody. 'newsletter subscribers import FILE' adds."
    )
    rows(listing, json_wanted=json, nothing=nobody)
    if not json and len(found) == most and not (search or begins):
        say(f"The first {most}. Go on with --after {found[-1].id}.")


@app.command()
def show(context: typer.Context, address: Address, json: Json = False) -> None:
    """Everything that is known about an address.

    Example: newsletter subscribers show ada@example.org
    """
    here, whom = door(context), parse(address)
    engine, secret = here.keyed()
    with reading(engine) as session:
        known = facts(session, whom, secret)
        person = _row(known.subscriber) if known.subscriber else None
        wants = _wants(known.subscriber) if known.subscriber else {}
        events = [_fields(event, "at", "kind", "source", "wording", "by") for event in known.events]
        suppression = _fields(known.suppression, "reason", "at", "note", "by") if known.suppression else None
        lifted = [_fields(row, "reason", "since", "lifted_at", "by", "note") for row in known.lifted]
        letters = [_fields(letter, "about", "made_at", "post", "handed_at") for letter in known.letters]
        left = _fields(known.farewell, "why", "at") if known.farewell else None
    if json:
        found = {
            "subscriber": {**person, **wants} if person else None,
            "events": events,
            "left": left,
            "letters": letters,
        }
        as_json({**found, "suppression": suppression, "lifted": lifted})
        return
    rows([person] if person else [], json_wanted=False, nothing="Not on the list.")
    if person:
        say("", f"They want {wants['topics'] or 'all topics'}, {OFTEN[wants['frequency']]}.")
    rows(events, json_wanted=False, nothing="No consent events.", title="\nWhat they said, and when")
    if letters:
        rows(letters, json_wanted=False, nothing="", title="\nSingle mails to them")
    say(
        "",
        *([f"Why they left: {left['why']} ({_minute(left['at'])})."] if left else []),
        f"Suppressed since {_minute(suppression['at'])}: {suppression['reason']}."
        if suppression
        else "Not suppressed.",
    )


@app.command()
def remove(
    context: typer.Context,
    address: Address,
    by: By,
    forget: Annotated[bool, typer.Option("--erase", help="Empty the profile too; only a keyed hash stays.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before erasing.")] = False,
) -> None:
    """Take somebody off the list; --erase also forgets who they were, which cannot be undone.

    Example: newsletter subscribers remove cleo@example.org
    """
    here, whom = door(context), parse(address)
    engine = here.engine()
    if forget:
        _forget(engine, whom, by, yes=yes)
        return
    with transaction(engine) as session:
        person = people.require(session, whom)
        if people.unsubscribe(session, person, Evidence(source=HERE, by=by), now()):
            say("Off the list. Their record stays as evidence; --erase empties it.")
        else:
            say("They are off the list already; nothing was changed.")


def _forget(engine: Engine, whom: Mailbox, by: str, *, yes: bool) -> None:
    """Erase somebody after a question; a script without a terminal says --yes. Nobody waits for the answer."""
    with reading(engine) as session:
        people.require(session, whom)
    if not yes:
        if not sys.stdin.isatty():
            raise IllegalChange("Nothing was erased: this asks first, and there is no terminal. Add --yes.")
        if not typer.confirm("Forget who they were? Name, address, votes and wishes go. This cannot be undone."):
            raise IllegalChange("Nothing was erased.")
    with transaction(engine) as session:
        erase(session, people.require(session, whom), HERE, now())
    noted(engine, "subscribers remove --erase", "one person", by)
    say("Erased: the profile is empty, and the address cannot be mailed or imported again by mistake.")


@app.command()
def stats(context: typer.Context, json: Json = False) -> None:
    """How many there are, by status, how many addresses are suppressed, what people chose, and why others left.

    Example: newsletter subscribers stats
    """
    with reading(door(context).engine()) as session:
        counts = [{"status": str(status), "people": number} for status, number in people.counts(session).items()]
        suppressed = [{"reason": str(why), "addresses": number} for why, number in suppressed_counts(session).items()]
        wanted = [{**_wanted(choice), "people": number} for choice, number in chosen(session).items()]
        told = [{"why": str(why), "people": number} for why, number in reasons(session).items()]
    if json:
        as_json({"subscribers": counts, "suppressions": suppressed, "left": told, "chosen": wanted})
        return
    rows(counts, json_wanted=False, nothing="")
    rows(suppressed, json_wanted=False, nothing="", title="\nSuppressed addresses")
    if any(one["topics"] or one["frequency"] != Frequency.WEEKLY for one in wanted):
        listing = [{**one, "topics": one["topics"] or "all"} for one in wanted]
        rows(listing, json_wanted=False, nothing="", title="\nWhat they chose")
    if said := [one for one in told if one["people"]]:
        rows(said, json_wanted=False, nothing="", title="\nWhy people left")


@app.command()
def explain(context: typer.Context, address: Address, json: Json = False) -> None:
    """Which issues somebody got, which not, and why.

    Example: newsletter subscribers explain dov@example.org
    """
    here, whom = door(context), parse(address)
    engine, secret = here.keyed()
    with reading(engine) as session:
        known = facts(session, whom, secret)
        person = known.subscriber
        listing = [
            {
                "issue": fate.issue,
                "week": fate.week,
                "got_it": Told(_yes(fate.got_it), fate.got_it),
                "when": fate.when,
                "why": fate.why,
            }
            for fate in (fates(session, person) if person else ())
        ]
        next_time = _next(person, suppressed=str(known.suppression.reason) if known.suppression else "")
    if json:
        as_json({"issues": listing, "next": next_time})
        return
    rows(listing, json_wanted=False, nothing="No issue has been sent yet." if person else "")
    say("", next_time)


def _next(person: Subscriber | None, *, suppressed: str) -> str:
    """What the next issue will do for this person, in a sentence."""
    if person is None:
        return "This address is not on the list" + (f", and it is suppressed ({suppressed})." if suppressed else ".")
    if suppressed:
        return f"The next issue will skip them: the address is suppressed ({suppressed})."
    if person.status is Status.PAUSED:
        until = f" until {_minute(person.paused_until)}" if person.paused_until else ""
        return f"The next issue will skip them: they are taking a break{until}."
    if person.status is Status.ACTIVE:
        chose = choice_of(person) != EVERYTHING
        return "The next issue will reach them" + (", if anything of what they chose is in it." if chose else ".")
    return f"The next issue will skip them: they are {person.status}."


def _row(person: Subscriber) -> dict[str, Any]:
    return {
        "id": person.id,
        "address": person.address,
        "name": person.name,
        "status": str(person.status),
        "since": person.status_since,
        "confirmed": person.confirmed_at,
        "source": person.source,
    }


def _wants(person: Subscriber) -> dict[str, str]:
    return _wanted(choice_of(person))


def _wanted(choice: Choice) -> dict[str, str]:
    return {"topics": choice.text, "frequency": str(choice.frequency)}


def _fields(thing: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in names}


def _minute(moment: Any) -> str:
    return moment.isoformat(timespec="minutes") if isinstance(moment, datetime) else str(moment or "")


def _yes(got_it: bool | None) -> str:
    return {True: "yes", False: "no", None: "not yet known"}[got_it]
