"""The ledger as a model: claim, post, receipt, crash, recovery, look-up, event; every state is visited.

One batch, because batches do not touch each other. Around it is the worst that may happen: two dispatchers die or sleep
anywhere, answers are lost, the provider accepts late, a key is forgotten, a living dispatcher is taken for dead. What
was mailed survives every crash, and nobody can read it but through a look-up or an event.

Two things are one step here and two instructions in a process: to look at the clock and to post, and the provider's
taking of a request and its remembering of the key. The margin on the key's age is for the first; the second is the
provider's promise.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

PENDING, CLAIMED, SENDING = "pending", "claimed", "sending"
ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"
CLOSED = (ACCEPTED, REFUSED, UNKNOWN)
LOST, LATER = "nothing", "not now"
YOUNG, TOO_OLD_TO_POST, OVER = range(3)  #: a claim's age; once it is over, no request under it can still be taken
CAPABILITIES = ("key", "look-up", "neither")


@dataclass(frozen=True)
class Rules:
    """The guards. Each can be taken out, and then a story shows what it was for."""

    capability: str = "neither"
    stale_claim_is_doubt: bool = True  #: else it is given back, as a lease would be
    lost_answer_is_doubt: bool = True  #: else it is tried again, blindly
    doubt_is_durable: bool = True  #: else a refusal or a "not now" of a repetition is believed
    age_checked_at_post: bool = True  #: else a claim made in time may be posted late
    key_age_has_margin: bool = True  #: else a key may be forgotten while a request under it is under way
    receipts_are_fenced: bool = True  #: else an old attempt's answer is written over a newer attempt
    recovery_spares_the_young: bool = True  #: else it takes up claims whose request is still under way
    wait_covers_the_request: bool = (
        True  #: else it ends when nothing may be posted any more: the last post is under way
    )
    look_up_waits: bool = True  #: else "nothing there" is believed while a request may still be taken
    evidence_only_closes_doubt: bool = True  #: else an operator's guess "it was not sent" gives the batch back
    tries: int = 2  #: `docs/ledger.pml` goes to three
    crashes: int = 2


GUARDS = tuple(name for name, kind in Rules.__annotations__.items() if kind is bool)


class Sender(NamedTuple):
    """A dispatcher: idle, ready to post, waiting for an answer, or holding one. All of it dies with the process."""

    phase: str = "idle"
    attempt: int = 0
    doubt: bool = False  #: as it was read when claiming
    late: bool = False  #: by its own clock
    answer: str = ""


class World(NamedTuple):
    """The ledger's row; then time; then the provider; then the processes."""

    status: str = PENDING
    attempt: int = 0
    doubt: bool = False
    age: int = YOUNG
    key_old: bool = False  #: by our reckoning: from here on nothing is posted under it
    key_known: bool = False
    mailed: int = 0
    under_way: int = 0
    guessed: bool = False  #: something was posted again without a key, though an earlier request may be taken
    senders: tuple[Sender, Sender] = (Sender(), Sender())
    crashes: int = 0


Step = tuple[str, World]


def first(rules: Rules) -> World:
    """Nobody has done anything."""
    return World(crashes=rules.crashes)


def steps(world: World, rules: Rules) -> Iterator[Step]:
    """Everything that may happen next."""
    for number, sender in enumerate(world.senders):
        for story, after, mine in _sender(world, sender, rules):
            yield f"{'AB'[number]} {story}", after._replace(senders=_put(after.senders, number, mine))
        if sender.phase != "idle" and world.crashes:
            dead = world._replace(senders=_put(world.senders, number, Sender()), crashes=world.crashes - 1)
            yield f"{'AB'[number]} is killed", dead
    if world.status in (SENDING, UNKNOWN):
        yield from _recovery(world, rules)
        yield from _evidence(world, rules)
    yield from _time(world, rules)
    yield from _provider(world, rules)


