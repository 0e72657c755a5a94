"""People in and out as CSV (security reference, S-43 and S-44; invariant 8)."""

import io
from collections.abc import Iterator
from itertools import combinations
from types import SimpleNamespace

import people
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from list_files import NAMES, TERMS, as_csv, counted, exported, fresh, take
from people import LEFT_ON, NOW, SECRET, print_of
from sqlalchemy import Engine, func
from sqlalchemy.dialects import postgresql
from sqlmodel import Session, select

from newsletter.sample import SUBSCRIBERS, SUPPRESSIONS
from subscribers.bulk import roomy
from subscribers.consent import ConsentEvent, Kind, Status, events, status_at
from subscribers.errors import BadFile
from subscribers.report import ImportReport, Outcome
from subscribers.subscriber import Subscriber, counts, find, require, resume
from subscribers.suppression import Reason, is_suppressed, suppress
from subscribers.suppression_files import import_suppressions
from subscribers.transfer import UPLOAD, Terms, import_csv

ASKED = Terms("old list", "newsletter 2019", by="olga", consented=False)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """An empty list."""
    with people.the_list(engine) as session:
        yield session


def reasons(report: ImportReport) -> dict[str, list[int]]:
    """The reasons with their line numbers."""
    return {why.reason: why.lines for why in report.whys.values()}


def test_people_who_agreed_are_active_and_the_evidence_says_where(session: Session) -> None:
    """Source and wording of the operator are kept with each of them."""
    report = take(session, "E-Mail;First Name;Last Name\nAda@Example.org;Ada;Njeri\n")

    ada = require(session, "ada@example.org")
    [event] = events(session, ada.id or 0)
    assert counted(report) == {"added": 1}
    assert (ada.address, ada.name, ada.status, ada.confirmed_at) == ("Ada@example.org", "Ada Njeri", Status.ACTIVE, NOW)
    assert (event.kind, event.status, event.source) == (Kind.IMPORTED, Status.ACTIVE, TERMS.source)
    assert (event.wording, event.by, event.at) == ("sheet 2026-03", "olga", NOW)


@pytest.mark.parametrize("name", ["O'Neil", 'Ada "A" Njeri', "back\\slash, {brace}", "NULL", "100 % ☃ %(name)s"])
def test_a_name_comes_in_as_it_is_written(session: Session, name: str) -> None:
    """Whatever a driver, an array or JSON would make of it; the row after it has none."""
    take(session, as_csv([("ada", name, ""), ("ben", "", "")]))

    assert [require(session, f"{who}@example.org").name for who in ("ada", "ben")] == [name, ""]


def test_people_whom_nobody_vouches_for_are_pending(session: Session) -> None:
    """They are asked first; a file cannot claim otherwise."""
    report = take(session, "email,status\nada@example.org,\nben@example.org,active\npia@example.org,paused\n", ASKED)

    assert require(session, "ada@example.org").status is Status.PENDING
    assert require(session, "ada@example.org").confirmed_at is None
    assert counted(report) == {"added": 1, "refused": 2}


@pytest.mark.parametrize("terms", [Terms("", "words", "olga", consented=True), Terms("fair", " ", "", consented=True)])
def test_without_source_and_wording_nothing_is_imported(session: Session, terms: Terms) -> None:
    """The evidence must say where and to what."""
    with pytest.raises(BadFile, match="where these people agreed and to what"):
        take(session, "email\nada@example.org\n", terms)


def test_status_and_times_are_taken_from_the_file(session: Session) -> None:
    """As another system, or our own export, wrote them."""
    take(
        session,
        "email,status,confirmed_at,paused_until,status_since\n"
        "ada@example.org,Active,2026-03-01,,\n"
        "pia@example.org,paused,2026-03-01T10:00:00+02:00,2026-12-24,2026-11-01\n"
        "cleo@example.org,unsubscribed,,,2026-05-05\n",
    )

    ada, pia, cleo = (require(session, f"{name}@example.org") for name in ("ada", "pia", "cleo"))
    assert (ada.status, f"{ada.confirmed_at:%F %R}", ada.status_since) == (
        Status.ACTIVE,
        "2026-03-01 00:00",
        ada.confirmed_at,
    )
    assert (pia.status, f"{pia.confirmed_at:%F %R}", f"{pia.paused_until:%F}") == (
        Status.PAUSED,
        "2026-03-01 08:00",
        "2026-12-24",
    )
    assert (cleo.status, f"{cleo.status_since:%F}", cleo.confirmed_at) == (Status.UNSUBSCRIBED, "2026-05-05", None)


