"""The SMTP provider: one transaction a message, over a pool of connections, for any mail server.

A call goes on where it can: after a lost connection it takes another and sends the rest; what the server did not want
now is tried again a little later. All of it ends at the call's deadline. Whoever was certainly not mailed by then is
left to the dispatcher with a clean "try again", person by person.
"""

import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from newsletter.errors import MailError
from newsletter.mail.message import MessageBuilder
from newsletter.providers.base import Answer, Capabilities, Directive, Outcome, OutgoingBatch, Receipt, all_alike
from newsletter.providers.dkim_signing import DkimSigner
from newsletter.providers.smtp_channel import Patience, Stopping, rest
from newsletter.providers.smtp_pacing import DomainPace, domain_of
from newsletter.providers.smtp_pool import Connection, Pool
from newsletter.providers.smtp_replies import Said, StopAsked, Then, of_error
from newsletter.providers.smtp_settings import SmtpSettings, settings_of
from newsletter.providers.wire import Left, deadline

__all__ = ["Smtp", "SmtpSettings", "from_options"]

BATCH = 50  #: a batch whose sender dies is held as a whole: few enough for a person to look at
TRIES = 3  #: of one message in one call
FRUITLESS = 6  #: connections in a row that settled nothing, before a call gives up; the waits grow from 2 s to 32 s
FRUITLESS_UNTOUCHED = 2  #: the same where nobody has been mailed yet: then the dispatcher can wait as well
THROTTLED_WAIT, AWAY_WAIT = 30.0, 10.0  #: seconds until the next call
_NEXT = {
    Then.HALT: (Directive.HALT, 0.0),
    Then.SLOW_DOWN: (Directive.SLOW_DOWN, THROTTLED_WAIT),
    Then.AWAY: (Directive.GO_ON, AWAY_WAIT),
}
_WORN_OUT = Said(Outcome.RETRY, Then.RECONNECT, "The connection had carried as many messages as it may.")
_STOPPED = of_error(StopAsked())
_LATE = Said(Outcome.RETRY, Then.AWAY, "There was no time left for it in this call. It was not sent.")


@dataclass(slots=True)
class Work:
    """One call: who is still to be mailed, and what became of the others."""

    batch: OutgoingBatch
    left: Left
    waiting: list[int]  #: places in the batch
    said: dict[int, Said] = field(default_factory=dict)  #: the newest of each place
    tries: Counter[int] = field(default_factory=Counter)
    worst: Then = Then.GO_ON

    @property
    def settled(self) -> int:
        """Of how many it is known, or will never be known, what became of them."""
        return sum(said.outcome is not Outcome.RETRY for said in self.said.values())

    @property
    def touched(self) -> bool:
        """Somebody has been mailed, or may have been: "try the whole batch again" is no answer any more."""
        return any(said.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN) for said in self.said.values())

    def note(self, place: int, said: Said) -> None:
        """What became of one. Who is to be tried again goes last: it may be that message that the server does not want.

        Then it is tried a few times only.
        """
        self.said[place] = said
        self.tries[place] += said.then in (Then.GO_ON, Then.RECONNECT)
        self.waiting.remove(place)
        if said.outcome is Outcome.RETRY and self.tries[place] < TRIES:
            self.waiting.append(place)

    def seconds(self, reserve: float) -> float:
        """How long may be waited before the next message; less than 0: there is no time for one."""
        try:
            return self.left() - reserve
        except TimeoutError:
            return -1.0

    def answer(self, last: Said) -> Answer:
        """A receipt for everybody, in order, and what to do next. `last` is why the others were not tried.

        What became of the last one who was tried is no word on them: they were certainly not mailed.
        """
        directive, wait = _NEXT.get(self.worst, (Directive.GO_ON, 0.0))
        why = _STOPPED if self.batch.stopping() else _LATE
        not_tried = last if last.outcome is Outcome.RETRY else why
        every = [self.said.get(place, not_tried) for place in range(len(self.batch.recipients))]
        if all(said.outcome is Outcome.ACCEPTED for said in every):
            ids = [said.provider_id for said in every]
            return Answer(all_alike(self.batch, Outcome.ACCEPTED, provider_ids=ids), directive, wait)
        pairs = zip(self.batch.recipients, every, strict=True)
        receipts = [Receipt(one.key, said.outcome, said.provider_id, said.reason) for one, said in pairs]
        return Answer(receipts, directive, wait)