def _put(senders: tuple[Sender, Sender], number: int, sender: Sender) -> tuple[Sender, Sender]:
    return (senders[0], sender) if number else (sender, senders[1])


def _sender(world: World, mine: Sender, rules: Rules) -> Iterator[tuple[str, World, Sender]]:
    """Claim, post, hear an answer, record it."""
    if mine.phase == "idle" and world.status in (PENDING, CLAIMED):
        attempt = world.attempt + 1
        yield (
            "claims",
            world._replace(status=SENDING, attempt=attempt, age=YOUNG),
            Sender("ready", attempt, world.doubt),
        )
    elif mine.phase == "ready" and rules.age_checked_at_post and (mine.late or (_keyed(rules) and world.key_old)):
        yield "finds it too late to post", world, mine._replace(phase="answered", answer=LOST)
    elif mine.phase == "ready":
        guessed = not _keyed(rules) and bool(world.mailed or world.under_way)
        posted = world._replace(under_way=world.under_way + 1, guessed=world.guessed or guessed)
        yield "posts", posted, mine._replace(phase="waiting")
    elif mine.phase == "waiting":
        for story, after, answer in _answers(world, mine, rules):
            yield story, after, mine._replace(phase="answered", answer=answer)
    elif mine.phase == "answered":
        yield f"records '{mine.answer}'", _recorded(world, mine, rules), Sender()


def _answers(world: World, mine: Sender, rules: Rules) -> Iterator[tuple[str, World, str]]:
    """What the provider may do with a request, and what is heard of it."""
    here = world._replace(under_way=world.under_way - 1)
    yield "hears 'accepted'", _taken(here, rules), ACCEPTED
    yield "hears 'refused'", here, REFUSED
    if mine.attempt < rules.tries:
        yield "hears 'not now'", here, LATER
    yield "hears nothing", world, LOST  # the request is still under way, and may be taken late


def _keyed(rules: Rules) -> bool:
    return rules.capability == "key"


def _taken(world: World, rules: Rules) -> World:
    """The provider takes a request; under a key that it knows it only repeats its answer."""
    if _keyed(rules) and world.key_known:
        return world
    return world._replace(mailed=min(world.mailed + 1, 2), key_known=True)


def _recorded(world: World, mine: Sender, rules: Rules) -> World:
    """The receipt: only of the newest attempt, only while the batch is open, never against a doubt."""
    if world.status not in (SENDING, UNKNOWN) or (rules.receipts_are_fenced and world.attempt != mine.attempt):
        return world
    answer = mine.answer
    if answer == LOST:
        answer = UNKNOWN if rules.lost_answer_is_doubt or mine.attempt >= rules.tries else LATER
    if mine.doubt and rules.doubt_is_durable and answer in (REFUSED, LATER):
        answer = UNKNOWN
    status = CLAIMED if answer == LATER else answer
    return world._replace(status=status, doubt=mine.doubt or status == UNKNOWN)


def _recovery(world: World, rules: Rules) -> Iterator[Step]:
    """What is done with a batch whose answer nobody has."""
    again = world.attempt < rules.tries
    waited = world.age >= (OVER if rules.wait_covers_the_request else TOO_OLD_TO_POST)
    if world.status == SENDING and (waited or not rules.recovery_spares_the_young):
        if not rules.stale_claim_is_doubt and again:
            yield "recovery gives the claim back", world._replace(status=CLAIMED)
        elif rules.capability == "look-up":
            yield from _look_up(world, again=again, who="recovery asks the provider")
        else:
            yield "recovery marks the claim as doubtful", world._replace(status=UNKNOWN, doubt=True)
    if world.status == UNKNOWN and _keyed(rules) and again and not world.key_old:
        yield "recovery gives it back under its key", world._replace(status=CLAIMED, doubt=True)
    if world.status == UNKNOWN and rules.capability == "look-up" and (waited or not rules.look_up_waits):
        yield from _look_up(world, again=again, who="a look-up asks the provider")


