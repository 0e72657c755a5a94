"""What becomes of a sending when its PostgreSQL server crashes, is cut off, or is followed by an older copy.

Real servers, each in a folder of its own (security reference, 3.4). The provider's log says what went out.
"""

import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from delivery_samples import NOW, dispatcher_for_ten, state_of
from fake_provider import FakeProvider, Killed
from postgres_proxy import Proxy
from postgres_server import SMALL, Server, programs
from sqlalchemy import Engine, text

from newsletter.database import engine_for, reading, transaction
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.flight import Ending
from newsletter.delivery.lineage import mark_of
from newsletter.delivery.lock import holder, only_dispatcher
from newsletter.errors import DatabaseBusy, DatabaseError, DeliveryError, SomebodySends
from newsletter.migrations import upgrade
from newsletter.providers.base import Answer, OutgoingBatch
from subscribers.suppression import Reason, Suppression

CUT = text("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = :name")


@dataclass
class Eventful(FakeProvider):
    """During its second call something happens to the database."""

    happens: Callable[[], object] = lambda: None
    at: int = 2

    def send(self, batch: OutgoingBatch) -> Answer:
        """Take it, and let it happen."""
        answer = super().send(batch)
        if len(self.calls) == self.at:
            self.happens()
        return answer


@pytest.fixture(scope="module")
def stopped() -> Iterator[Server]:
    """A server at the newest schema that is not running: to be copied, which is faster than to make one."""
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server here")
    made = Server(found).start()
    engine = engine_for(made.url())
    upgrade(engine)
    engine.dispose()
    made.stop()
    yield made
    shutil.rmtree(made.folder)


@pytest.fixture
def server(stopped: Server) -> Iterator[Server]:
    """A server that syncs what it commits, as a real one."""
    server = stopped.twin(settings=SMALL).start()
    yield server
    server.remove()


@pytest.fixture
def ten(server: Server) -> Iterator[Dispatcher]:
    """A dispatcher for ten people, four in a call, on this server."""
    engine = engine_for(server.url())
    yield dispatcher_for_ten(engine)
    engine.dispose()


def run(dispatcher: Dispatcher) -> tuple[Ending, str]:
    """One run, under the lock, as the desk does it."""
    with only_dispatcher(dispatcher.engine) as alone:
        return replace(dispatcher, alone=alone).run(1)


def cut(engine: Engine) -> None:
    """Cut every connection to this database, the dispatcher's lock too."""
    other = engine_for(engine.url.render_as_string(hide_password=False))
    with other.connect() as connection:
        connection.execute(CUT, {"name": engine.url.database or "newsletter"})
    other.dispose()


def test_a_second_dispatcher_is_told_who_sends(ten: Dispatcher) -> None:
    """On whichever machine; and when the first has ended, there is nobody."""
    with only_dispatcher(ten.engine):
        found = holder(ten.engine)
        with pytest.raises(SomebodySends, match="Another process is sending"), only_dispatcher(ten.engine):
            pass

    assert found
    assert found.host
    assert holder(ten.engine) is None
    assert run(ten) == (Ending.DONE, "")


def test_a_cut_connection_ends_the_run_before_the_next_post(ten: Dispatcher) -> None:
    """Another dispatcher may be at work by then. What was under way is recorded, and the next run goes on."""
    provider = Eventful(happens=lambda: cut(ten.engine))
    ending, reason = run(ten := replace(ten, provider=provider))

    assert (ending, len(provider.calls)) == (Ending.STOPPED, 2)
    assert "kept other dispatchers away" in reason
    assert state_of(ten).accepted == 8
    assert run(ten) == (Ending.DONE, "")
    assert list(provider.log.values()) == [1] * 10


def test_a_crash_of_the_server_loses_and_doubles_nobody(ten: Dispatcher, server: Server) -> None:
    """It crashes during a call and is up again before the answer; without keys the provider would double at once."""

    def crash() -> None:
        server.stop(signal.SIGQUIT)
        server.start()

    provider = Eventful(happens=crash)
    ending, _ = run(ten := replace(ten, provider=provider))

    assert (ending, state_of(ten).accepted) == (Ending.STOPPED, 8)
    assert run(ten) == (Ending.DONE, "")
    assert list(provider.log.values()) == [1] * 10


def test_a_server_that_stays_away_ends_the_run_with_a_sentence(ten: Dispatcher, server: Server) -> None:
    """Its call was answered, and nobody can write it down: after the restart that is doubt, and shown."""
    provider = Eventful(happens=lambda: server.stop(signal.SIGINT))
    ten = replace(ten, provider=provider)
    with pytest.raises(DatabaseError, match="cannot be made"):
        run(ten)
    server.start()
    ending, _ = run(ten)

    assert ending is Ending.DONE
    assert list(provider.log.values()) == [1] * 10
    assert (state_of(ten).accepted, state_of(ten).unknown) == (6, 4)


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """A bad line to the server."""
    folder = server.folder / "proxied"
    folder.mkdir()
    made = Proxy(folder, server.folder / ".s.PGSQL.5432").start()
    yield made
    made.stop()


@pytest.mark.parametrize("call", [2, 3], ids=["a claim", "the last receipt"])
def test_a_lost_answer_to_a_commit_is_read_back(ten: Dispatcher, proxy: Proxy, call: int) -> None:
    """What it claimed was never posted, and is posted now: no doubt, nobody twice, nobody lost."""

    def lose() -> None:
        proxy.lose = True

    engine = engine_for(f"postgresql://newsletter@/postgres?host={proxy.folder}")
    provider = Eventful(happens=lose, at=call)
    with only_dispatcher(ten.engine) as alone:
        ending, _ = replace(ten, engine=engine, provider=provider, alone=alone).run(1)
    engine.dispose()

    assert (ending, proxy.lost, state_of(ten).unknown) == (Ending.DONE, 1, 0)
    assert list(provider.log.values()) == [1] * 10