def test_a_row_that_cannot_be_read_is_refused_with_line_and_reason(session: Session) -> None:
    """In plain words; the rest of the file is imported."""
    report = take(
        session,
        "email,name,status,confirmed_at\n"
        "ada@example.org,Ada,,\n"
        ",Nobody,,\n"
        "not an address,X,,\n"
        "ben@example.org,Ben,subscribed,\n"
        "cleo@example.org,Cleo,,2026-13-01\n"
        "dov@example.org,Dov,,2027-01-01\n"
        "eve@example.org,Eve, the first,,2026-03-01\n"
        "pia@example.org\n",
    )

    assert counted(report) == {"added": 2, "refused": 6}
    assert reasons(report) == {
        "has no address": [3],
        "An email address must have an @-sign.": [4],
        "has an unknown status; there are pending, active, paused, unsubscribed": [5],
        "has a time that is not like 2026-11-09T18:30:00Z": [6],
        "has a time in the future": [7],
        "has more cells than the 4 columns: a comma outside quotation marks?": [8],
    }


@pytest.mark.parametrize(("delimiter", "called"), [(",", "comma"), (";", "semicolon"), ("\t", "tab")])
def test_a_row_with_too_many_cells_is_told_which_sign_parts_them(session: Session, delimiter: str, called: str) -> None:
    """The one of this file, whichever it is."""
    lines = ("email,name", "eve@example.org,Eve,the first")

    report = take(session, "\n".join(line.replace(",", delimiter) for line in lines))

    assert reasons(report) == {f"has more cells than the 2 columns: a {called} outside quotation marks?": [2]}


def test_an_import_never_lifts_a_suppression(session: Session) -> None:
    """Dov bounced: he is reported, whether he is on the list or not, and stays as he is (invariant 8)."""
    people.dov(session)
    take(session, "email,name,status\ndov@example.org,Dov D.,unsubscribed\n")
    erased = people.ada(session)
    suppress(session, erased.fingerprint, Reason.COMPLAINT, NOW)

    report = take(session, "email,name,status\nDOV@example.org,Dov Rosenthal,active\nada@example.org,A,active\n")

    assert counted(report) == {"suppressed": 2}
    assert "must not be mailed (hard-bounce, since 2026-11-09)" in reasons(report)
    assert is_suppressed(session, print_of("dov@example.org"))
    assert require(session, "dov@example.org").name == "Dov"


def test_an_address_that_must_not_be_mailed_is_not_even_added(session: Session) -> None:
    """The suppression list is applied first."""
    suppress(session, print_of("eve@example.org"), Reason.MANUAL, NOW)

    report = take(session, "email\neve@example.org\n")

    assert counted(report) == {"suppressed": 1}
    assert find(session, "eve@example.org") is None


def test_an_import_does_not_take_back_who_left(session: Session) -> None:
    """Cleo is reported with the date on which she left."""
    cleo = people.cleo(session)

    report = take(session, "email,status,name\ncleo@example.org,active,Cleo M.\ncleo@example.org,unsubscribed,\n")

    assert reasons(report) == {f"left on {LEFT_ON:%F}: not re-activated": [2]}
    assert counted(report) == {"left": 1, "unchanged": 1}
    assert (cleo.status, cleo.name) == (Status.UNSUBSCRIBED, "Cleo")
    assert len(events(session, cleo.id or 0)) == 2