class Smtp:
    """Sends through one SMTP server. Called from several threads at once."""

    def __init__(
        self,
        settings: SmtpSettings,
        *,
        context: ssl.SSLContext | None = None,
        pause: Callable[[float, Stopping], object] = rest,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """`context` verifies the server; without one, the system's certificates do, by name.

        `pause` waits so many seconds, or until somebody asks to stop; `ticks` is a monotonic clock. Raises
        ProviderError for an unusable DKIM key.
        """
        self.settings, self._pause, self._ticks = settings, pause, ticks
        self.pool = Pool(settings, context)
        self._pace, self._alone = DomainPace(settings.per_domain_per_second), threading.Lock()
        self._signer = _signer(settings)

    @property
    def capabilities(self) -> Capabilities:
        """A server remembers no keys and cannot be asked."""
        longest = timedelta(seconds=self.settings.call_seconds + self.settings.answer_seconds)
        return Capabilities(name="smtp", batch_size=BATCH, longest_request=longest)

    def fits(self, _builder: MessageBuilder) -> int:
        """As many as can be paced in half of a call's time, if all are of one domain and all connections send to it."""
        rate = self.settings.per_domain_per_second
        if not rate:
            return BATCH
        return max(1, min(BATCH, int(rate * self.settings.call_seconds / 2 / self.settings.pool)))

    def send(self, batch: OutgoingBatch) -> Answer:
        """Hand over one batch, message by message."""
        work = Work(batch, deadline(self.settings.call_seconds), list(range(len(batch.recipients))))
        last, fruitless = _LATE, 0
        while work.waiting:
            before = work.settled
            last = self._session(work)
            work.worst = max(work.worst, last.then)
            fruitless = 0 if work.settled > before else fruitless + 1
            if not self._goes_on(work, last.then, fruitless):
                break
        return work.answer(last)

    def look_up(self, _batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """Nobody can be asked."""
        return [Receipt(key, Outcome.UNKNOWN) for key in delivery_keys]

    def close(self) -> None:
        """Close connections that are kept for the next call."""
        self.pool.close()

    def _session(self, work: Work) -> Said:
        """Everybody who waits, on one connection, as far as it goes; what was said last."""
        if work.batch.stopping():
            return _STOPPED
        if work.seconds(self.settings.reserve) < 0:
            return _LATE
        connection = self.pool.take(Patience(work.left, work.batch.stopping))
        if isinstance(connection, Said):
            return connection
        then = Then.RECONNECT
        try:
            last = self._one_by_one(work, connection)
            then = last.then
        finally:
            self.pool.give_back(connection, then)
        return last

    def _one_by_one(self, work: Work, connection: Connection) -> Said:
        todo, last = work.waiting.copy(), _WORN_OUT
        while todo:
            if connection.worn_out:
                return _WORN_OUT
            place, seconds = self._next(work.batch, todo)
            if seconds > work.seconds(self.settings.reserve):
                return _LATE
            if seconds:
                self._pause(seconds, work.batch.stopping)
            if work.batch.stopping():
                return _STOPPED
            who = todo.pop(place)
            last = self._one(work.batch, who, connection)
            work.note(who, last)
            if last.then is not Then.GO_ON:
                return last
        return last

    def _next(self, batch: OutgoingBatch, todo: Sequence[int]) -> tuple[int, float]:
        """Who of these is next, by the place in the list, and the seconds to wait until then."""
        with self._alone:
            domains = [domain_of(batch.recipients[place].address) for place in todo] if self._pace.per_second else []
            return self._pace.first(domains, self._ticks())

    def _one(self, batch: OutgoingBatch, place: int, connection: Connection) -> Said:
        """One message. Who cannot be written to is refused here, without asking the server."""
        recipient = batch.recipients[place]
        try:
            content = batch.builder.mime(recipient)
            signed = self._signer.signed(content) if self._signer else content
        except MailError as error:
            return Said(Outcome.REFUSED, reason=str(error))
        return connection.transact(self.settings.return_path(recipient.key), recipient.address, signed)

    def _goes_on(self, work: Work, then: Then, fruitless: int) -> bool:
        """Whether another connection is tried, after a wait: none after a lost one, longer each time it was in vain.

        Where nobody has anything yet, the dispatcher waits better: it looks at consent again, and can be stopped.
        """
        if not work.waiting or work.batch.stopping() or then is Then.HALT or fruitless >= FRUITLESS:
            return False
        if not work.touched and (then is not Then.RECONNECT or fruitless >= FRUITLESS_UNTOUCHED):
            return False
        seconds = 0.0 if then is Then.RECONNECT and not fruitless else float(2**fruitless)
        if seconds > work.seconds(self.settings.reserve):
            return False
        self._pause(seconds, work.batch.stopping)
        return True


def from_options(options: Mapping[str, object], secret: str, *, domain: str) -> Smtp:
    """The provider of these settings (smtp_settings.settings_of). Raises ProviderError; nothing is connected to."""
    return Smtp(settings_of(options, secret, domain))


def _signer(settings: SmtpSettings) -> DkimSigner | None:
    if settings.dkim_key_file is None:
        return None
    return DkimSigner.from_file(settings.dkim_selector, settings.dkim_domain, settings.dkim_key_file)
