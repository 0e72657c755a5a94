"""The schema that the migrations make is the schema that the code describes."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from newsletter.database import reading
from newsletter.errors import DatabaseError
from newsletter.migrations import settings, upgrade
from newsletter.schema import known, newest, require_newest
from subscribers.links import by_link, link_name

ONE_ISSUE = """
    insert into issue (id, number, week, status, newsletter, date, created_at, updated_at, subject, preheader, edits)
    values (1, 1, '2026-W46', 'sending', 'weekly', '2026-11-12', '2026-11-12', '2026-11-12', '', '', '{}')
"""
ONE_BATCH = """
    insert into batch (id, issue_id, number, key, status, attempt, doubtful, after, upto, size, refused, unknown,
                       claimed_at, attempted_at, provider, reason)
    values (1, 1, 1, 'issue:1:batch:1', 'accepted', 1, false, 0, 9, 2, 0, 0, '2026-11-12', '2026-11-12', 'outbox', '')
"""
ONE_EVENT = """
    insert into provider_event (provider, event_id, kind, word, issue_id, subscriber_id, at, received_at, reason)
    values ('fake', 'e1', 'delivered', 'Delivery', 1, 7, '2026-11-12', '2026-11-12', '')
"""


def test_what_every_command_looks_at_are_the_revisions_that_alembic_knows() -> None:
    """By the names of the files, so that no command has to load Alembic."""
    scripts = ScriptDirectory.from_config(settings())

    assert newest() == scripts.get_current_head()
    assert known() == {script.revision for script in scripts.walk_revisions()}


ONE_PERSON = """
    insert into subscriber (id, ref, address, fingerprint, status, name, source, signed_up_at, status_since)
    values (:who, :ref, :address, :print, 'active', '', 'x', '2026-11-12', '2026-11-12')
"""
ONE_YES = """
    insert into consent_event (subscriber_id, kind, status, at, source, wording, by)
    values (:who, 'confirmed', 'active', '2026-11-12', '/confirm', '2026-11', '')
"""


def test_there_is_one_newest_revision() -> None:
    """Two heads would let two machines disagree about the schema."""
    assert len(ScriptDirectory.from_config(settings()).get_heads()) == 1


def test_the_migrations_make_the_schema_of_the_models(engine: Engine) -> None:
    """No column that only a fresh database has, none that only an upgraded one has."""
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)

    assert differences == []


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    """The command may be run at every start."""
    upgrade(engine)

    require_newest(engine)


def test_an_empty_database_is_called_empty_and_not_old(empty: Engine) -> None:
    """An upgrade would make an empty list of it, where a copy may be wanted; the sentence names what fills it."""
    with pytest.raises(DatabaseError, match=r"There is nothing in the database .*'newsletter init'"):
        require_newest(empty)


def test_deliveries_of_the_first_schema_survive_the_second(empty: Engine) -> None:
    """Who had which issue is the one thing that an upgrade must not forget."""
    with empty.begin() as connection:
        command.upgrade(settings(connection), "0001")
        connection.execute(text(ONE_ISSUE))
        connection.execute(text(ONE_BATCH))
        connection.execute(text("insert into delivery (issue_id, subscriber_id, batch_id) values (1, 7, 1), (1, 9, 1)"))

    upgrade(empty)

    with empty.connect() as connection:
        assert connection.execute(text("select * from delivery")).all() == [(1, 7, 1), (1, 9, 1)]
    with pytest.raises(IntegrityError), empty.begin() as connection:
        connection.execute(text("insert into delivery (issue_id, subscriber_id, batch_id) values (1, 9, 2)"))


def test_a_sending_of_the_second_schema_can_take_events(empty: Engine) -> None:
    """What was sent before the upgrade is delivered after it; each event is kept once."""
    with empty.begin() as connection:
        command.upgrade(settings(connection), "0002")
        connection.execute(text(ONE_ISSUE))
        connection.execute(text("insert into delivery (issue_id, subscriber_id, batch_id) values (1, 7, 1)"))

    upgrade(empty)

    with empty.begin() as connection:
        connection.execute(text(ONE_EVENT))
        assert connection.execute(text("select * from delivery")).all() == [(1, 7, 1)]
    with pytest.raises(IntegrityError), empty.begin() as connection:
        connection.execute(text(ONE_EVENT))


def test_a_newer_database_is_left_alone(engine: Engine) -> None:
    """Older code does not touch a schema that it does not know."""
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = 'from-the-future'"))

    with pytest.raises(DatabaseError, match="newer version"):
        upgrade(engine)


def test_a_failed_upgrade_leaves_nothing_behind(empty: Engine) -> None:
    """All of it or nothing: a table that is in the way rolls back the whole upgrade."""
    with empty.begin() as connection:
        connection.execute(text("create table subscriber (id integer)"))

    with pytest.raises(Exception, match="already exists"):
        upgrade(empty)

    with empty.connect() as connection:
        assert inspect(connection).get_table_names() == ["subscriber"]
    assert newest()


def test_old_evidence_learns_whose_address_it_is_about_and_an_erased_one_s_does_not(empty: Engine) -> None:
    """Before this nobody's address could change, so all evidence is about the present one."""
    people = ((1, "ada@example.org", "hash of ada"), (2, None, "erased-x"))
    with empty.begin() as connection:
        command.upgrade(settings(connection), "0021")
        for who, address, print_ in people:
            known = {"who": who, "address": address, "print": print_, "ref": f"r{who}"}
            connection.execute(text(ONE_PERSON), known)
            connection.execute(text(ONE_YES), known)

    upgrade(empty)

    with empty.connect() as connection:
        told = connection.execute(text("select subscriber_id, fingerprint from consent_event order by 1")).all()
    assert told == [(1, "hash of ada"), (2, "")]