def test_an_import_changes_names_and_no_status(session: Session) -> None:
    """Who is pending stays pending; an empty name replaces nothing."""
    people.everybody(session)

    report = take(session, "email,name\nada@example.org,Ada N.\nben@example.org,\npia@example.org,Pia Lindqvist\n")

    assert counted(report) == {"updated": 1, "unchanged": 2}
    assert [require(session, f"{name}@example.org").name for name in ("ada", "ben")] == ["Ada N.", "Ben Sørensen"]
    assert counts(session) == {"pending": 1, "active": 2, "paused": 1, "unsubscribed": 1}
    assert "is pending here and active in the file: an import changes no status" in reasons(report)


def test_the_same_address_twice_in_a_file_is_one_person(session: Session) -> None:
    """However it is written; the later name counts."""
    report = take(session, "email,name\nada@example.org,Ada\nADA@example.org,Ada Njeri\nada@Example.org,Ada Njeri\n")

    assert counted(report) == {"added": 1, "updated": 1, "unchanged": 1}
    assert require(session, "ada@example.org").name == "Ada Njeri"
    assert session.exec(select(func.count()).select_from(ConsentEvent)).one() == 1


@pytest.mark.parametrize("apart", [0, 6000], ids=["in one batch", "batches apart"])
@pytest.mark.parametrize(("more", "less"), list(combinations(["unsubscribed", "paused", "pending", "active"], 2)))
def test_of_two_statuses_in_a_file_the_more_withdrawn_counts(
    session: Session, more: str, less: str, apart: int
) -> None:
    """In whatever order and however far apart they stand, and the evidence says the same."""
    between = "".join(f"r{n}@example.org,,active\n" for n in range(apart))
    for first, second in ((less, more), (more, less)):
        text = f"email,name,status\n{first}@example.org,,{first}\n{between}{first.upper()}@example.org,Ada,{second}\n"
        report = take(session, text)

        ada = require(session, f"{first}@example.org")
        assert ada.status == more
        assert status_at(events(session, ada.id or 0), NOW) == more
        assert ada.status is not Status.PENDING or ada.confirmed_at is None
        between = ""
    assert report.rows == 2


def test_the_more_withdrawn_status_of_a_file_is_reported_plainly(session: Session) -> None:
    """With its times and with the name of its row; importing the file again changes nothing more."""
    text = "email,name,status,status_since\nada@example.org,,active,\nADA@example.org,Ada N.,unsubscribed,2026-05-05\n"

    report = take(session, text)
    ada = require(session, "ada@example.org")

    assert counted(report) == {"added": 1, "updated": 1}
    assert reasons(report) == {
        "stands further up in this file as active: comes in as unsubscribed, the more withdrawn": [3]
    }
    assert (ada.name, f"{ada.status_since:%F}") == ("Ada N.", "2026-05-05")
    assert counted(take(session, text)) == {"left": 1, "unchanged": 1}


def test_a_dry_run_tells_the_same_and_changes_nothing(session: Session) -> None:
    """The same way to the last statement, then rolled back."""
    people.everybody(session)
    before = exported(session)
    text = "email,name\nada@example.org,Ada N.\neve@example.org,Eve\nnobody\ndov@example.org,D\ncleo@example.org,C\n"

    rehearsal = take(session, text, dry_run=True)
    assert exported(session) == before
    real = take(session, text)

    assert rehearsal.dry_run
    assert (rehearsal.counts, rehearsal.whys) == (real.counts, real.whys)
    assert exported(session) != before


def test_a_file_that_turns_out_bad_changes_nothing(engine: Engine) -> None:
    """A wrong byte in the last line: the caller's transaction is rolled back as a whole."""
    bad = b"email\nada@example.org\n" + b"\xff@example.org\n"
    with pytest.raises(BadFile), people.the_list(engine) as session:
        import_csv(session, io.BytesIO(bad), TERMS, secret=SECRET, now=NOW)

    with people.the_list(engine) as session:
        assert find(session, "ada@example.org") is None


def test_an_upload_is_limited(session: Session) -> None:
    """20 MB and 500,000 rows; the command line has no limits."""
    with pytest.raises(BadFile, match="larger than 20 MB"):
        take(session, "email\n" + "x" * 60_000 + ("\n" + "x" * 60_000) * 340, limits=UPLOAD)


