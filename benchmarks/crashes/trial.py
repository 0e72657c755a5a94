"""One run: a copy of the database, a sender in a forked child, and the restarts until nothing is left to do.

The child is forked, not started anew, so that a kill costs a tenth of a second instead of two; it opens its own
database and dies by itself, with a number that says how it ended.
"""

import ctypes
import os
import signal
import sqlite3
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event
from sqlmodel import Session

from crashes.checker import Verdict, judge, ledger_of
from crashes.scene import Scene
from newsletter.delivery.addressing import Addressing
from newsletter.delivery.mark import PostMark
from newsletter.delivery.progress import progress
from newsletter.desk.desk import Desk
from newsletter.desk.sending import resume, send
from newsletter.errors import NewsletterError
from newsletter.issues.issue import IssueStatus
from newsletter.providers.base import Provider
from newsletter.providers.outbox import Outbox

DONE, NOT_YET, ERROR = 0, 3, 4  #: exit codes of a child
RESTARTS = 40
PATIENCE = 10  #: so often an operator lets it go on; then it is an issue that never ends
#: After so many restarts a day has passed: what may be repeated under a key for a while may not be for ever.
SOON, A_DAY = 12, timedelta(hours=25)
LONGEST_RUN = 30  #: seconds, then the kernel kills it
SHORTEST_WAIT = 0.02  #: a sender that waits, for a disk to be emptied or a provider to recover, does not wait long
ASK = "--after-restore"  #: in the sentence of a sender that waits for an operator
ENDED = (IssueStatus.SENT, IssueStatus.PARTIAL)
PR_SET_PTRACER = 0x59616D61  #: prctl(2): who may trace us, where Yama lets only ancestors do it
Prepare = Callable[[Desk], None]


def as_it_is(_: Desk) -> None:
    """Nothing is done to the sender."""


@dataclass(frozen=True)
class Trial:
    """A database, and who sends from it through which provider."""

    scene: Scene
    folder: Path
    database: Path
    provider: Provider
    log: Path
    mutant: str = ""
    asked: list[str] = field(default_factory=list)  #: what an operator was asked before it went on
    resumed: list[str] = field(default_factory=list)  #: each time that an operator let it go on
    waited: list[timedelta] = field(default_factory=list)  #: how long nobody did anything

    def desk(self) -> Desk:
        """A desk over the database of this run."""
        return self.scene.desk(self.database, self.provider, sum(self.waited, timedelta()))

    def start(self, prepare: Prepare = as_it_is, *, wait_for: int | None = None) -> int:
        """Fork a sender; its pid. It begins when there is something to read from the file descriptor `wait_for`."""
        if pid := os.fork():
            return pid
        code = ERROR
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.alarm(LONGEST_RUN)
            if wait_for is not None:
                ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
                os.read(wait_for, 1)
            code = self._send(prepare)
        except BaseException:  # noqa: BLE001 - a child must not return into its parent's code
            (self.folder / "error.txt").write_text(traceback.format_exc())
        finally:
            os._exit(code)

    def _send(self, prepare: Prepare) -> int:
        desk = self.desk()
        weaken(desk, self.mutant)
        prepare(desk)
        try:
            if self.ended(desk):
                return DONE
            sent = send(desk, "1", by="the campaign", after_restore=bool(self.asked), pause=briefly)
        except NewsletterError as error:
            self.said.write_text(str(error))
            return ERROR
        if sent.issue.status in ENDED:
            return DONE
        self.said.write_text(f"{sent.ending}: {sent.reason}")
        return NOT_YET

    def ended(self, desk: Desk) -> bool:
        """Whether the issue has come to its end."""
        with desk.transaction() as session:
            return desk.find(session, "1").status in ENDED

    def to_the_end(self) -> bool:
        """Restart undisturbed until nothing is left to do. False: it never ended."""
        for restart in range(RESTARTS):
            if restart == SOON:
                self.waited.append(A_DAY)
            self.said.unlink(missing_ok=True)
            if code_of(self.start()) == DONE:
                return True
            if self.asks:
                self.asked.append(self.said.read_text())
            self.let_go_on()
            if len(self.resumed) > PATIENCE:
                break
            time.sleep(0.05)
        return False

    def let_go_on(self) -> None:
        """What an operator does once the account is mended, or the provider has found its voice again."""
        desk = self.desk()
        with desk.transaction() as session:
            paused = desk.find(session, "1").status is IssueStatus.PAUSED
        if paused:
            self.resumed.append(resume(desk, "1", by="the campaign").name)
        desk.engine.dispose()

    @property
    def said(self) -> Path:
        """The last sentence that a sender ended with."""
        return self.folder / "said.txt"

    @property
    def asks(self) -> bool:
        """Whether the last sender ended with a question to an operator."""
        return self.said.exists() and ASK in self.said.read_text()

    def backup(self) -> bytes:
        """The database as a backup takes it: whole, while it is written to."""
        path = self.folder / "backup.db"
        with closing(sqlite3.connect(self.database)) as here, closing(sqlite3.connect(path)) as there:
            here.backup(there)
        return path.read_bytes()

    def mark(self) -> dict[str, bytes]:
        """The mark beside the database, if there is one yet."""
        path = PostMark(engine := self.desk().engine).path
        engine.dispose()
        return {path.name: path.read_bytes()} if path and path.exists() else {}

    def untouched(self) -> Verdict:
        """A sender that asks has mailed nobody twice; whoever has no mail yet is held."""
        mailed = self.mailed()
        return Verdict(
            doubled=sum(times > 1 for times in mailed.values()), held=self.scene.people - len(mailed), asked=1
        )

    def verdict(self) -> Verdict:
        """Restart until the end, then ask the provider's log."""
        ended = self.to_the_end()
        desk = self.desk()
        with desk.transaction() as session:
            found = self._judge(desk, session, ended=ended) + Verdict(asked=len(self.asked) + len(self.resumed))
        desk.engine.dispose()
        return found

    def _judge(self, desk: Desk, session: Session, *, ended: bool) -> Verdict:
        issue = desk.find(session, "1")
        state = progress(session, issue.id or 0)
        adds_up = state is not None and state.adds_up and not state.to_claim
        keys = Addressing(desk.keys, "", issue_id=issue.id or 0, week=issue.week)
        return judge(ledger_of(session, keys), self.mailed(), ended=ended, adds_up=adds_up)

    def mailed(self) -> Counter[str]:
        """How often each key was mailed, by the provider's own log, or by the files of an outbox."""
        if isinstance(self.provider, Outbox):
            files = self.provider.folder.glob("[nc][eu][wr]/*.eml*")
            return Counter(path.name.partition(".")[0] for path in files)
        return Counter(self.log.read_text().split() if self.log.exists() else ())


def briefly(seconds: float) -> None:
    """Wait, but not long: the sender looks again whether its time has come."""
    time.sleep(min(seconds, SHORTEST_WAIT))


def code_of(pid: int) -> int:
    """How a child ended: its exit code, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def weaken(desk: Desk, mutant: str) -> None:
    """Take a guard away, to show that the campaign sees it: `lease` gives stale claims back, `normal` syncs less."""
    if mutant == "normal":
        event.listen(desk.engine, "connect", lambda connection, _: connection.execute("pragma synchronous=normal"))
    if mutant == "lease":
        with desk.transaction() as session:
            session.connection().exec_driver_sql(
                "update batch set status = 'claimed', doubtful = 0 where status in ('sending', 'unknown')"
            )
