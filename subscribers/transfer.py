"""People in and out as CSV.

An import adds people and corrects names and time zones, and can do nothing else: it never lifts a suppression, never
takes back somebody who left, never changes the status of who was there before (invariant 8). Who stands in the
file more than once comes in with the more withdrawn status, in whatever order. Doing it twice is doing it once. A dry
run takes the same way to the last statement and is rolled back there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, TextIO

from sqlalchemy import Connection, Index, Table, bindparam, exists, func, insert, literal, select, update
from sqlmodel import Session

from subscribers.address_change import AddressChange
from subscribers.ahead import batches
from subscribers.bulk import Marks, Shelved, insert_columns, processor, roomy, those_in
from subscribers.columns import word
from subscribers.consent import ConsentEvent, Evidence, Kind, Status, record
from subscribers.export import COLUMNS, export_csv
from subscribers.report import ImportReport, Outcome
from subscribers.rows import TEXTS, Batch, Reading, Standing, Terms, require
from subscribers.sheet import NO_LIMITS, UPLOAD, Limits
from subscribers.subscriber import Subscriber, new_refs
from subscribers.suppression import Suppression

__all__ = ["COLUMNS", "NO_LIMITS", "UPLOAD", "ImportReport", "Outcome", "Terms", "export_csv", "import_csv"]

_SAID = {"name": "name", "zone": "time zone"}  #: what a later file may correct, and how it is called
#: The more withdrawn of two statuses of one person in a file counts: the later in this order.
_WITHDRAWN = (Status.ACTIVE, Status.PENDING, Status.PAUSED, Status.UNSUBSCRIBED)


@dataclass(slots=True)
class _Known:
    """Somebody who is on the list already, as the import sees them."""

    id: int | None  #: None: added further up in this batch
    status: Status
    since: datetime
    name: str
    zone: str
    added: bool  #: by this file


@dataclass(slots=True)
class _Changes:
    """What one batch changes: new people, and for who was written before, names, zones and standings by id."""

    new: dict[str, dict[str, Any]] = field(default_factory=dict)
    names: dict[int, dict[str, str]] = field(default_factory=dict)  #: name and zone, by those of `_SAID`
    standings: dict[int, dict[str, Any]] = field(default_factory=dict)


def import_csv(
    session: Session,
    file: BinaryIO,
    terms: Terms,
    *,
    secret: bytes,
    now: datetime,
    columns: Mapping[str, str] | None = None,
    limits: Limits = NO_LIMITS,
    dry_run: bool = False,
    guarded: bool = False,
    topics: frozenset[str] | None = None,
    examples: int = 5,
    details: TextIO | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import a CSV file in the caller's transaction, and tell what became of each row.

    `columns` maps our column names to headers of the file where guessing fails; `guarded` says that the file is an
    export with guarded formulas; `topics` are those that there are: a row with another is refused; `details` gets a
    line for every row that was not added; `progress` is called with the number of rows done. Raises BadFile for a file,
    or terms, that cannot be used: roll back, nothing is imported.
    """
    require(terms)
    report = ImportReport(dry_run, examples, details)
    how = Reading(terms, secret, now, columns or {}, limits, guarded, topics)
    with batches(file, how) as read:
        savepoint = session.begin_nested() if dry_run else None
        try:
            with roomy(session.connection()), Shelved(session.connection(), _unused()) as indexes:
                last, marks = _last(session), Marks()
                for batch in read:
                    for line, reason in batch.refused:
                        report.count(line, Outcome.REFUSED, reason)
                    _take(session, batch, last, marks, report, terms, now)
                    indexes.shelve(report.counts[Outcome.ADDED], last)
                    if progress and batch.lines:
                        progress(report.rows)
        finally:
            if savepoint:
                savepoint.rollback()
            session.expire_all()  # rows were written past the session's objects
    return report