def test_people_written_anew_keep_all_that_refers_to_them_and_stay_unique(empty: Engine) -> None:
    """Evidence names them by id, and goes on being refused for nobody; nobody comes twice."""
    ada = {"who": 7, "address": "ada@example.org", "print": "hash of ada", "ref": "r7"}
    with empty.begin() as connection:
        command.upgrade(settings(connection), "0024")
        connection.execute(text(ONE_PERSON), ada)
        connection.execute(text(ONE_YES), ada)

    upgrade(empty)

    with empty.connect() as connection:
        kept = connection.execute(text("select id, ref, address, frequency from subscriber")).all()
        evidence = connection.execute(text("select subscriber_id from consent_event")).scalars().all()
    assert (kept, evidence) == ([(7, "r7", "ada@example.org", "weekly")], [7])
    for same in ({"who": 8, "ref": "r8"}, {"who": 8, "print": "hash of ben"}):
        with pytest.raises(IntegrityError), empty.begin() as connection:
            connection.execute(text(ONE_PERSON), ada | same)
    with pytest.raises(IntegrityError), empty.begin() as connection:
        connection.execute(text(ONE_YES), ada | {"who": 8})


def test_links_in_mails_from_before_sets_of_links_go_on_to_work(empty: Engine) -> None:
    """Who is on the list already has the first set, which tokens name by the ref alone."""
    ada = {"who": 7, "address": "ada@example.org", "print": "hash of ada", "ref": "r7"}
    with empty.begin() as connection:
        command.upgrade(settings(connection), "0025")
        connection.execute(text(ONE_PERSON), ada)

    upgrade(empty)

    with reading(empty) as session:
        found = by_link(session, "r7")
        assert found is not None
        assert link_name(found) == "r7"


@pytest.mark.sqlite
def test_references_count_again_after_an_upgrade_that_fails(empty: Engine) -> None:
    """They are off only while it goes on: the connection is used again."""
    with empty.begin() as connection:
        connection.execute(text("create table subscriber (id integer)"))

    with pytest.raises(DatabaseError, match="already exists"):
        upgrade(empty)

    with empty.connect() as connection:  # the pool gives back the one that it has
        assert connection.execute(text("pragma foreign_keys")).scalar_one() == 1
