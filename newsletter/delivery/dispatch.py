"""The dispatcher: claim, commit, hand over, commit, until nobody is left.

One thread owns the database; some others call the provider, one batch each. A turn is one transaction: it records what
has come back and claims what is free, so that two commits serve many calls. It may be killed at any instant: what it
had claimed and not recorded is taken up by the next run, by evidence and never on a guess (recovery.py).
"""

import math
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine, bindparam
from sqlmodel import Session, col, select

from newsletter.database import transaction
from newsletter.delivery import claims, failover, ledger, recovery, waits
from newsletter.delivery.addressing import Addressing, Member
from newsletter.delivery.afterwards import Tried, afterwards, is_silence
from newsletter.delivery.answers import kinds_of
from newsletter.delivery.batch import Batch, BatchStatus, Sending
from newsletter.delivery.calling import Caller
from newsletter.delivery.crew import MIND_EVERY, Crew
from newsletter.delivery.events import settle_from_events
from newsletter.delivery.flight import Ending, Flight, suspicious
from newsletter.delivery.heap import settled_heap
from newsletter.delivery.lasting import AWAY, LOOK_EVERY, LOST_TRIES, OTHERS, RECORD_TRIES, RECORD_WAIT, SILENT, SLICE
from newsletter.delivery.lineage import Lineage, mark_of
from newsletter.delivery.mark import PostMark
from newsletter.delivery.progress import Progress, progress
from newsletter.delivery.readback import read_back
from newsletter.delivery.throttle import Throttle
from newsletter.delivery.waits import Wait, unwritten
from newsletter.delivery.warmup import left_today
from newsletter.delivery.wave_claims import claim_next
from newsletter.errors import ConnectionLost, DatabaseError, Unrecorded
from newsletter.issues.issue import Issue, IssueStatus
from newsletter.mail.message import MessageBuilder
from newsletter.providers.base import Alike, Answer, Directive, Outcome, Provider

LOCK_LOST = "The connection that kept other dispatchers away was lost. The next run goes on."
Taken = tuple[Batch, Sequence[Member] | None]  #: a batch, and who is in it; None: to be read before its call