def _take(
    session: Session,
    batch: Batch,
    last: int,
    marks: Marks,
    report: ImportReport,
    terms: Terms,
    now: datetime,
) -> None:
    """Sort one batch into new, known and untouchable; write what is new, and what changed.

    `last` is the greatest id that was there before this import; `marks` are of the rows further up.
    """
    if not batch.lines:
        return
    prints = batch.texts["fingerprint"]
    again = marks.perhaps(prints)
    known, suppressed = _known(session, prints if last else again, last), _suppressed(session, prints)
    former = those_in(session.connection(), _table(AddressChange).c.old_fingerprint, prints) if last else set()
    if not known and not suppressed and not former and len(set(prints)) == len(prints):
        report.count_added(len(prints))
        _add(session, batch.texts, batch.standings, terms, now)
        return
    changes = _Changes()
    for line, values in batch.rows():
        print_ = values["fingerprint"]
        if print_ in suppressed:
            report.count(line, Outcome.SUPPRESSED, suppressed[print_])
        elif print_ not in known and print_ in former:
            report.count(line, Outcome.LEFT, "gets it at another address now")
        elif print_ not in known:
            changes.new[print_] = values
            known[print_] = _as_known(values)
            report.count(line, Outcome.ADDED)
        else:
            report.count(line, *_meet(known[print_], values, changes))
    _write(session, changes, terms, now)


def _as_known(values: dict[str, Any]) -> _Known:
    return _Known(None, values["status"], values["status_since"], values["name"], values["zone"], added=True)


def _meet(person: _Known, values: dict[str, Any], changes: _Changes) -> tuple[Outcome, str]:
    """What a row means for somebody who is on the list, or stands further up; what it changes is noted."""
    before, status = person.status, values["status"]
    if person.added and _WITHDRAWN.index(status) > _WITHDRAWN.index(before):
        _restate(person, values, changes)
        _correct(person, values, changes)
        return Outcome.UPDATED, f"stands further up in this file as {before}: comes in as {status}, the more withdrawn"
    if before is Status.UNSUBSCRIBED and status is not before:
        return Outcome.LEFT, f"left on {person.since:%Y-%m-%d}: not re-activated"
    if corrected := _correct(person, values, changes):
        return Outcome.UPDATED, f"has a new {' and a new '.join(corrected)}"
    if person.added:
        return Outcome.UNCHANGED, "stands further up in this file"
    if before is not status:
        return Outcome.UNCHANGED, f"is {before} here and {status} in the file: an import changes no status"
    return Outcome.UNCHANGED, ""


def _restate(person: _Known, values: dict[str, Any], changes: _Changes) -> None:
    """Status and times of this row count from here on."""
    person.status, person.since = values["status"], values["status_since"]
    standing = {name: values[name] for name in Standing._fields}
    if person.id is None:
        changes.new[values["fingerprint"]] |= standing
    else:
        changes.standings[person.id] = standing


def _correct(person: _Known, values: dict[str, Any], changes: _Changes) -> list[str]:
    """Take what this row says anew of name and zone; which of them, in words."""
    new = {name: values[name] for name in _SAID if values[name] and values[name] != getattr(person, name)}
    for name, value in new.items():
        setattr(person, name, value)
    if new and person.id is None:
        changes.new[values["fingerprint"]] |= new
    elif new and person.id is not None:
        changes.names[person.id] = {name: getattr(person, name) for name in _SAID}
    return [_SAID[name] for name in new]


def _known(session: Session, prints: Sequence[str], last: int) -> dict[str, _Known]:
    rows = _table(Subscriber).c
    there = those_in(session.connection(), rows.fingerprint, prints)
    query = select(rows.fingerprint, rows.id, rows.status, rows.status_since, rows.name, rows.zone)
    found = session.execute(query.where(rows.fingerprint.in_(there))) if there else ()
    return {
        print_: _Known(who, status, since, name, zone, who > last) for print_, who, status, since, name, zone in found
    }


