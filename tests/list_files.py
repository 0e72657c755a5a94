"""Lists as files: what an import and an export of the tests take and give."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st
from people import NOW, SECRET
from sqlalchemy import create_engine
from sqlmodel import Session, SQLModel

from subscribers.report import ImportReport
from subscribers.transfer import Terms, export_csv, import_csv

TERMS = Terms("sign-up sheet, Berlin fair", "sheet 2026-03", by="olga", consented=True)
TABLES = ("subscriber", "consent_event", "suppression", "lifted_suppression", "address_change")
NAMES = st.text(st.sampled_from("aéż =+-@'\",;\n\t＝愛"), max_size=8)


def take(session: Session, text: str, terms: Terms = TERMS, **options: Any) -> ImportReport:
    """Import this text."""
    return import_csv(session, io.BytesIO(text.encode()), terms, secret=SECRET, now=NOW, **options)


def exported(session: Session, **options: Any) -> str:
    """The list as CSV."""
    export_csv(session, out := io.StringIO(), **options)
    return out.getvalue()


def counted(report: ImportReport) -> dict[str, int]:
    """The outcomes that occurred."""
    return {outcome.value: number for outcome, number in report.counts.items() if number}


def as_csv(rows: list[tuple[str, str, str]]) -> str:
    """These rows as a file."""
    out = io.StringIO("")
    writer = csv.writer(out)
    writer.writerow(["email", "name", "status"])
    writer.writerows([f"{who}@example.org" if who else "", name, status] for who, name, status in rows)
    return out.getvalue()


@contextmanager
def fresh() -> Iterator[Session]:
    """A session on an empty list in memory."""
    engine = create_engine("sqlite://")
    SQLModel.metadata.create_all(engine, [SQLModel.metadata.tables[name] for name in TABLES])
    with Session(engine) as session:
        yield session
    engine.dispose()
