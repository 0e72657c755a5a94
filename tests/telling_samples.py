"""A desk whose editor and operator are told things, a provider that keeps their mail, and a chat that can be away."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from desk_samples import Place, furnished
from fake_provider import FakeProvider
from sqlalchemy import Engine

from jobs.looking import Lookout
from jobs.ticking import tick
from newsletter.config import Telling
from newsletter.mail.message import Message
from newsletter.providers.base import Answer, OutgoingBatch
from newsletter.providers.poster import Answered, Failed, Request, not_sent

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwbWVlb2RlbGw="
EDITOR, OPERATOR = "edna@desk.example", "otto@desk.example"


@dataclass
class Postbox(FakeProvider):
    """The fake provider, with the messages that it took."""

    mails: list[Message] = field(default_factory=list)

    def send(self, batch: OutgoingBatch) -> Answer:
        """As the fake one."""
        answer = super().send(batch)
        taken = [
            one for one, got in zip(batch.recipients, answer.receipts, strict=True) if str(got.outcome) == "accepted"
        ]
        self.mails += [batch.builder.message(one) for one in taken]
        return answer


@dataclass
class Chat:
    """A poster with a chat behind it."""

    status: int = 204  #: 0: it is away
    calls: list[Request] = field(default_factory=list)

    def post(self, request: Request) -> Answered | Failed:
        """Take the call, or be away."""
        self.calls.append(request)
        return Answered(self.status, {}, b"") if self.status else not_sent("ConnectError")

    def close(self) -> None:
        """Nothing is open."""

    @property
    def said(self) -> list[dict[str, Any]]:
        """What was posted."""
        return [json.loads(b"".join(call.body)) for call in self.calls]


@dataclass
class Told:
    """All of them."""

    place: Place
    post: Postbox
    chat: Chat
    lookout: Lookout

    def again(self, **time: int) -> list[str]:
        """Let time pass and look."""
        self.place.clock.forward(**time)
        return self.lookout()


def told(engine: Engine, **settings: Any) -> Told:
    """The sample week is drafted; an editor, an operator and a chat are to be told."""
    here, post, chat = furnished(engine, send_time="23:00"), Postbox(), Chat()
    chosen = {"editors": (f"Edna <{EDITOR}>",), "operators": (OPERATOR,), "webhook": "https://chat.example/1"}
    telling = Telling(**{**chosen, **settings})
    desk = replace(here.desk, config=here.desk.config.model_copy(update={"telling": telling}), provider=post)
    here.desk = desk
    tick(desk)
    return Told(here, post, chat, Lookout(desk, chat, ask=lambda _: None, environ={"NEWSLETTER_WEBHOOK_KEY": KEY}))