def _suppressed(session: Session, prints: Sequence[str]) -> dict[str, str]:
    rows = _table(Suppression).c
    if session.execute(select(rows.fingerprint).limit(1)).first() is None:
        return {}
    there = those_in(session.connection(), rows.fingerprint, prints)
    query = select(rows.fingerprint, rows.reason, rows.at)
    found = session.execute(query.where(rows.fingerprint.in_(there))) if there else ()
    return {print_: f"must not be mailed ({reason}, since {at:%Y-%m-%d})" for print_, reason, at in found}


def _write(session: Session, changes: _Changes, terms: Terms, now: datetime) -> None:
    people = _table(Subscriber)
    if changes.names:
        change = update(people).where(people.c.id == bindparam("who"))
        change = change.values({name: bindparam(f"new_{name}") for name in _SAID})
        rows = [{"who": who, **{f"new_{name}": new[name] for name in _SAID}} for who, new in changes.names.items()]
        session.connection().execute(change, rows)
    for who, standing in changes.standings.items():  # few: whom an earlier batch of this file has added
        session.execute(update(people).where(people.c.id == who).values(standing))
        said = Evidence(terms.source, terms.wording, terms.by)
        print_ = session.execute(select(people.c.fingerprint).where(people.c.id == who)).scalar_one()
        record(session, who, Kind.IMPORTED, standing["status"], said, now, print_=print_)
    if new := list(changes.new.values()):
        texts = {name: [values[name] for values in new] for name in TEXTS}
        standings = [Standing(**{name: values[name] for name in Standing._fields}) for values in new]
        _add(session, texts, standings, terms, now)


def _last(session: Session) -> int:
    """The greatest id on the list."""
    return int(session.execute(select(func.coalesce(func.max(_table(Subscriber).c.id), 0))).scalar_one())


def _add(
    session: Session, texts: Mapping[str, Sequence[str]], standings: Sequence[Standing], terms: Terms, now: datetime
) -> None:
    """New people, column by column, and the evidence of each."""
    last, connection = _last(session), session.connection()
    columns = {"ref": new_refs(len(standings)), **texts, **_in_the_drivers_words(connection, standings)}
    insert_columns(connection, _table(Subscriber), columns)
    _evidence(session, last, terms, now)


def _in_the_drivers_words(connection: Connection, standings: Sequence[Standing]) -> dict[str, Sequence[Any]]:
    """Their columns; words and times are made once for each standing, because files share a few of them."""
    kinds = [processor(connection, _table(Subscriber).c[name].type) for name in Standing._fields]
    different = {id(one): one for one in standings}  # to hash each of them by value is dearer than to insert it
    made = {key: [make(value) for make, value in zip(kinds, one, strict=True)] for key, one in different.items()}
    columns = zip(*(made[key] for key in map(id, standings)), strict=True)
    return dict(zip(Standing._fields, columns, strict=True))


def _evidence(session: Session, last: int, terms: Terms, now: datetime) -> None:
    """A consent event for everybody newer than `last` who has none: whoever else adds people writes theirs at once."""
    people, evidence = _table(Subscriber).c, _table(ConsentEvent)
    said = {"kind": literal(Kind.IMPORTED, word(Kind)), "status": people.status, "at": literal(now, evidence.c.at.type)}
    said |= {
        "fingerprint": people.fingerprint,
        "source": literal(terms.source),
        "wording": literal(terms.wording),
        "by": literal(terms.by),
    }
    theirs = exists().where(evidence.c.subscriber_id == people.id)
    rows = select(people.id, *said.values()).where(people.id > last, ~theirs).order_by(people.id)
    session.execute(insert(evidence).from_select(["subscriber_id", *said], rows))


def _unused() -> list[Index]:
    """Indexes by which an import finds nobody: it looks for fingerprints."""
    return [index for index in _table(Subscriber).indexes if index.name != "subscriber_fingerprint"]


def _table(model: type[Subscriber | ConsentEvent | Suppression | AddressChange]) -> Table:
    return model.metadata.tables[str(model.__tablename__)]
