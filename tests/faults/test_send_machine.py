"""Everything at once: sends, deaths, lost answers and refusals, while people leave, bounce, join and are imported."""

import contextlib
import io
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from delivery_samples import NOW, crowd, issue_on_its_way, rendered_issue
from fake_provider import Killed
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from people import PAGE, SECRET
from sqlmodel import Session, select

from newsletter.database import engine_for, transaction
from newsletter.delivery import doubts, ledger
from newsletter.delivery.addressing import Addressing
from newsletter.delivery.batch import Batch, BatchStatus, Delivery, DeliveryException
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.evidence import prove
from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import finish, progress
from newsletter.issues.issue import Command, Issue, IssueStatus, step
from newsletter.mail.message import MessageBuilder
from newsletter.migrations import upgrade
from newsletter.providers.base import Answer, Capabilities, Directive, Outcome, OutgoingBatch, Receipt
from subscribers.address import parse
from subscribers.consent import Evidence
from subscribers.subscriber import add, find, unsubscribe
from subscribers.suppression import Reason, suppress
from subscribers.tokens import Keys
from subscribers.transfer import Terms, import_csv

PEOPLE, ISSUE, LONGEST = 7, 1, timedelta(seconds=30)
CAN_DO = {
    "key": {"remembers_keys_for": timedelta(days=1)},
    "look-up": {"answers_look_ups": True},
    "neither": {},
}
A, R, L, U = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.RETRY, Outcome.UNKNOWN
#: What a call does: what is heard of its first one and of the others, and whether they are mailed.
DIALS = {
    "accept": ((A, 1), (A, 1)),
    "refuse": ((R, 0), (R, 0)),
    "later": ((L, 0), (L, 0)),
    "accept one, the others later": ((A, 1), (L, 0)),
    "refuse one, the others later": ((R, 0), (L, 0)),
    "take one and lose it, the others later": ((U, 1), (L, 0)),
    "refuse the whole call": ((R, 0), (R, 0)),
    "take, lose the answer": ((U, 1), (U, 1)),
    "lose the request": ((U, 0), (U, 0)),
    "take, die": ((U, 1), (U, 1)),
    "die": ((U, 0), (U, 0)),
    "name nobody": ((U, 0), (U, 0)),
}
GOES_ON, WHOLE = (IssueStatus.SENDING, IssueStatus.PAUSED), "refuse the whole call"


