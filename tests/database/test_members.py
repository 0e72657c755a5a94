"""Who is handed over with a batch: read as texts with a line for each, and told apart again without a mistake."""

import pytest
from delivery_samples import NOW, crowd, issue_on_its_way
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from newsletter.database import transaction
from newsletter.delivery.addressing import Member
from newsletter.delivery.claims import claim, member_ids, members
from subscribers.links import link_name
from subscribers.subscriber import Subscriber


def listed(session: Session) -> list[Member]:
    """Everybody on the list as `members` should hand them out, the plain way."""
    found = session.exec(select(Subscriber).order_by(col(Subscriber.id))).all()
    return [
        Member(one.ref, one.address or "", one.name, f"{one.confirmed_at:%Y-%m-%d}", link_name(one)) for one in found
    ]


def handed_out(session: Session) -> list[Member]:
    """The members of one batch of everybody; of the time only the day."""
    batch = claim(session, issue_on_its_way(session), 1000, NOW)
    assert batch is not None
    assert len(member_ids(session, batch)) == batch.size
    return [one._replace(since=one.since[:10]) for one in members(session, batch)]


def renamed(session: Session, number: int, **values: str | int | None) -> None:
    """Change what is kept of one of the crowd."""
    session.get_one(Subscriber, number).sqlmodel_update(values)
    session.flush()


@pytest.mark.parametrize("size", [1, 2, 11])
def test_members_are_everybody_of_the_batch_in_the_order_of_ids(engine: Engine, size: int) -> None:
    """In the order of numbers and not of digits: 10 comes after 9."""
    with transaction(engine) as session:
        crowd(session, size)

        assert handed_out(session) == listed(session)


@pytest.mark.parametrize("name", ["", "Zoë\nÅngström", "\n", "Ada\n", "a\x1fb", "👩\u200d💻"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_whatever_stands_in_a_name_stays_with_its_subscriber(engine: Engine, number: int, name: str) -> None:
    """Nothing, a line end, an end of text: the others keep their own names."""
    with transaction(engine) as session:
        crowd(session, 3)
        renamed(session, number, name=name)

        assert handed_out(session) == listed(session)


@pytest.mark.parametrize("name", ["Ada", "in\ntwo lines"])
def test_what_their_links_name_comes_with_them(engine: Engine, name: str) -> None:
    """Made by the database as by `link_name`; together as texts, and one by one."""
    with transaction(engine) as session:
        crowd(session, 3)
        renamed(session, 2, link_set=12, name=name)
        found = handed_out(session)

        assert found == listed(session)
        assert [one.link.removeprefix(one.ref) for one in found] == ["", "-12", ""]


def test_who_was_erased_meanwhile_keeps_their_place(engine: Engine) -> None:
    """Without an address; the addresses of the others do not move up."""
    with transaction(engine) as session:
        crowd(session, 3)
        renamed(session, 2, address=None, name="")

        assert [one.address for one in handed_out(session)] == ["reader0@example.org", "", "reader2@example.org"]


@pytest.mark.sqlite
def test_a_name_that_ends_a_text_too_early_stays_with_its_subscriber(engine: Engine) -> None:
    """PostgreSQL keeps no such name."""
    with transaction(engine) as session:
        crowd(session, 3)
        renamed(session, 2, name="a\x1fb\x00c")

        assert handed_out(session) == listed(session)


@pytest.mark.sqlite
def test_members_are_in_order_where_the_database_took_another(engine: Engine) -> None:
    """Receipts are told apart by their places: SQLite can be asked to read backwards where no order is asked for."""
    with transaction(engine) as session:
        crowd(session, 11)
        session.connection().execute(text("pragma reverse_unordered_selects = on"))

        assert handed_out(session) == listed(session)
