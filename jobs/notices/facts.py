"""What the rules of telling look at (rules.py): numbers and times, no addresses. Read by reading.py."""

from dataclasses import dataclass
from datetime import datetime

from jobs.slots import RunStatus
from newsletter.config import Config, Schedule
from newsletter.delivery.progress import Progress
from newsletter.issues.issue import IssueStatus


@dataclass(frozen=True, slots=True)
class Slot:
    """The newest slot of the weekly job that is due, and its run."""

    name: str  #: "2026-11-12T08:00"
    week: str
    due: datetime  #: aware, as all times here
    planned: datetime | None  #: when its issue is to leave
    too_late: datetime
    begun: datetime | None  #: None: nobody has taken it
    status: RunStatus | None
    step: str
    said: str  #: last, by that step


@dataclass(frozen=True, slots=True)
class Rates:
    """Of those who got an issue, how many did what; each a number of people."""

    accepted: int
    complained: int
    bounced: int
    unsubscribed: int


@dataclass(frozen=True, slots=True)
class Post:
    """How the sending of an issue stands."""

    started: datetime
    finished: datetime | None
    progress: Progress
    last_call: datetime | None
    doubtful: int  #: deliveries of which nobody knows
    doubtful_since: datetime | None
    doubled: int  #: deliveries that a provider reported twice
    rates: Rates
    next_wave: datetime | None = None  #: when the first wave that is not over opens, or has opened


@dataclass(frozen=True, slots=True)
class Watched:
    """An issue of these days."""

    number: int
    name: str
    week: str
    status: IssueStatus
    scheduled: datetime | None
    step: int  #: the id of its newest step
    step_at: datetime | None
    step_by: str
    post: Post | None


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate that our own pages are served with, as a reader's mail program sees it."""

    until: datetime | None  #: None: it is not to be trusted
    trouble: str = ""  #: then: why


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is looked at, at one moment."""

    now: datetime
    config: Config
    slot: Slot | None
    issues: tuple[Watched, ...]  #: newest first
    usual: Rates | None  #: medians of the issues before, per 100,000 accepted; None: there are too few to compare
    waits_until: datetime | None  #: a provider asked to be left alone
    polls: tuple[tuple[str, datetime | None, str], ...]  #: provider, last success, trouble; those in trouble
    kept_since: datetime | None  #: the first night whose chores were done
    night: str  #: what the newest night's chores said, where one failed
    free: int  #: bytes, where the database is, or, where a server keeps that, where the newsletter runs
    size: int  #: bytes, of the database; 0: a server keeps it
    newest_copy: datetime | None
    unreadable: tuple[str, ...]  #: files with keys that are named in the settings and cannot be read
    stopped_since: datetime | None
    certificate: Certificate | None = None  #: None: there is none, or nobody could ask
    subscribers: tuple[tuple[str, int], ...] = ()  #: how many there are of each status
    unread: tuple[tuple[str, int], ...] = ()  #: providers, and how many events of a day could not be read
    untold: tuple[tuple[str, str], ...] = ()  #: ways of telling that failed again and again, and why

    @property
    def schedule(self) -> Schedule:
        """The weekly job's settings."""
        return self.config.schedule
