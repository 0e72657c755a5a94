"""The rest of a call as a model: two people in one batch, answered one by one; every state is visited.

`ledger_model.py` treats a batch as one thing, with two dispatchers and time. Here is one dispatcher that may die, and
the batch has people: a call takes one and puts the other off, is refused as a whole and cut, or is lost in the middle;
events, look-ups and an operator speak of single people; and the issue ends as sent or partial.

What nobody has settled is handed over as a call of its own. A row of a person is `""` (fares as the batch), `a` (shown
by evidence, still part of the call in doubt), or `A`, `R`, `U`: accepted, refused, in doubt, and set apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from ledger_model import ACCEPTED, CLAIMED, PENDING, REFUSED, SENDING, UNKNOWN, Found, visit

APART = ("A", "R", "U")
WHOLE, SENT, PARTIAL = "sending", "sent", "partial"
Key = tuple[int, int]  #: generation, piece
Answers = tuple[str, ...]  #: of each in the call: A, R, L (not now), U (not heard), or all S (refused as a whole)
#: What may become of somebody in a call: what is heard, whether they are mailed. `L!`: an event says otherwise at once.
FATES = {"A": ("A", 1), "R": ("R", 0), "L": ("L", 0), "L!": ("L", 1), "U taken": ("U", 1), "U": ("U", 0)}


@dataclass(frozen=True)
class Rules:
    """The guards. Each can be taken out."""

    capability: str = "neither"
    settled_are_set_apart: bool = True  #: else the next attempt is for everybody in the batch again
    rest_has_its_own_key: bool = True  #: else it goes out under the key of the call that it was left over from
    pieces_have_their_own_keys: bool = True  #: else all of them go out under the key of the whole
    doubt_keeps_its_call: bool = True  #: else what may have been taken is repeated as a new call
    doubt_is_durable: bool = True  #: else "not now" or a refusal of a repetition is believed
    piece_proves_only_itself: bool = True  #: else a repeated piece's refusal is believed, as another was accepted
    lost_piece_is_doubt: bool = True  #: else its people are part of the rest
    event_holds_the_rest: bool = True  #: else who is shown to have it is handed over with the rest
    events_come_first: bool = True  #: else the rest goes out before what an event said meanwhile is looked at
    look_up_is_by_person: bool = True  #: else "not all are there" gives the whole call back
    word_is_by_person: bool = True  #: else "not sent" of one gives the whole batch back
    evidence_only_closes_doubt: bool = True  #: else an operator guesses
    last_doubt_ends_it: bool = True  #: else an issue stays partial when everybody has it
    refusal_keeps_it_partial: bool = True  #: else the last doubt makes it sent, whoever was refused
    tries: int = 3
    crashes: int = 1


GUARDS = tuple(name for name, kind in Rules.__annotations__.items() if kind is bool)


class World(NamedTuple):
    """The ledger; then the call under way; then the provider."""

    status: str = PENDING
    attempt: int = 0
    doubt: bool = False
    generation: int = 0
    pieces: int = 0
    rows: tuple[str, str] = ("", "")
    issue: str = WHOLE
    said: tuple[Answers, ...] | None = None  #: of each call of the attempt under way; None: nobody is calling
    mailed: tuple[int, int] = (0, 0)
    memory: frozenset[tuple[Key, tuple[int, ...], Answers]] = frozenset()
    told: frozenset[int] = frozenset()  #: whom an event has named while the call was under way
    crashes: int = 0

    @property
    def members(self) -> list[int]:
        """Who is handed over."""
        return [who for who, row in enumerate(self.rows) if row not in APART]

    def fate(self, who: int) -> str:
        """What the ledger says of somebody."""
        return {"": self.status, "a": ACCEPTED, "A": ACCEPTED, "R": REFUSED, "U": UNKNOWN}[self.rows[who]]

    @property
    def fates(self) -> set[str]:
        """Of both."""
        return {self.fate(0), self.fate(1)}


Step = tuple[str, World]


def first(rules: Rules) -> World:
    """Nobody has done anything."""
    return World(crashes=rules.crashes)


def steps(world: World, rules: Rules) -> Iterator[Step]:
    """Everything that may happen next."""
    again = world.attempt < rules.tries and world.issue == WHOLE
    if world.said is not None:
        yield from _calling(world, rules)
        if world.crashes:
            yield "the sender is killed", world._replace(said=None, crashes=world.crashes - 1)
        return
    if world.status in (PENDING, CLAIMED) and again:
        yield "is claimed", _begun(world)
    if world.status == CLAIMED and world.issue == WHOLE:
        yield "is called off", _called_off(world)
    if world.status in (SENDING, UNKNOWN) and world.issue == WHOLE:
        yield from _recovery(world, rules, again=again)
    yield from _evidence(world, rules)
    if world.issue == WHOLE and world.status in (ACCEPTED, REFUSED, UNKNOWN):
        yield "the issue ends", world._replace(issue=SENT if world.fates == {ACCEPTED} else PARTIAL)


def _begun(world: World, *, doubt: bool = False) -> World:
    return world._replace(status=SENDING, attempt=world.attempt + 1, doubt=world.doubt or doubt, said=())


def _called_off(world: World) -> World:
    """Cancelled: what is left was certainly not taken, and will not be."""
    there = any(row in ("a", "A") for row in world.rows)
    rows = [row or "R" if there else row for row in world.rows]
    return world._replace(status=ACCEPTED if there else REFUSED, rows=(rows[0], rows[1]))


def _calls(world: World, rules: Rules) -> list[list[int]]:
    """Who is in each call of an attempt."""
    who = world.members if rules.settled_are_set_apart else [0, 1]
    return [[one] for one in who] if world.pieces else [who]


def _calling(world: World, rules: Rules) -> Iterator[Step]:
    """The next call of the attempt, or its record. A piece goes out only while those before it were answered."""
    calls, said = _calls(world, rules), world.said or ()
    if len(said) == len(calls) or (said and not _answered(said[-1])):
        rest = tuple(("L",) * len(call) for call in calls[len(said) :])
        yield "the answer is recorded", _recorded(world, rules, calls, (*said, *rest))
        return
    who = calls[len(said)]
    piece = len(said) + 1 if world.pieces and rules.pieces_have_their_own_keys else 0
    key = (world.generation if rules.rest_has_its_own_key else 0, piece)
    for story, after, answers in _provider(world, rules, key, tuple(who)):
        yield f"{story} for {who}", after._replace(said=(*said, answers))


def _answered(answers: Answers) -> bool:
    return not {"L", "U"} & set(answers)


def _provider(world: World, rules: Rules, key: Key, who: tuple[int, ...]) -> Iterator[tuple[str, World, Answers]]:
    """What it may do with a call. Under a key that it knows it repeats its answer, or speaks without looking."""
    known = [(people, answers) for kept, people, answers in world.memory if kept == key]
    if known and rules.capability == "key":
        people, answers = known[0]
        yield "the provider repeats its answer", world, answers if people == who else ("A",) * len(who)
        for word in "RLUS":
            yield f"the provider says {word} without looking", world, (word,) * len(who)
        return
    yield "the provider refuses the whole call", world, ("S",) * len(who)
    for fates in product(FATES, repeat=len(who)):
        mailed, took = list(world.mailed), [FATES[one][1] for one in fates]
        for one, more in zip(who, took, strict=True):
            mailed[one] = min(mailed[one] + more, 2)
        told = {one for one, fate in zip(who, fates, strict=True) if fate == "L!"}
        kept = {
            (
                key,
                who,
                tuple("A" if more else FATES[one][0].replace("U", "L") for one, more in zip(fates, took, strict=True)),
            )
        }
        after = world._replace(
            mailed=(mailed[0], mailed[1]),
            memory=world.memory | kept if rules.capability == "key" and any(took) else world.memory,
            told=world.told | told,
        )
        yield f"the provider: {', '.join(fates)}", after, tuple(FATES[one][0] for one in fates)


def _recorded(world: World, rules: Rules, calls: Sequence[Sequence[int]], said: tuple[Answers, ...]) -> World:
    """Whoever is settled is set apart; whom the provider certainly did not take are the rest."""
    careful = world.doubt and world.pieces and rules.doubt_is_durable and rules.piece_proves_only_itself
    sure = [_proving(answers) if careful else answers for answers in said]
    pairs = [pair for call, answers in zip(calls, sure, strict=True) for pair in zip(call, answers, strict=True)]
    alone = {call[0] for call in calls if len(call) == 1}
    heard = {who: _as_one(word, world, rules, alone=who in alone) for who, word in pairs}
    words = set(heard.values())
    again = world.doubt or (rules.capability != "neither" and "U" in words and not words & {"A", "R"})
    if world.pieces and again and not _answered(said[-1]):  # broken off, and nobody settled: in doubt as a whole
        heard, words = dict.fromkeys(heard, "U"), {"U"}
    if world.pieces and not rules.lost_piece_is_doubt:
        heard = {who: word.replace("U", "L") for who, word in heard.items()}
        words = set(heard.values())
    done = world._replace(said=None)
    if world.doubt and rules.doubt_is_durable:
        if "A" not in words:
            return done._replace(status=UNKNOWN, doubt=True)
        heard = {who: word.replace("L", "U") for who, word in heard.items()}
        return _apart(done._replace(status=ACCEPTED, doubt=False), heard, "RU")
    if words <= {"U"}:
        return done._replace(status=UNKNOWN, doubt=True)
    if "L" not in words:
        there = "A" in words or any(row in ("a", "A") for row in world.rows)
        return _apart(done._replace(status=ACCEPTED if there else REFUSED, doubt=False), heard, "RU" if there else "U")
    pieces = 2 if said[0] == ("S", "S") or (world.pieces and words == {"L"}) else 0
    new = words != {"L"} or pieces != world.pieces
    rest = done._replace(status=CLAIMED, doubt=False, pieces=pieces, generation=world.generation + new)
    rest = _apart(rest, heard, "ARU")
    if rules.events_come_first:
        for who in sorted(world.told):
            rest = _proved(rest, who, rules) if rest.rows[who] not in ("a", "A") else rest
    return rest


def _proving(answers: Answers) -> Answers:
    """What a repetition that accepts nobody says of the first attempt: nothing."""
    return answers if "A" in answers else ("U",) * len(answers)


def _as_one(word: str, world: World, rules: Rules, *, alone: bool) -> str:
    """What a refusal of the whole call means for one of it: nothing in doubt, and all there is to say of one alone."""
    if word != "S":
        return word
    return "U" if world.doubt and rules.doubt_is_durable else "R" if alone else "L"


def _apart(world: World, heard: dict[int, str], words: str) -> World:
    """A row for whoever fares otherwise. What evidence has shown stays."""
    rows = list(world.rows)
    for who, word in heard.items():
        if word in words:
            rows[who] = "A" if rows[who] in ("a", "A") else word
    return world._replace(rows=(rows[0], rows[1]))


def _recovery(world: World, rules: Rules, *, again: bool) -> Iterator[Step]:
    """What is done with a call whose answer nobody has, once it is over."""
    if rules.capability == "key" and again and world.members:
        new = 0 if rules.doubt_keeps_its_call else 1
        yield "is repeated", _begun(world, doubt=True)._replace(generation=world.generation + new)
    elif rules.capability == "look-up" and again:
        yield "is looked up", _found(world, rules)
    if world.status == SENDING:
        yield "is marked as doubtful", world._replace(status=UNKNOWN, doubt=True)


def _found(world: World, rules: Rules) -> World:
    """A look-up is believed person by person: who is not there is the rest."""
    heard = {who: "A" if world.mailed[who] else "L" for who in world.members}
    if not rules.look_up_is_by_person and set(heard.values()) == {"A", "L"}:
        return world._replace(status=CLAIMED, doubt=False)
    return _recorded(world._replace(doubt=False), rules, [list(heard)], (tuple(heard.values()),))


def _evidence(world: World, rules: Rules) -> Iterator[Step]:
    """An event, or an operator, about somebody; not while a call is under way."""
    if world.status == SENDING:
        return
    for who in (0, 1):
        if world.mailed[who] and world.status != PENDING and world.fate(who) != ACCEPTED:
            yield f"an event says that {who} has it", _proved(world, who, rules)
    doubted = [who for who in (0, 1) if world.fate(who) == UNKNOWN]
    if world.attempt < rules.tries and world.issue != SENT:
        for some in [[who] for who in doubted] + [doubted] * (len(doubted) > 1):
            if not (rules.evidence_only_closes_doubt and any(world.mailed[who] for who in some)):
                yield f"an operator says that {some} were not sent it", _not_sent(world, some, rules)


def _proved(world: World, who: int, rules: Rules) -> World:
    """Somebody has it. If they were still to be handed over, nobody knows of the rest; with the last doubt it ends."""
    rows, shown = list(world.rows), world.rows[who] not in APART
    rows[who] = "a" if shown else "A"
    world = world._replace(rows=(rows[0], rows[1]))
    if world.status != ACCEPTED:
        if shown and (rules.event_holds_the_rest or world.status == UNKNOWN):
            world = world._replace(status=UNKNOWN, doubt=True)
        if world.status == UNKNOWN and all(world.rows):
            world = world._replace(status=ACCEPTED, doubt=False)
    bad = {UNKNOWN, CLAIMED, SENDING} | ({REFUSED} if rules.refusal_keeps_it_partial else set())
    ended = world.issue == PARTIAL and not world.fates & bad and rules.last_doubt_ends_it
    return world._replace(issue=SENT) if ended else world


def _not_sent(world: World, some: list[int], rules: Rules) -> World:
    """These, and nobody else, are what the batch hands over next."""
    up = world._replace(status=CLAIMED, doubt=False, issue=WHOLE)
    if world.status == UNKNOWN and some == world.members:
        return up
    if not rules.word_is_by_person:
        return up._replace(rows=("", ""), pieces=0, generation=world.generation + 1)
    as_batch = {ACCEPTED: "A", REFUSED: "R", UNKNOWN: "U"}.get(world.status, "")
    rows = ["" if who in some else (row or as_batch).replace("a", "A") for who, row in enumerate(world.rows)]
    return up._replace(rows=(rows[0], rows[1]), pieces=0, generation=world.generation + 1)


def broken(world: World, *, over: bool) -> str:
    """What a world has broken: a sentence, or nothing. `over`: nothing more can happen."""
    if max(world.mailed) > 1:
        return "invariant 5: somebody was mailed twice"
    for who in (0, 1):
        fate = world.fate(who)
        if (fate == ACCEPTED and not world.mailed[who]) or (fate == REFUSED and world.mailed[who]):
            return "the ledger lies"
    if world.issue == SENT and world.fates != {ACCEPTED}:
        return "an issue is called sent that somebody has not got"
    if world.issue == PARTIAL and world.fates == {ACCEPTED}:
        return "an issue is called partial that everybody has"
    if over and not world.fates <= {ACCEPTED, REFUSED, UNKNOWN}:
        return "invariant 6: somebody is lost"
    return ""


def explore(rules: Rules, *, only: str = "") -> Found:
    """Visit every state; the first story that breaks something is a shortest one. `only`: this breach."""
    return visit(first(rules), lambda world: steps(world, rules), broken, only=only)
