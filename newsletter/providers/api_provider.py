"""A provider behind an HTTP API: an adapter that knows it, and a poster that talks."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from newsletter.errors import MailError
from newsletter.mail.columns import Columns
from newsletter.mail.message import MessageBuilder
from newsletter.providers.adapter import Adapter, Calls
from newsletter.providers.base import Answer, Capabilities, Directive, Outcome, OutgoingBatch, Receipt, all_alike
from newsletter.providers.poster import Poster, Request

#: Prepared contents, the newest. An issue can have some hundred parts, but their waves go one after another, and few
#: are used at a time. One of 70 kB takes 0.2 MB here, and 2 to 14 ms to prepare again where it was let go too early.
KEPT = 64


@dataclass
class ApiProvider:
    """The port, as base.Provider says it. Called from several threads at once."""

    adapter: Adapter
    poster: Poster
    label: str = ""  #: the name in the ledger, where it is not the adapter's alone
    _calls: dict[int, tuple[MessageBuilder, Calls]] = field(default_factory=dict)
    _alone: threading.Lock = field(default_factory=threading.Lock)

    @property
    def capabilities(self) -> Capabilities:
        """What the adapter says, under the name that the ledger knows."""
        can = self.adapter.capabilities
        return replace(can, name=self.label) if self.label else can

    def fits(self, builder: MessageBuilder) -> int:
        """See Provider.fits."""
        return max(1, min(self.capabilities.batch_size, self._prepared(builder).most))

    def send(self, batch: OutgoingBatch) -> Answer:
        """Hand over one batch; who cannot be written to is refused here, and the rest is one call."""
        try:
            return self._post(batch, self._prepared(batch.builder).request(batch))
        except MailError as error:
            return self._without_unusable(batch, str(error))

    def look_up(self, batch_key: str, delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """Ask, where the adapter knows how; else nobody knows."""
        question = getattr(self.adapter, "question", None)
        if question is None:
            return [Receipt(key, Outcome.UNKNOWN) for key in delivery_keys]
        said = self.poster.post(question(batch_key, delivery_keys))
        found: Sequence[Receipt] = self.adapter.found(delivery_keys, said)  # type: ignore[attr-defined]
        return found

    def _post(self, batch: OutgoingBatch, request: Request) -> Answer:
        limit = self.capabilities.batch_bytes
        if limit is not None and request.length > limit:  # said here, so that nobody has to find out by sending it
            reason = f"The call has {request.length} bytes; {self.capabilities.name} takes {limit}."
            return Answer(all_alike(batch, Outcome.REFUSED, reason), Directive.SPLIT)
        return self.adapter.interpret(batch, self.poster.post(request))

    def _prepared(self, builder: MessageBuilder) -> Calls:
        """Made once for each part of an issue; the newest are kept."""
        with self._alone:
            found = self._calls.get(id(builder))
            if found is None or found[0] is not builder:
                while len(self._calls) >= KEPT:
                    self._calls.pop(next(iter(self._calls)))
                self._calls[id(builder)] = found = (builder, self.adapter.calls(builder))
            return found[1]

    def _without_unusable(self, batch: OutgoingBatch, reason: str) -> Answer:
        """The same people are left out at every attempt: what is unusable follows from the recipient alone."""
        everybody = Columns.of(batch.recipients)
        why = [self._why_not(batch, everybody[at : at + 1]) for at in range(len(everybody))]
        if not any(why):  # what is wrong is nobody's alone: the issue, or the adapter
            return Answer(all_alike(batch, Outcome.RETRY, reason), Directive.HALT)
        usable = Columns.of([one for one, words in zip(everybody, why, strict=True) if not words])
        answer = self.send(replace(batch, recipients=usable)) if usable else Answer([])
        refused = [
            Receipt(key, Outcome.REFUSED, reason=words) for key, words in zip(everybody.keys, why, strict=True) if words
        ]
        return replace(answer, receipts=[*answer.receipts, *refused])

    def _why_not(self, batch: OutgoingBatch, alone: Columns) -> str:
        """Why this one recipient cannot be written to; empty if they can."""
        try:
            self._prepared(batch.builder).request(replace(batch, recipients=alone))
        except MailError as error:
            return str(error)
        return ""