@dataclass
class Mailer:
    """A provider that keeps what it took, honours its promises, and notes who asked it twice on a guess."""

    can: str
    dials: list[str] = field(default_factory=list)
    mailed: Counter[str] = field(default_factory=Counter)
    kept: dict[str, list[Outcome]] = field(default_factory=dict)  #: by the key of a call: what became of each
    in_doubt: dict[str, str] = field(default_factory=dict)  #: who, and the key of the call of which nobody heard
    guesses: list[str] = field(default_factory=list)

    @property
    def capabilities(self) -> Capabilities:
        """What it was told to be able to do."""
        return Capabilities("machine", batch_size=100, longest_request=LONGEST, **CAN_DO[self.can])

    def fits(self, _builder: MessageBuilder) -> int:
        """As many as it says."""
        return self.capabilities.batch_size

    def send(self, batch: OutgoingBatch) -> Answer:
        """As the next dial says; without one, accept. A key that it knows is answered as before, or without a look."""
        dial = self.dials.pop(0) if self.dials else "accept"
        who = [recipient.key for recipient in batch.recipients]
        fates = [DIALS[dial][min(place, 1)] for place in range(len(who))]
        self.guesses += [one for one in who if self._is_guess(one, batch.key)]
        known = self.kept.get(batch.key) if self.can == "key" else None
        if known is None and any(mailed for _, mailed in fates):
            self.mailed.update(one for one, (_, mailed) in zip(who, fates, strict=True) if mailed)
            self.kept[batch.key] = [A if mailed else heard for heard, mailed in fates]
        said = known if known and fates[0][0] is A else [heard for heard, _ in fates]
        self._note(batch.key, who, said)
        if dial in ("die", "take, die"):
            raise Killed
        receipts = [Receipt(one, heard, reason=dial) for one, heard in zip(who, said, strict=True)]
        return Answer([] if dial == "name nobody" else receipts, Directive.SPLIT if dial == WHOLE else Directive.GO_ON)

    def _is_guess(self, who: str, key: str) -> bool:
        """Whether somebody of whom nobody knows is handed over in another way than under the same key."""
        return who in self.in_doubt and (self.can != "key" or self.in_doubt[who] != key)

    def _note(self, key: str, who: Sequence[str], said: Sequence[Outcome]) -> None:
        """Who is in doubt now, and who is not any more."""
        for one, heard in zip(who, said, strict=True):
            if heard is U:
                self.in_doubt.setdefault(one, key)
            elif heard is A:
                self.in_doubt.pop(one, None)

    def look_up(self, _batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """What it has; after this nobody of these is in doubt."""
        for key in delivery_keys:
            self.in_doubt.pop(key, None)
        return [Receipt(key, A if key in self.mailed else L) for key in delivery_keys]


@dataclass
class Time:
    """Both clocks, moved by whoever waits."""

    seconds: float = 0.0

    def now(self) -> datetime:
        """The wall clock."""
        return NOW + timedelta(seconds=self.seconds)

    def ticks(self) -> float:
        """The monotonic clock."""
        return self.seconds

    def wait(self, seconds: float) -> None:
        """Let time pass, and never less than a millisecond: a smaller step would be lost in the rounding."""
        self.seconds += max(seconds, 0.001)


@cache
def blank() -> Path:
    """A database with tables and nothing in them, made once."""
    path = Path(tempfile.mkdtemp()) / "newsletter.db"
    engine = engine_for(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


class SendMachine(RuleBasedStateMachine):
    """One issue, seven people, a provider with dials, a process that dies and comes back."""

    @initialize(can=st.sampled_from(sorted(CAN_DO)), in_flight=st.integers(1, 3))
    def begin(self, can: str, in_flight: int) -> None:
        """The issue is on its way; nobody is claimed yet."""
        self.folder = Path(tempfile.mkdtemp())
        copy = shutil.copy(blank(), self.folder / "newsletter.db")
        self.engine, self.time, self.mailer = engine_for(f"sqlite:///{copy}"), Time(), Mailer(can)
        self.must_not: set[str] = set()
        with transaction(self.engine) as session:
            crowd(session, PEOPLE)
            issue_on_its_way(session)
        self.addressing = Addressing(Keys(SECRET), "https://news.example.org", issue_id=ISSUE, week="2026-W46")
        self.dispatcher = Dispatcher(
            self.engine,
            self.mailer,
            MessageBuilder(rendered_issue(), date=NOW),
            self.addressing,
            batch_size=3,
            clock=self.time.now,
            in_flight=in_flight,
            pause=self.time.wait,
            ticks=self.time.ticks,
        )

    @rule(dials=st.lists(st.sampled_from(sorted(DIALS)), max_size=5), calls=st.integers(1, 5))
    def send(self, dials: list[str], calls: int) -> None:
        """A run that dies, stops, or comes to its end; then the issue ends as the desk would end it."""
        self.mailer.dials, seen = list(dials), []
        with contextlib.suppress(Killed):
            if self.dispatcher.run(ISSUE, stop=lambda: bool(seen.append(1)) or len(seen) > calls)[0] is Ending.DONE:
                self.close()

    def close(self) -> None:
        """Sent, or partial; nothing where somebody is still to be mailed."""
        with transaction(self.engine) as session:
            whole = finish(session, ISSUE, self.dispatcher.clock())
            if whole is not None:
                command = Command.FINISH if whole else Command.FINISH_PARTLY
                step(session, session.get_one(Issue, ISSUE), command, self.time.now(), by="machine")

    @rule(number=st.integers(0, PEOPLE - 1), how=st.sampled_from(["leaves", "bounces"]))
    def somebody_goes(self, number: int, how: str) -> None:
        """Whoever goes before being claimed must not be mailed."""
        with transaction(self.engine) as session:
            person = find(session, f"reader{number}@example.org")
            if not session.get(Delivery, (ISSUE, person.id)):
                self.must_not.add(self.addressing.key(person.ref))
            if how == "leaves":
                unsubscribe(session, person, Evidence("/u"), self.time.now())
            else:
                suppress(session, person.fingerprint, Reason.HARD_BOUNCE, self.time.now(), address=person.address)

    @rule()
    def the_list_is_imported_again(self) -> None:
        """An import brings nobody back."""
        lines = "email,status,confirmed_at\n" + "".join(
            f"reader{number}@example.org,active,2026-01-01\n" for number in range(PEOPLE)
        )
        terms = Terms("machine", "none", by="machine", consented=True)
        with transaction(self.engine) as session:
            import_csv(session, io.BytesIO(lines.encode()), terms, secret=SECRET, now=self.time.now())

    @rule(name=st.integers(0, 10**6))
    def somebody_joins(self, name: int) -> None:
        """Too late for this issue."""
        with transaction(self.engine) as session, contextlib.suppress(Exception):
            person = add(session, parse(f"late{name}@example.org"), PAGE, secret=SECRET, now=NOW, confirmed=True)
            self.must_not.add(self.addressing.key(person.ref))

    @rule(number=st.integers(0, PEOPLE - 1), wrong=st.booleans())
    def an_event_comes(self, number: int, wrong: bool) -> None:
        """The provider says that it has somebody's; or an event names somebody who is on no list."""
        with transaction(self.engine) as session:
            ref = find(session, f"reader{number}@example.org").ref
            if self.mailer.mailed[self.addressing.key(ref)]:
                prove(session, ISSUE, ["nobody" if wrong else ref], self.time.now(), by="event")

    @rule(which=st.integers(0, 2), picks=st.sets(st.integers(0, PEOPLE), max_size=3))
    def an_operator_says_what_the_console_shows(self, which: int, picks: set[int]) -> None:
        """The truth about everybody in doubt in one call, or about some; an issue that had ended is taken up again."""
        with transaction(self.engine) as session:
            issue, found = session.get_one(Issue, ISSUE), ledger.in_doubt(session, ISSUE)
            batch = found[which % len(found)] if found else None
            if batch is None or batch.status is BatchStatus.SENDING:
                return
            people = doubts.people(session, batch)
            chosen = [one for place, one in enumerate(people) if place in picks] or people
            there = [one.id for one in chosen if self.mailer.mailed[self.addressing.key(one.ref)]]
            not_there = [one.id for one in chosen if one.id not in there]
            for one in chosen:
                self.mailer.in_doubt.pop(self.addressing.key(one.ref), None)
            if there:
                doubts.accept(session, batch, there, self.time.now(), by="Mara", note="console")
            if not_there and issue.status is not IssueStatus.SENT:
                if issue.status is IssueStatus.PARTIAL:
                    step(session, issue, Command.TAKE_UP, self.time.now(), by="Mara")
                doubts.send_again(session, batch, not_there, self.time.now(), by="Mara", note="console")

    @rule(status=st.sampled_from(GOES_ON))
    def pause_or_resume(self, status: IssueStatus) -> None:
        """An operator's hand."""
        with transaction(self.engine) as session:
            issue = session.get_one(Issue, ISSUE)
            issue.status = status if issue.status in GOES_ON else issue.status

    @rule(minutes=st.integers(1, 60))
    def time_passes(self, minutes: int) -> None:
        """Nobody does anything."""
        self.time.wait(60.0 * minutes)

    @invariant()
    def invariant_5_nobody_is_mailed_twice(self) -> None:
        """By the provider's own log."""
        assert max(self.mailer.mailed.values(), default=0) <= 1, self.mailer.mailed

    @invariant()
    def invariant_6_nobody_is_lost_and_the_ledger_is_truthful(self) -> None:
        """The sum holds; accepted means mailed, refused means not mailed."""
        with transaction(self.engine) as session:
            state = progress(session, ISSUE)
            fates = self.fates(session)
        assert state is not None
        assert state.adds_up
        for key, fate in fates.items():
            assert fate != "accepted" or self.mailer.mailed[key], f"{key} is {fate}"
            assert fate != "refused" or not self.mailer.mailed[key], f"{key} is {fate}"

    @invariant()
    def an_issue_is_called_what_it_is(self) -> None:
        """Sent: everybody has it who was to get it. Partial: somebody was refused, or nobody knows of them."""
        with transaction(self.engine) as session:
            status, state = session.get_one(Issue, ISSUE).status, progress(session, ISSUE)
        assert state is not None
        missing = state.refused + state.unknown
        assert status is not IssueStatus.SENT or not missing + state.under_way + state.to_claim
        assert status is not IssueStatus.PARTIAL or missing

    @invariant()
    def invariant_7_nothing_is_repeated_on_a_guess(self) -> None:
        """A call after a lost answer needs a key or a look-up."""
        assert not self.mailer.guesses

    @invariant()
    def invariant_8_whoever_went_before_the_claim_is_not_mailed(self) -> None:
        """And no import changes that."""
        assert not self.must_not & set(self.mailer.mailed)

    def fates(self, session: Session) -> dict[str, str]:
        """What the ledger says of each delivery, by its key."""
        people = {
            row.subscriber_id: session.get_one(Batch, row.batch_id).status for row in session.exec(select(Delivery))
        }
        people |= {one.subscriber_id: one.outcome for one in session.exec(select(DeliveryException))}
        found = {number: find(session, f"reader{number - 1}@example.org") for number in people}
        return {self.addressing.key(found[number].ref): str(status) for number, status in people.items()}

    def teardown(self) -> None:
        """The issue comes to its end, whatever happened; then the files go."""
        try:
            self.come_to_an_end()
        finally:
            self.engine.dispose()
            shutil.rmtree(self.folder)

    def come_to_an_end(self) -> None:
        """In the end everybody is accepted, refused, skipped, or shown as unknown."""
        self.pause_or_resume(IssueStatus.SENDING)
        self.mailer.dials, self.time.seconds = [], min(self.time.seconds, 86_400.0)
        with transaction(self.engine) as session:
            ended = session.get_one(Issue, ISSUE).status not in GOES_ON
        endings = [] if ended else [self.dispatcher.run(ISSUE)[0] for _ in range(3)]
        assert ended or Ending.DONE in endings, endings
        if not ended:
            self.close()
        self.an_issue_is_called_what_it_is()
        self.invariant_5_nobody_is_mailed_twice()
        self.invariant_6_nobody_is_lost_and_the_ledger_is_truthful()
        self.invariant_7_nothing_is_repeated_on_a_guess()


TestSendMachine = SendMachine.TestCase
TestSendMachine.settings = settings(
    max_examples=15, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
)
