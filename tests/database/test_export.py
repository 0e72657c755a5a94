"""Lists out as CSV, and suppressions both ways (security reference, S-43)."""

import io
import string
from collections.abc import Iterator

import people
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from list_files import NAMES, as_csv, counted, exported, fresh, take
from people import BACK_ON, NOW, SECRET
from sqlalchemy import Engine
from sqlmodel import Session

from subscribers.consent import Status
from subscribers.erasure import erase
from subscribers.export import TOGETHER
from subscribers.subscriber import require
from subscribers.suppression import suppressions
from subscribers.suppression_files import export_suppressions, import_suppressions


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """An empty list."""
    with people.the_list(engine) as session:
        yield session


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.text(string.ascii_letters + "=+-'", min_size=1, max_size=6), NAMES, max_size=6),
    st.booleans(),
)
def test_an_export_imported_elsewhere_is_the_same_list(named: dict[str, str], guarded: bool) -> None:
    """Raw as it is; guarded when the import is told so."""
    text = as_csv([(who, name, "") for who, name in named.items()])
    with fresh() as here, fresh() as there:
        take(here, text)
        people.everybody(here)
        take(there, exported(here, raw=not guarded), guarded=guarded)

        assert exported(there, raw=True) == exported(here, raw=True)


def test_an_export_holds_no_formula_unless_asked_for(session: Session) -> None:
    """OWASP: a name is not calculated by whoever opens the file."""
    take(session, 'email,name\n+x@example.org,"=HYPERLINK(""https://evil.example.org"")"\n')

    assert "'+x@example.org,\"'=HYPERLINK(" in exported(session)
    assert '\n+x@example.org,"=HYPERLINK(' in exported(session, raw=True)


def test_an_export_can_be_of_one_status_and_shows_nobody_who_was_erased(session: Session) -> None:
    """Times are ISO 8601 in UTC."""
    everybody = people.everybody(session)
    erase(session, everybody["ada"], "command line", NOW)

    assert "ada" not in exported(session)
    [line] = exported(session, status=Status.PAUSED).splitlines()[1:]
    assert line.startswith("pia@example.org,Pia Lindqvist,paused,2026-09-17T08:00:00+00:00,")
    assert BACK_ON.isoformat() in line


def test_more_people_than_are_read_at_once_are_all_there_in_their_order(session: Session) -> None:
    """Each once, at the seams as well, whether or not some of them have to be taken apart."""
    names = ["Njeri; Ada" if n == TOGETHER + 7 else f"R {n}" for n in range(2 * TOGETHER + 3)]
    take(session, as_csv([(f"r{n}", name.replace(";", ","), "") for n, name in enumerate(names)]))
    erase(session, require(session, "r4@example.org"), "command line", NOW)

    found = [line.partition("@")[0] for line in exported(session).splitlines()[1:]]
    assert found == [f"r{n}" for n in range(len(names)) if n != 4]


def test_suppressions_move_with_the_list(session: Session) -> None:
    """Reasons are kept; what is there keeps its own; what cannot be read is refused."""
    people.dov(session)
    rows = (
        "dov@example.org,complaint",
        "eve@example.org,complaint",
        "pia@example.org",
        "x,manual",
        "ada@example.org,bad",
    )
    text = "\n".join(("address,reason", *rows))

    report = import_suppressions(session, io.BytesIO(text.encode()), secret=SECRET, now=NOW, by="olga")
    export_suppressions(session, out := io.StringIO())

    assert counted(report) == {"added": 2, "unchanged": 1, "refused": 2}
    assert {one.address: one.reason.value for one in suppressions(session)} == {
        "dov@example.org": "hard-bounce",
        "eve@example.org": "complaint",
        "pia@example.org": "manual",
    }
    erase(session, require(session, "dov@example.org"), "command line", NOW)
    assert len(out.getvalue().splitlines()) == 4
    export_suppressions(session, again := io.StringIO(), raw=True)
    assert len(again.getvalue().splitlines()) == 3
