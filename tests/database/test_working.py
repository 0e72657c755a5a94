"""The loop of a machine that only sends."""

from collections.abc import Callable

from desk_samples import Place, furnished
from sqlalchemy import Engine, text

from jobs.working import Working
from newsletter.database import transaction
from newsletter.delivery.flight import Ending
from newsletter.desk import sending, writing
from newsletter.issues.issue import IssueStatus


def looks(here: Place, times: int, turns: Callable[[], None] = lambda: None) -> tuple[list[sending.Sent], list[str]]:
    """Run the loop for so many looks, half a minute apart: what ended, and what was said."""
    left, ended, said = [times], list[sending.Sent](), list[str]()

    def later(_: float) -> None:
        left[0] -= 1
        here.clock.forward(seconds=31)

    def ticks() -> float:
        return here.clock().timestamp()

    Working(here.desk, lambda: left[0] <= 0, later, ended.append, said.append, ticks, turns).run()
    return ended, said


def approved(engine: Engine) -> Place:
    """An issue that may be sent."""
    here = furnished(engine)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="Mara")
    return here


def test_a_worker_sends_what_is_due_and_nothing_else(engine: Engine) -> None:
    """Approved is not due; scheduled is, when its time has come."""
    here = approved(engine)
    assert looks(here, 1) == ([], [])
    sending.schedule(here.desk, "1", at=None, by="Mara")
    here.clock.forward(minutes=11)
    ended, _ = looks(here, 2)

    assert [(one.ending, one.issue.status) for one in ended] == [(Ending.DONE, IssueStatus.SENT)]


def test_a_worker_that_cannot_go_on_says_so_once_and_goes_on_looking(engine: Engine) -> None:
    """The ledger was opened for other bytes: that is no reason to end, nor to say it every half minute."""
    here = approved(engine)
    sending.start(here.desk, "1", by="Mara")
    with transaction(engine) as session:
        session.execute(text("update sending set digest = 'another'"))
    ended, said = looks(here, 4)

    assert (ended, len(said)) == ([], 1)
    assert "began with other content" in said[0]


def test_a_worker_sends_nothing_while_the_file_is_there_that_stops_all_sending(engine: Engine) -> None:
    """Not even a look at what is due."""
    here = approved(engine)
    sending.start(here.desk, "1", by="Mara")
    file = here.desk.config.sending.stop_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    ended, _ = looks(here, 2)
    file.unlink()

    assert ended == []
    assert not here.provider.log


def test_a_worker_is_seen_to_turn_as_long_as_the_database_answers(engine: Engine) -> None:
    """At every look, and while it sends; what Prometheus is told of it stands still when it does."""
    here, turned = approved(engine), list[int]()
    looks(here, 3, lambda: turned.append(1))
    idle = len(turned)
    sending.schedule(here.desk, "1", at=None, by="Mara")
    here.clock.forward(minutes=11)
    looks(here, 1, lambda: turned.append(1))
    busy = len(turned) - idle
    with transaction(engine) as session:
        session.execute(text("alter table issue rename to away"))
    looks(here, 3, lambda: turned.append(1))
    with transaction(engine) as session:
        session.execute(text("alter table away rename to issue"))

    assert (idle, busy > 1, len(turned)) == (3, True, idle + busy)