@dataclass
class Standby:
    """A standby that is behind: it has what there was when `take` was called, and takes over when it is told to."""

    server: Server
    copy: Server | None = None

    def take(self) -> None:
        """Copy the server as it is now."""
        self.copy = self.server.copy()

    def take_over(self) -> None:
        """The server dies, and this one is in its place."""
        assert self.copy
        self.server.stop(signal.SIGQUIT)
        self.copy.promote()


@pytest.fixture
def standby(server: Server) -> Iterator[Standby]:
    """Nothing is copied yet."""
    made = Standby(server)
    yield made
    if made.copy:
        made.copy.remove()


@pytest.mark.parametrize("remembers", [True, False], ids=["key", "no key"])
def test_a_standby_that_is_behind_does_not_send(ten: Dispatcher, standby: Standby, *, remembers: bool) -> None:
    """It has forgotten the third call: without the guard two people would get a second copy (3.4: 187 of 4,000)."""
    provider = Eventful(remembers, happens=standby.take)
    ten = replace(ten, provider=provider)
    assert run(ten) == (Ending.DONE, "")
    standby.take_over()
    ten.engine.dispose()
    with pytest.raises(DeliveryError, match=r"another server took over, or a copy was restored.*--after-restore"):
        run(ten)

    assert list(provider.log.values()) == [1] * 10
    assert state_of(ten).to_claim == 2


def test_a_failover_in_the_middle_of_a_run_ends_it(ten: Dispatcher, standby: Standby) -> None:
    """The run that is under way notices it too, before its next call."""

    def fail_over() -> None:
        standby.take()
        standby.take_over()

    provider = Eventful(happens=fail_over)
    with pytest.raises(DeliveryError, match="Another server took over"):
        run(ten := replace(ten, provider=provider))
    with pytest.raises(DeliveryError, match="--after-restore"):
        run(ten)

    assert (len(provider.calls), max(provider.log.values())) == (2, 1)


def test_after_an_operators_word_a_provider_with_keys_gets_nobody_twice(ten: Dispatcher, standby: Standby) -> None:
    """What the standby has forgotten is called again under the same key."""
    provider = Eventful(remembers=True, happens=standby.take)
    run(ten := replace(ten, provider=provider))
    standby.take_over()
    ten.engine.dispose()
    with transaction(ten.engine) as session:
        mark_of(ten.engine).accept(session)

    assert run(ten) == (Ending.DONE, "")
    assert (list(provider.log.values()), state_of(ten).accepted) == ([1] * 10, 10)


def test_a_dump_that_was_read_in_again_is_another_ledger(ten: Dispatcher, server: Server) -> None:
    """In the same server, under the same name: the tables are new, and that is seen."""
    provider = Eventful(happens=lambda: server.run("pg_dump", "-Fc", "-f", str(dump), *where))
    dump, where = server.folder / "dump", ("-h", str(server.folder), "-U", "newsletter", "postgres")
    ten = replace(ten, provider=provider)
    assert run(ten) == (Ending.DONE, "")
    ten.engine.dispose()
    server.run("pg_restore", "--clean", "-d", "postgres", *where[:-1], str(dump))
    with pytest.raises(DeliveryError, match="--after-restore"):
        run(ten)

    assert list(provider.log.values()) == [1] * 10


def test_a_crash_is_no_other_history(ten: Dispatcher, server: Server) -> None:
    """Or every restart would ask for an operator."""
    with pytest.raises(Killed):
        run(replace(ten, provider=FakeProvider(next_answers=["accept", "die before"])))
    server.stop(signal.SIGQUIT)
    server.start()
    ten.engine.dispose()

    assert run(replace(ten, provider=FakeProvider(remembers=True))) == (Ending.DONE, "")


def test_a_claim_is_durable_whatever_the_role_was_told(server: Server) -> None:
    """A role or database may be set to commit without waiting: a crash would take claims back."""
    engine = engine_for(server.url())
    with engine.begin() as connection:
        connection.exec_driver_sql("alter role newsletter set synchronous_commit = off")
    engine.dispose()
    with transaction(engine) as session:
        assert session.execute(text("show synchronous_commit")).scalar_one() == "on"
    engine.dispose()


def test_who_only_reads_waits_for_nobody_sees_one_moment_and_cannot_write(server: Server) -> None:
    """An export of minutes must not stand in the way of a claim, nor see half of it."""
    engine = engine_for(server.url(), busy_seconds=0.2)
    number = text("select count(*) from suppression")
    with reading(engine) as session:
        before = session.execute(number).scalar_one()
        with transaction(engine) as writer:
            writer.add(Suppression(fingerprint="f", reason=Reason.MANUAL, at=NOW))
        after = session.execute(number).scalar_one()
    with pytest.raises(DatabaseError), reading(engine) as session:
        session.execute(text("delete from suppression"))
    engine.dispose()

    assert (before, after) == (0, 0)


def test_who_waits_too_long_for_a_turn_is_told_that_others_write(server: Server) -> None:
    """And whoever only reads goes past them."""
    engine = engine_for(server.url(), busy_seconds=0.2)
    number = text("select count(*) from suppression")
    with transaction(engine) as writer:
        writer.execute(number)
        with reading(engine) as session:
            assert session.execute(number).scalar_one() == 0
        with pytest.raises(DatabaseBusy, match="another process is writing"), transaction(engine) as other:
            other.execute(number)
    engine.dispose()