def test_the_report_keeps_few_lines_and_a_file_keeps_all(session: Session) -> None:
    """Line numbers and reasons, never what stands in the row (S-44)."""
    seen: list[int] = []
    report = take(
        session, "email\n" + "nobody\n" * 8, examples=3, details=(details := io.StringIO()), progress=seen.append
    )
    many = take(session, "email\n" + "".join(f"a{chr(0x3B1 + n)}@b{chr(0x3B1 + n)}!.org\n" for n in range(3)))

    assert list(report.sentences()) == ["refused: 8 × An email address must have an @-sign. (line 2, 3, 4, …)"]
    assert details.getvalue().splitlines()[:2] == [
        "line,outcome,reason",
        "2,refused,An email address must have an @-sign.",
    ]
    assert len(details.getvalue().splitlines()) == 9
    assert "nobody" not in details.getvalue()
    assert counted(many) == {"refused": 3}
    assert seen == []


def test_reasons_without_end_are_counted_together() -> None:
    """A file of rubbish does not make a report without end."""
    report = ImportReport(dry_run=True)
    for line in range(300):
        report.count(line, Outcome.REFUSED, f"reason {line}")

    assert len(report.whys) == 101
    assert report.whys[Outcome.REFUSED, "other reasons"].rows == 200
    assert report.rows == 300


def test_batches_and_progress(session: Session) -> None:
    """Everybody arrives, in the order of the file, with one event each."""
    seen: list[int] = []

    take(session, "email\n" + "".join(f"r{n}@example.org\n" for n in range(12_000)), progress=seen.append)

    assert seen == [5000, 10_000, 12_000]
    assert counts(session)[Status.ACTIVE] == 12_000
    assert session.exec(select(func.count()).select_from(ConsentEvent)).one() == 12_000
    assert require(session, "r11999@example.org").id == 12_000


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ada", "Ada", "ben", "dov", "cleo", "pia", "eve", "nobody at all", ""]),
        NAMES,
        st.sampled_from(["", "active", "paused", "pending", "unsubscribed", "gone"]),
    ),
    max_size=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS)
@example([("", "\n", "")])
def test_every_row_has_one_outcome_twice_is_once_and_dov_stays_suppressed(rows: list[tuple[str, str, str]]) -> None:
    """Whatever is in the file (S-44; invariant 8)."""
    with fresh() as session:
        people.everybody(session)
        before = {person.id: person.status for person in session.exec(select(Subscriber))}
        report = take(session, as_csv(rows))
        once = exported(session, raw=True)
        evidence = session.exec(select(func.count()).select_from(ConsentEvent)).one()
        take(session, as_csv(rows))

        assert report.rows == sum(1 for row in rows if any(row))
        assert exported(session, raw=True) == once
        assert session.exec(select(func.count()).select_from(ConsentEvent)).one() == evidence
        assert is_suppressed(session, print_of("dov@example.org"))
        assert all(session.get_one(Subscriber, who).status is status for who, status in before.items())


def test_objects_in_hand_show_what_an_import_wrote(session: Session) -> None:
    """Rows are written past the session; it must not answer from memory."""
    pia = people.pia(session)

    take(session, "email,name\npia@example.org,Pia L.\n")

    assert pia.name == "Pia L."
    assert resume(session, pia, people.PAGE, NOW)


def test_the_sample_list_is_imported_whole(session: Session) -> None:
    """Suppressions first: of the active people one must not be mailed."""
    with SUPPRESSIONS.open("rb") as file:
        blocked = import_suppressions(session, file, secret=SECRET, now=NOW)
    with SUBSCRIBERS.open("rb") as file:
        report = import_csv(session, file, TERMS, secret=SECRET, now=NOW)

    assert counted(blocked) == {"added": 3}
    assert counted(report) == {"added": 47, "suppressed": 1}
    assert counts(session) == {"pending": 3, "active": 40, "paused": 2, "unsubscribed": 2}


def test_another_database_than_sqlite_is_asked_for_nothing() -> None:
    """The page cache is SQLite's matter: a stand-in that answers no question is enough."""
    elsewhere = SimpleNamespace(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]

    with roomy(elsewhere):  # type: ignore[arg-type]
        pass
