"""Whether we are there, and whether all is well: for load balancers, containers and monitors. No words but our own."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from sqlmodel import select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from newsletter.desk.desk import Desk
from newsletter.errors import DatabaseError
from newsletter.issues.issue import Issue


async def alive(_: Request) -> Response:
    """The web server is there. Whoever restarts what does not answer asks this: a busy database is no reason to."""
    return PlainTextResponse("alive\n", HTTPStatus.OK)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the database answers, and every job was done on time: a sentence for each that was not."""

    desk: Desk
    trouble: Callable[[], list[str]]

    async def __call__(self, _: Request) -> Response:
        """200, or 503 and what is wrong, a line each."""
        wrong = [*await run_in_threadpool(self._database), *self.trouble()]
        status = HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK
        return PlainTextResponse("".join(f"{line}\n" for line in wrong or ["ready"]), status)

    def _database(self) -> list[str]:
        try:
            with self.desk.reading() as session:
                session.exec(select(Issue.id).limit(1)).first()
        except DatabaseError:
            return ["the database does not answer"]  # its own words name files and hosts
        return []