_STANDING = (
    select(col(Issue.status), col(Sending.not_after))
    .join(Sending, col(Sending.issue_id) == col(Issue.id))
    .where(col(Issue.id) == bindparam("issue"))
)


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Sends one issue. Everything it needs is given; it builds nothing."""

    engine: Engine
    provider: Provider
    builder: MessageBuilder  #: of the whole issue
    addressing: Addressing
    batch_size: int
    clock: Callable[[], datetime]
    in_flight: int = 1
    fallback: Provider | None = None  #: takes what the first certainly did not, while that cannot be reached
    watch_refusals: bool = True  #: not where nearly everybody is refused on purpose (provider.only_to)
    warm_up: Sequence[int] = ()  #: recipients a day, from the first day on: see warmup.py
    throttle: Throttle = field(default_factory=Throttle)
    pause: Callable[[float], object] = time.sleep  #: waits so many seconds; may end early when asked to stop
    on_wait: Callable[[Wait | None], None] = lambda _: None  #: told again and again what it waits for; None: it goes on
    ticks: Callable[[], float] = time.monotonic
    halted: Callable[[], bool] = lambda: False  #: the switch that stops all sending
    luck: random.Random = field(default_factory=random.Random)
    alone: Callable[[Session], bool] = lambda _: True  #: whether the lock of the dispatcher is still held
    crew: Crew | None = None  #: who else sends from this ledger
    parts: Mapping[str, MessageBuilder] = field(default_factory=dict)  #: of what others get of it, by name

    def run(
        self,
        issue_id: int,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> tuple[Ending, str]:
        """Send until nobody is left, the issue is paused, or `stop` says so (looked at between batches).

        Returns how it ended and, where a person has to look, why. Batches under way are always waited for.
        """
        mark = mark_of(self.engine)
        with transaction(self.engine) as session:
            mark.require_not_behind(session, issue_id)
            now = self.clock()
            crew = self.crew
            left = (
                crew.take_over(session, issue_id, self._known, now) if crew else ledger.open_batches(session, issue_id)
            )
            stock = recovery.take_stock(session, self._known, left, now)
            asked = waits.longest(session, self._known, now)
        flight = Flight()
        self._take_in(flight, stock, asked, now)
        enough = lambda: stop() or self.halted()  # noqa: E731 - one line, used once
        caller = Caller(self._providers, self._builder_of, self.clock, enough)
        with settled_heap(), ThreadPoolExecutor(self.in_flight) as pool:
            while self._turn(issue_id, flight, caller, pool, mark, stop):
                if flight.state:
                    on_progress(flight.state)
        if flight.ending is None and flight.unanswered:
            return Ending.REFUSING, flight.unanswered
        return flight.ending or Ending.DONE, flight.reason

    def _take_in(self, flight: Flight, stock: recovery.Stock, asked: waits.ProviderWait | None, now: datetime) -> None:
        """What was found open, and what a provider has asked for: it is waited for from now on."""
        flight.parked += self._from_now(stock.again)
        flight.asked += self._from_now(stock.to_look_up)
        flight.doubted |= {batch.id for _, batch in stock.again if batch.status is not BatchStatus.CLAIMED}
        if asked is not None:
            self._leave_alone(flight, waits.left(asked, now), asked.reason)

    def _turn(
        self,
        issue_id: int,
        flight: Flight,
        caller: Caller,
        pool: ThreadPoolExecutor,
        mark: PostMark | Lineage,
        stop: Callable[[], bool],
    ) -> bool:
        """Wait for a call to come back, record it, fill the free places. False when the run is over."""
        back = self._come_back(flight)
        if stop() or self.halted():
            flight.halt(Ending.STOPPED)
        elif self.crew and self.ticks() >= self.crew.minded_at + MIND_EVERY:
            self._mind(self.crew, issue_id, flight)
        taken = self._record_and_claim(issue_id, flight, back)
        if taken and not self._mark(mark, len(taken), flight):
            unposted = [(batch, Answer(Alike([""] * len(members or ()), Outcome.RETRY))) for batch, members in taken]
            self._record_and_claim(issue_id, flight, unposted)
            taken = []
        for batch, members in taken:
            flight.calls[pool.submit(self._call, caller, batch, members)] = batch
        if flight.calls:
            return True
        off = lambda: stop() or self.halted() or self._is_off(issue_id)  # noqa: E731 - one line, used once
        return flight.ending is None and (self._ask(flight) or self._wait(flight, off))

    def _mind(self, crew: Crew, issue_id: int, flight: Flight) -> None:
        """Take over what dispatchers that died have left, and hear what a provider has asked the others for."""
        crew.minded_at, now = self.ticks(), self.clock()
        try:
            with transaction(self.engine) as session:
                left = crew.take_over(session, issue_id, self._known, now) if self.alone(session) else []
                stock = recovery.take_stock(session, self._known, left, now)
                others, asked = crew.others_send(session, issue_id), waits.longest(session, self._known, now)
        except DatabaseError:
            return  # the next turn says it, or the next look goes well
        flight.others = others
        self._take_in(flight, stock, asked, now)

    def _mark(self, mark: PostMark | Lineage, calls: int, flight: Flight) -> bool:
        """Say beside the database what is about to be posted. False, and no post, where that cannot be written."""
        try:
            mark.more(calls)
        except OSError as error:
            flight.halt(Ending.REFUSING, f"{mark.path} cannot be written: {error.strerror or error}.")
            return False
        return True

    def _call(self, caller: Caller, batch: Batch, members: Sequence[Member] | None) -> Answer:
        """In a thread of its own, and outside of any transaction: links are signed while others write.

        Beside other dispatchers the members are read here: what holds up the claims of all should be short.
        """
        try:
            members = recovery.members_of(self.engine, batch) if members is None else members
        except DatabaseError as error:
            return Answer(Alike([""] * batch.still_open, Outcome.RETRY, str(error)))  # nothing was posted
        fields = self._builder_of(batch.part).rendered.fields
        return caller.call(batch, self.addressing.columns(members, fields, batch.part))

    def _builder_of(self, part: str) -> MessageBuilder:
        return self.parts[part] if part else self.builder  # never another's: what is not there is not sent

    def _come_back(self, flight: Flight) -> list[tuple[Batch, Answer]]:
        """The calls that have come back, at least one where any is under way; beside others, none after a second."""
        if not flight.calls:
            return []
        done, _ = wait(flight.calls, timeout=MIND_EVERY if self.crew else None, return_when=FIRST_COMPLETED)
        return [(flight.calls.pop(call), call.result()) for call in done]

    def _record_and_claim(self, issue_id: int, flight: Flight, back: Iterable[tuple[Batch, Answer]]) -> list[Taken]:
        """One transaction: what came back is recorded, free places are filled. Recording is tried stubbornly."""
        back, parked = list(back), list(flight.parked)
        for tries_left in reversed(range(RECORD_TRIES if back else LOST_TRIES)):
            try:
                with transaction(self.engine) as session:
                    if not self.alone(session):
                        flight.halt(Ending.STOPPED, LOCK_LOST)
                    stocks = [self._record(session, flight, batch, answer) for batch, answer in back]
                    claimed = self._claim(session, issue_id, flight, [batch for batch, _ in back])
            except DatabaseError as error:
                flight.parked = list(parked)  # what was taken from it in a transaction that failed
                flight.unheard |= isinstance(error, ConnectionLost)
                if not tries_left and back:
                    raise Unrecorded(str(error)) from error
                if not tries_left or not (back or flight.unheard):
                    raise
                self.on_wait(unwritten(self.clock(), str(error), tries_left))
                self.pause(RECORD_WAIT)
                self.on_wait(None)
            else:
                flight.unheard = False
                for stock in stocks:
                    flight.parked += self._from_now(stock.again)
                    flight.asked += self._from_now(stock.to_look_up)
                return claimed
        return []

    def _record(self, session: Session, flight: Flight, batch: Batch, answer: Answer) -> recovery.Stock:
        """Write one answer down; what is to be tried again, or asked about, comes back with its time."""
        before, stock = (batch.generation, batch.unknown), recovery.Stock()
        split = answer.directive is Directive.SPLIT
        ledger.record(session, batch, answer.receipts, self.clock(), refused_whole=split)
        if answer.is_plain:
            flight.silent = 0
            return stock
        flight.looked_at = -math.inf  # the numbers that the breakers watch have changed
        after = session.get_one(Batch, batch.id, populate_existing=True)
        if after.status is BatchStatus.CLAIMED:  # events come before answers: whom they name was taken after all
            settle_from_events(session, after.issue_id, self.clock(), only=after.id)
            after = session.get_one(Batch, batch.id, populate_existing=True)
        self._follow(session, flight, after, answer, stock, moved=after.generation > before[0])
        heard = kinds_of(answer.receipts) & {Outcome.ACCEPTED, Outcome.REFUSED}
        silent = stock.leaves(after) or (after.unknown > before[1] and not heard)
        if not (silent and batch.doubtful and batch.id in flight.doubted):  # it puts nobody in doubt who was not
            flight.silent = flight.silent + 1 if silent else 0
        if flight.silent >= SILENT:
            flight.halt(Ending.BREAKER, f"{SILENT} calls in a row ended without an answer to rely on: {after.reason}")
        return stock

    def _follow(
        self, session: Session, flight: Flight, batch: Batch, answer: Answer, stock: recovery.Stock, *, moved: bool
    ) -> None:
        """Do what follows from an answer that was not plain (afterwards.py)."""
        tried = flight.tried[batch.id or 0]
        tried.note(moved=moved)
        if answer.directive is Directive.HALT:
            flight.halt(Ending.HALTED, batch.reason)
        if answer.directive is Directive.SLOW_DOWN:
            waits.keep(session, batch.provider, answer.wait, self.clock(), batch.reason)
            self._leave_alone(flight, answer.wait, batch.reason)
        other = self._can_fall_back(batch, answer)
        then = afterwards(batch.status, answer, tried, self.luck, moved=moved, other=other)
        if then.other:
            failover.note(session, batch, self.clock())
            flight.away_until, flight.tried[batch.id or 0] = self.ticks() + AWAY, Tried()
        if then.hold:
            self.throttle.hold_until(self.ticks() + then.hold)
        if then.again is not None:
            stock.again.append((then.again, batch))
        if then.ask:
            recovery.place(stock, session, self._known, batch, self.clock())
        if then.give_up:
            flight.halt(Ending.REFUSING, batch.reason)
        lost = batch.status is BatchStatus.UNKNOWN and not then.ask and is_silence(answer)
        if lost and recovery.outlook(self._known, batch, self.clock()):
            flight.unanswered = batch.reason or "A call was not answered."

    def _claim(self, session: Session, issue_id: int, flight: Flight, back: Iterable[Batch]) -> list[Taken]:
        """Batches for the free places: those whose time has come again first, then new ones."""
        self._look(session, issue_id, flight)
        free = self.in_flight - len(flight.calls)
        me = self.crew.number if self.crew else None
        taken: list[Taken] = []
        if flight.unheard:
            taken += read_back(session, issue_id, flight, back, self.clock(), me)
        flight.throttled = False
        while flight.ending is None and len(taken) < free:
            if self.crew and (left := self.crew.left(session)):
                self.throttle.hold_until(self.ticks() + left)
            flight.throttled = self.throttle.ready_at > self.ticks()
            if flight.throttled:
                return taken
            batch = self._again(session, flight) or self._new(session, issue_id, flight)
            if batch is None:
                return taken
            self.throttle.spend(batch.still_open, self.ticks())
            if self.crew:
                self.crew.own(session, batch)
                self.crew.spend(session, batch.still_open)
            taken.append((batch, None if self.crew else claims.members(session, batch)))
        return taken

    def _look(self, session: Session, issue_id: int, flight: Flight) -> None:
        """Whether it may go on: the issue's status and its time at every turn, its numbers when they tell news."""
        found = session.connection().execute(_STANDING, {"issue": issue_id}).one()
        if found.status != IssueStatus.SENDING:
            flight.halt(Ending.PAUSED)
        elif self.clock() > found.not_after:
            flight.halt(Ending.STALE, f"It was to be sent by {found.not_after:%Y-%m-%d %H:%M %Z}.")
        if flight.ending or self.ticks() >= flight.looked_at + LOOK_EVERY:
            self._count(session, issue_id, flight)

    def _count(self, session: Session, issue_id: int, flight: Flight) -> None:
        """Add up the batches: as many rows as there were calls, so not at every turn."""
        flight.state, flight.looked_at = progress(session, issue_id, counted=False), self.ticks()
        if flight.ending is None and (why := suspicious(flight.state, refusals=self.watch_refusals)):
            flight.halt(Ending.BREAKER, why)

    def _again(self, session: Session, flight: Flight) -> Batch | None:
        place = next((place for place, (when, _) in enumerate(flight.parked) if when <= self.ticks()), None)
        if place is None:
            return None
        batch = flight.parked[place][1]
        stays = batch.doubtful or batch.status is not BatchStatus.CLAIMED
        name = batch.provider if stays else self._turn_of(flight).capabilities.name
        left = None if name == batch.provider else left_today(session, self.warm_up, name, self.clock())
        if left is not None and left < batch.size:
            flight.halt(Ending.CAPPED, f"Today's share of the warm-up of {name} is used up; it goes on tomorrow (UTC).")
            return None
        flight.parked.pop(place)
        return ledger.take_again(session, batch, self.clock(), name)

    def _new(self, session: Session, issue_id: int, flight: Flight) -> Batch | None:
        name, now = self._turn_of(flight).capabilities.name, self.clock()
        left = left_today(session, self.warm_up, name, now)
        if left == 0:
            flight.halt(Ending.CAPPED, f"Today's share of the warm-up of {name} is used up; it goes on tomorrow (UTC).")
            return None
        most = self.batch_size if left is None else min(self.batch_size, left)
        size = lambda part: min(most, *(one.fits(self._builder_of(part)) for one in self._providers.values()))  # noqa: E731
        return claim_next(session, issue_id, size, now, name, self.crew.number if self.crew else None)

    def _turn_of(self, flight: Flight) -> Provider:
        """The first provider, or the second while the first cannot be reached."""
        away = self.fallback is not None and self.ticks() < flight.away_until
        return self.fallback if away and self.fallback else self.provider

    def _can_fall_back(self, batch: Batch, answer: Answer) -> bool:
        """Only for what the first did not take and gave no reason for: neither "slow down" nor a bad key is failure."""
        is_first = batch.provider == self.provider.capabilities.name
        return self.fallback is not None and is_first and answer.directive is Directive.GO_ON and not batch.doubtful

    @property
    def _providers(self) -> dict[str, Provider]:
        """Who can be called, by name."""
        return {one.capabilities.name: one for one in (self.provider, self.fallback) if one is not None}

    @property
    def _known(self) -> recovery.Known:
        return {name: provider.capabilities for name, provider in self._providers.items()}

    def _ask(self, flight: Flight) -> bool:
        """Nothing is under way: ask the provider about one batch in doubt whose time has come. False: there is none."""
        place = next((place for place, (when, _) in enumerate(flight.asked) if when <= self.ticks()), None)
        if place is None:
            return False
        _, batch = flight.asked.pop(place)
        again = recovery.look_into(self.engine, self._providers[batch.provider], self.addressing.key, batch, self.clock)
        flight.parked += [(self.ticks(), again)] if again else []
        return True

    def _wait(self, flight: Flight, off: Callable[[], bool]) -> bool:
        """Wait for what is to be tried again or asked about, or until it is `off`. False where there is no such thing.

        In short pieces: what somebody does to the issue meanwhile ends the wait, however long it is.
        """
        ready = self.throttle.ready_at  # a call waits for its own time and for the provider's; a question does not
        times = [max(when, ready) for when, _ in flight.parked] + [when for when, _ in flight.asked]
        times += [ready] if flight.throttled else []  # also where that moment has just passed: there is more to claim
        if not times and flight.others and self.crew:
            times, self.crew.minded_at = [self.ticks() + OTHERS], -math.inf  # and then look at once
        if not times:
            return False
        moment = min(times)
        while (left := moment - self.ticks()) > 0:
            self.on_wait(Wait(self.clock() + timedelta(seconds=left), left, *flight.why(moment)))
            self.pause(min(left, SLICE))
            if self.ticks() < moment and off():
                break
        self.on_wait(None)
        return True

    def _is_off(self, issue_id: int) -> bool:
        """Whether somebody has paused or cancelled the issue, or its time is over. A busy database says no."""
        try:
            with transaction(self.engine) as session:
                found = session.connection().execute(_STANDING, {"issue": issue_id}).one()
        except DatabaseError:
            return False
        return bool(found.status != IssueStatus.SENDING or self.clock() > found.not_after)

    def _leave_alone(self, flight: Flight, seconds: float, reason: str) -> None:
        """No call for so many seconds: the provider asked for them."""
        self.throttle.hold_until(self.ticks() + seconds)
        if self.ticks() + seconds > flight.asked_for_until:
            flight.asked_for_until, flight.asked_for = self.ticks() + seconds, reason

    def _from_now(self, waiting: Iterable[recovery.Waiting]) -> list[tuple[float, Batch]]:
        """Seconds from now as moments of the monotonic clock."""
        return [(self.ticks() + seconds, batch) for seconds, batch in waiting]
