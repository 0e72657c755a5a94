"""A reader chooses what they get, on the page of their settings: topics, and how often.

The page says in words what they will get. Ticking no topic is no way to leave: whoever does that is shown the ways to
get less or nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from sqlmodel import Session
from starlette.responses import Response

from newsletter.desk.desk import Desk
from newsletter.issues.wording import listed
from newsletter.topics import Topic
from newsletter.web.opening import Fields, changed
from subscribers.choice import Choice, Frequency
from subscribers.consent import ON_THE_LIST
from subscribers.preferences import choice_of, choose
from subscribers.subscriber import Subscriber

PAGE = "/preferences"
NOTED = "Your choice is saved. It counts from the next issue on."
NO_TOPIC = (
    "Choose at least one topic. To get nothing for a while, take a break below; to get nothing at all, unsubscribe."
)
NO_RHYTHM = "Choose how often."
LABELS = {
    Frequency.WEEKLY: "Every week",
    Frequency.MONTHLY: "Once a month: the first issue of the month, with what the weeks before it had",
    Frequency.CHANGES: "Only when a verdict has changed",
}


@dataclass(frozen=True, slots=True)
class Box:
    """One thing to tick."""

    value: str
    label: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class Form:
    """What can be chosen, what is, and that in words."""

    words: str
    often: tuple[Box, ...]
    topics: tuple[Box, ...]


class Showing(Protocol):
    """The page of their settings."""

    async def __call__(
        self, ref: str, token: str, *, said: str = "", wrong_choice: str = "", picked: Fields | None = None
    ) -> Response:
        """Show it, with what was just done, or what was wrong with what they picked."""
        ...


@dataclass(frozen=True, slots=True)
class Choosing:
    """The answer at `/preferences/{token}/choice`."""

    desk: Desk
    show: Showing

    async def act(self, ref: str, token: str, fields: Fields) -> Response:
        """They choose."""
        topics = self.desk.config.topics
        wanted = [topic.slug for topic in topics if fields.get(f"topic-{topic.slug}")]
        wrong = NO_TOPIC if topics and not wanted else NO_RHYTHM if fields.get("often") not in list(Frequency) else ""
        if wrong:
            answer = await self.show(ref, token, wrong_choice=wrong, picked=fields)
            if answer.status_code == HTTPStatus.OK:
                answer.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
            return answer
        choice = Choice.of(wanted if len(wanted) < len(topics) else (), fields["often"])

        def write(session: Session, who: Subscriber) -> None:
            if who.status in ON_THE_LIST:
                choose(session, who, choice, PAGE, self.desk.clock())

        who = await changed(self.desk, ref, write)
        return await self.show(ref, token, said=NOTED if who and who.status in ON_THE_LIST else "")


def form_of(topics: Sequence[Topic], who: Subscriber, picked: Fields | None = None) -> Form:
    """The form for this reader. Topics that there are no more say nothing; of none that is left, it is everything.

    `picked`: what they sent and shall mend, which the form keeps; the words are of what counts.
    """
    choice = choice_of(who)
    mine = [topic for topic in topics if topic.slug in choice.topics] or list(topics)
    often, ticked = choice.frequency, mine
    if picked is not None:
        often = next((one for one in Frequency if one == picked.get("often")), often)
        ticked = [topic for topic in topics if picked.get(f"topic-{topic.slug}")]
    everything = len(mine) == len(topics)
    return Form(
        words=in_words(choice.frequency, [] if everything else [topic.name for topic in mine]),
        often=tuple(Box(str(one), LABELS[one], one is often) for one in Frequency),
        topics=tuple(Box(topic.slug, topic.name, topic in ticked) for topic in topics),
    )


def in_words(often: Frequency, topics: Sequence[str]) -> str:
    """What somebody gets who chose that; no topics: everything."""
    about = f" about {listed(topics)}" if topics else ""
    if often is Frequency.CHANGES:
        return f"You get a mail only in a week in which a verdict{about} has changed."
    if often is Frequency.MONTHLY:
        return f"You get one mail a month, with {'what the month had' if about else 'all of the month'}{about}."
    if topics:
        return f"You get a mail in every week that has something{about}."
    return "You get every issue, whole: one a week."