def _look_up(world: World, *, again: bool, who: str) -> Iterator[Step]:
    if world.mailed:
        yield f"{who}: it is there", world._replace(status=ACCEPTED)
    elif again:
        yield f"{who}: nothing is there", world._replace(status=CLAIMED, doubt=False)
    else:
        yield f"{who}: nothing is there, and nobody tries again", world._replace(status=REFUSED)


def _evidence(world: World, rules: Rules) -> Iterator[Step]:
    """An event, or a person."""
    if world.mailed:
        yield "an event says that it was delivered", world._replace(status=ACCEPTED)
    if world.status == UNKNOWN and world.attempt < rules.tries:
        if not rules.evidence_only_closes_doubt:
            yield "an operator guesses that it was not sent", world._replace(status=CLAIMED, doubt=False)
        elif world.age == OVER and not world.mailed:
            yield "an operator reads at the provider that it was not sent", world._replace(status=CLAIMED, doubt=False)


def _time(world: World, rules: Rules) -> Iterator[Step]:
    """The claim ages, and sleepers with it; a claim is over when its longest request is."""
    if world.attempt and world.age == YOUNG:
        one, two = (sender._replace(late=sender.phase == "ready") for sender in world.senders)
        yield "time passes", world._replace(age=TOO_OLD_TO_POST, senders=(one, two))
    if world.age == TOO_OLD_TO_POST and not world.under_way:
        yield "the longest request is over", world._replace(age=OVER)
    if _keyed(rules) and world.attempt and not world.key_old:
        yield "the key gets old", world._replace(key_old=True)


def _provider(world: World, rules: Rules) -> Iterator[Step]:
    """What it does with requests whose sender has gone, and with its memory."""
    if world.under_way > sum(sender.phase == "waiting" for sender in world.senders):
        rest = world._replace(under_way=world.under_way - 1)
        yield "the provider accepts late", _taken(rest, rules)
        yield "the provider drops it", rest
    if world.key_old and world.key_known and not (rules.key_age_has_margin and world.under_way):
        yield "the provider forgets the key", world._replace(key_known=False)


def broken(world: World, *, over: bool) -> str:
    """What a world has broken: a sentence, or nothing. `over`: nothing more can happen."""
    if world.mailed > 1:
        return "invariant 5: somebody was mailed twice"
    if world.guessed:
        return "invariant 7: somebody was mailed again on a guess"
    if (world.status == ACCEPTED and not world.mailed) or (world.status == REFUSED and world.mailed):
        return "the ledger lies"
    return "invariant 6: somebody is lost" if over and world.status not in CLOSED else ""


@dataclass(frozen=True)
class Found:
    """What an exploration found: how many states there are, and the shortest story of what broke."""

    states: int
    broken: str = ""
    story: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The story in lines."""
        return "\n  ".join((self.broken or f"{self.states} states, nothing is broken", *self.story))


def explore(rules: Rules, *, only: str = "") -> Found:
    """Visit every state. `only`: stop at this breach."""
    return visit(first(rules), lambda world: steps(world, rules), broken, only=only)


W = TypeVar("W", bound=Hashable)


def visit(start: W, after: Callable[[W], Iterable[tuple[str, W]]], breach: Callable[..., str], *, only: str) -> Found:
    """Every state that can be reached, breadth first, so that the first story found is a shortest one."""
    seen: dict[W, tuple[str, W] | None] = {start: None}
    todo = deque(seen)
    while todo:
        world = todo.popleft()
        nexts = list(after(world))
        what = breach(world, over=not nexts)
        if what and only in what:
            return Found(len(seen), what, _story(seen, world))
        for story, later in nexts:
            if later not in seen:
                seen[later] = (story, world)
                todo.append(later)
    return Found(len(seen))


def _story(seen: dict[W, tuple[str, W] | None], world: W) -> tuple[str, ...]:
    told = []
    while step := seen[world]:
        told.append(step[0])
        world = step[1]
    return tuple(reversed(told))
