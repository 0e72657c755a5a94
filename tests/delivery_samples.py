"""A small rendered issue, and recipients of it, for the tests of providers and delivery."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fake_provider import FakeProvider
from people import PAGE, SECRET
from sender_samples import NONCE, SENDER
from sqlalchemy import Engine
from sqlmodel import Session

from newsletter.database import transaction
from newsletter.delivery.addressing import Addressing
from newsletter.delivery.batch import Batch
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.ledger import begin
from newsletter.delivery.progress import Progress, progress
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.mail.rendered import RenderedIssue
from newsletter.providers.base import Outcome, OutgoingBatch, Receipt
from subscribers.address import parse
from subscribers.subscriber import add
from subscribers.tokens import Keys

NOW = datetime(2026, 11, 12, 9, tzinfo=UTC)


def token(name: str) -> str:
    """The stand-in for a merge field."""
    return f"vt{NONCE}-{name}-x"


def rendered_issue(subject: str = "Patchwork ships") -> RenderedIssue:
    """An issue of one line, with every link that a message must have."""
    links = (token("unsubscribe"), token("preferences"), token("view"))
    return RenderedIssue(
        subject=subject,
        preheader="Two tools, one verdict",
        html="<!DOCTYPE html><html><body>" + "".join(f'<a href="{link}">x</a>' for link in links) + token("address"),
        text="\n".join((*links, token("address"))),
        nonce=NONCE,
        fields=("unsubscribe", "preferences", "view", "address"),
        sender=SENDER,
    )


def recipient(name: str) -> Recipient:
    """Somebody at example.org."""
    links = {field: f"https://news.example.org/{field}/{name}" for field in ("unsubscribe", "preferences", "view")}
    return Recipient(address=f"{name}@example.org", key=f"key-{name}", values=links)


def batch_of(*names: str, attempt: int = 1) -> OutgoingBatch:
    """One provider call for these people."""
    builder = MessageBuilder(rendered_issue(), date=NOW)
    return OutgoingBatch("issue:1:batch:1", attempt, builder, [recipient(name) for name in names])


def issue_on_its_way(session: Session, number: int = 1) -> int:
    """An issue whose ledger is open; returns its id."""
    week = f"2026-W{number:02}"
    common = {"newsletter": "weekly", "date": NOW.date(), "created_at": NOW, "updated_at": NOW}
    issue = Issue(number=number, week=week, status=IssueStatus.SENDING, digest="d", **common)
    session.add(issue)
    session.flush()
    begin(session, issue.id or 0, "d", NOW)
    return issue.id or 0


def crowd(session: Session, size: int, first: int = 0) -> None:
    """So many active people."""
    for number in range(first, first + size):
        add(session, parse(f"reader{number}@example.org"), PAGE, secret=SECRET, now=NOW, confirmed=True)


def answers(batch: Batch, *outcomes: Outcome) -> list[Receipt]:
    """Receipts for a batch: the outcomes given, the last one for the rest."""
    filled = [*outcomes, *[outcomes[-1]] * (batch.size - len(outcomes))]
    return [Receipt(f"key-{number}", outcome, provider_id=f"p{number}") for number, outcome in enumerate(filled)]


@dataclass
class Ticks:
    """A monotonic clock that moves only when somebody waits."""

    now: float = 0.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def dispatcher_for_ten(engine: Engine) -> Dispatcher:
    """A dispatcher for issue 1, on its way to ten people, four in a call."""
    with transaction(engine) as session:
        crowd(session, 10)
        issue_on_its_way(session)
    addressing = Addressing(Keys(SECRET), "https://news.example.org", issue_id=1, week="2026-W46")
    builder, time = MessageBuilder(rendered_issue(), date=NOW), Ticks()
    return Dispatcher(
        engine, FakeProvider(), builder, addressing, batch_size=4, clock=lambda: NOW, pause=time.forward, ticks=time
    )


def state_of(dispatcher: Dispatcher) -> Progress:
    """Where issue 1 stands; the sum must hold whenever anybody looks."""
    with transaction(dispatcher.engine) as session:
        state = progress(session, 1)
    assert state is not None
    assert state.adds_up
    return state
