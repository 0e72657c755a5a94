"""What decides what comes next with an issue, beside its numbers: who sends, what stops it, who paused it, its time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from newsletter.delivery.batch import BatchStatus, Sending
from newsletter.delivery.failover import Failover, of_issue, taken_by
from newsletter.delivery.ledger import begun, open_batches
from newsletter.delivery.lineage import mark_of
from newsletter.delivery.lock import Holder, holder
from newsletter.delivery.recovery import Outlook
from newsletter.delivery.waits import ProviderWait, running
from newsletter.delivery.warmup import left_today
from newsletter.delivery.waves import Wave, waves_of
from newsletter.desk.desk import Desk
from newsletter.desk.doubting import known_providers, settles_itself
from newsletter.desk.sending import stopped_by
from newsletter.errors import DeliveryError
from newsletter.issues.issue import Issue, IssueStep, steps_of


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether anything moves, and what it waits for."""

    sender: Holder | None  #: the process that sends now from this database; None also where that is not known
    stop_file: Path | None  #: what stops all sending, if it is there
    last_step: IssueStep | None  #: the newest step of the issue, and who took it
    not_after: datetime | None  #: when the sending becomes late (aware), if it has begun
    claimed: bool  #: whether some readers may have it
    parked: int = 0  #: people in calls that the provider certainly did not take, to be tried again
    heard: str = ""  #: why it did not, of the newest such call
    wait: ProviderWait | None = None  #: what a provider asked for that is configured, as long as it is not over
    #: how many people each provider took, by its name in the ledger
    taken_by: dict[str, int] = field(default_factory=dict)
    left: list[Failover] = field(default_factory=list)  #: why the first provider was left, oldest first
    waves: Sequence[Wave] = ()  #: of an issue by the readers' own time, in the order of opening
    looked_at: datetime | None = None  #: when this was so, aware
    used_up: bool = False  #: today's share of the warm-up: it goes on tomorrow (UTC)
    settles: int = 0  #: so many people in doubt the next run settles by itself,
    outlook: Outlook | None = None  #: from then on
    doubt: str = ""  #: why this ledger may have forgotten calls, as a restored one: nothing is sent from it unasked


def standing(desk: Desk, session: Session, issue: Issue) -> Standing:
    """Look at lock, stop file, steps and ledger. The lock is not kept."""
    steps, sending = steps_of(session, issue), session.get(Sending, issue.id)
    parked = [one for one in open_batches(session, issue.id or 0) if one.status is BatchStatus.CLAIMED]
    settles, outlook = settles_itself(desk, session, issue)
    sender = holder(desk.engine)
    return Standing(
        sender=sender,
        stop_file=stopped_by(desk),
        last_step=steps[-1] if steps else None,
        not_after=sending.not_after if sending else None,
        parked=sum(batch.still_open for batch in parked),
        heard=parked[-1].reason if parked else "",
        wait=running(session, _names(desk), desk.clock()),
        taken_by=taken_by(session, issue.id or 0),
        left=of_issue(session, issue.id or 0),
        claimed=begun(session, issue),
        waves=waves_of(session, issue.id or 0),
        looked_at=desk.clock(),
        used_up=left_today(session, desk.config.sending.warm_up, _sender(desk), desk.clock()) == 0,
        settles=settles,
        outlook=outlook,
        doubt="" if sender else _doubt(desk, session),  # whoever sends has looked, and moves the mark meanwhile
    )


def _doubt(desk: Desk, session: Session) -> str:
    try:
        return mark_of(desk.engine).doubt(session)
    except DeliveryError as error:  # the mark itself cannot be read
        return str(error)


def _sender(desk: Desk) -> str:
    """The first provider's name in the ledger; its plain one where it cannot be made, for want of a key."""
    known = known_providers(desk)
    name = desk.config.provider.name
    return next((one for one in known if one.partition(":")[0] == name), name)


def _names(desk: Desk) -> list[str]:
    return [choice.name for choice in (desk.config.provider, desk.config.fallback) if choice]
