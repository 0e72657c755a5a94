"""Facts for the rules of telling: a quiet house, and what is changed in it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from people import NOW

from jobs.notices.facts import Facts, Post, Rates, Slot, Watched
from jobs.notices.rules import holding
from jobs.slots import RunStatus
from newsletter.config import Config, Schedule
from newsletter.delivery.progress import Progress
from newsletter.desk.notices import Holds
from newsletter.issues.issue import IssueStatus

WEEK = "2026-W46"
DONE = Progress(1_000, 1_000, 0, 0, 0, skipped={}, to_claim=0)
#: The slot of NOW, whose issue leaves six hours later.
SLOT = Slot(
    name="2026-11-12T08:00",
    week=WEEK,
    due=NOW,
    planned=NOW + timedelta(hours=6),
    too_late=NOW + timedelta(hours=12),
    begun=NOW,
    status=RunStatus.WAITING,
    step="approve",
    said="",
)


def facts(**changes: Any) -> Facts:
    """A house in which nothing is to be told."""
    quiet: dict[str, Any] = {
        "now": NOW,
        "config": Config(schedule=Schedule(send_time="14:00")),
        "slot": None,
        "issues": (),
        "usual": None,
        "waits_until": None,
        "polls": (),
        "kept_since": None,
        "night": "",
        "free": 10**12,
        "size": 10**6,
        "newest_copy": None,
        "unreadable": (),
        "stopped_since": None,
    }
    return Facts(**{**quiet, **changes})


def issue(status: IssueStatus, **changes: Any) -> Watched:
    """Issue 1, of this week."""
    its: dict[str, Any] = {"scheduled": None, "step": 7, "step_at": NOW, "step_by": "ada", "post": None}
    return Watched(1, f"issue 1 ({WEEK})", WEEK, status, **{**its, **changes})


def post(started: datetime = NOW, state: Progress = DONE, **changes: Any) -> Post:
    """A sending to a thousand people that is through, and of which nothing bad was heard."""
    rates = Rates(**{"accepted": state.accepted, "complained": 0, "bounced": 0, "unsubscribed": 0, **changes})
    return Post(started, started, state, started, state.unknown, started if state.unknown else None, 0, rates)


def sent(**changes: Any) -> Watched:
    """Issue 1 is sent; so many did what, or so it went."""
    return issue(IssueStatus.SENT, post=post(**changes))


def of_slot(**changes: Any) -> Slot:
    """The week's slot, otherwise."""
    return replace(SLOT, **changes)


def told(**changes: Any) -> list[Holds]:
    """What is told of a house that is so."""
    return holding(facts(**changes))


def kinds(**changes: Any) -> list[str]:
    """The kinds of it."""
    return [str(one.kind) for one in told(**changes)]
