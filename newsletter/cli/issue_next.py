"""What comes next with an issue, in sentences: whether anybody is sending, what it waits for, and what to type."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from newsletter.delivery.progress import Progress
from newsletter.desk.standing import Standing
from newsletter.issues.issue import Command, Issue, IssueStatus
from newsletter.issues.wording import listed, numbered, sentence

_S = IssueStatus
OVER = (_S.SENT, _S.PARTIAL, _S.CANCELLED)
MAY_GO_ON = (_S.APPROVED, _S.SCHEDULED, _S.SENDING, _S.PAUSED)


@dataclass(frozen=True, slots=True)
class Case:
    """An issue, its numbers if it has begun, what else is known, and the zone that times are told in."""

    issue: Issue
    state: Progress | None
    now: Standing
    zone: ZoneInfo

    @property
    def under_way(self) -> int:
        """People in calls that are not closed."""
        return self.state.under_way if self.state else 0

    def at(self, moment: datetime | None) -> str:
        """Like "Thursday, 19 November at 08:00 CET"."""
        return f"{moment.astimezone(self.zone):%A, %d %B at %H:%M %Z}" if moment else "a time that nobody knows"

    @property
    def waits(self) -> list[str]:
        """What a provider asked for, if that is not over: "It waits until 09:14 UTC: the provider asked for it"."""
        if self.now.wait is None:
            return []
        local = self.now.wait.until.astimezone(self.zone)
        said = f" ({self.now.wait.reason.rstrip('.')})" if self.now.wait.reason else ""
        return [f"It waits until {local:%H:%M:%S %Z}: the provider asked for it{said}."]

    def do(self, act: str) -> str:
        """A command on this issue."""
        return f"newsletter issue {act} {self.issue.number}"


def lines(case: Case) -> list[str]:
    """The sentences that close a status."""
    said = []
    if case.now.stop_file and case.issue.status not in OVER:
        said.append(f"All sending is stopped, for {case.now.stop_file} exists. Remove it first.")
    told = after_restore(case) or SENTENCES[case.issue.status](case)
    said += [*providers(case), *told, *refused(case)]
    return said + doubts(case)


def after_restore(case: Case) -> list[str]:
    """Of a ledger that may have forgotten calls, what has to be said first; nothing where it is to be trusted."""
    if not case.now.doubt or case.issue.status not in MAY_GO_ON:
        return []
    held = _why_paused(case) if case.issue.status is _S.PAUSED else []
    return [*held, f"{case.now.doubt} {going_on(case)}"]


def going_on(case: Case) -> str:
    """What to type, after a pause or not, once somebody knows what happened since the copy was taken."""
    first = f"{case.do('resume')}, then " if case.issue.status is _S.PAUSED else ""
    return (
        "Nothing is sent before you say what happened since: 'When in doubt' in docs/guarantees.md. "
        f"Then go on: {first}{case.do('send')} --after-restore; or end it: {case.do('cancel')}"
    )


def refused(case: Case) -> list[str]:
    """How many were refused, and where their names are."""
    number = case.state.refused if case.state else 0
    return [f"{numbered(number, 'was', 'were')} refused; who, and why: {case.do('refused')}"] if number else []


def providers(case: Case) -> list[str]:
    """Who took how many, and why the first was left; nothing where there was only one all the time."""
    taken, left = case.now.taken_by, case.now.left
    if len(taken) < 2 and not left:  # noqa: PLR2004 - two
        return []
    whole = len({name.partition(":")[0] for name in taken}) < len(taken)  # two accounts of one provider
    named = {name: name if whole else name.partition(":")[0] for name in taken}
    by = listed([f"{number:,} by {named[name]}" for name, number in taken.items()])
    said = [f"Of those accepted: {by}."] if taken else []
    whys = {(one.provider.partition(":")[0], one.reason): one for one in reversed(left)}
    for (name, reason), first in reversed(whys.items()):
        said.append(f"On {case.at(first.at)} {name} was left for the fallback: {reason or 'it took nothing.'}")
    return said


def for_programs(case: Case) -> dict[str, Any]:
    """What else is known, as values."""
    return {
        "waits_until": case.now.wait.until if case.now.wait else None,
        "waves": [
            {"opens_at": wave.opens_at, "part": wave.part, "people": wave.size, "walked": wave.walked}
            for wave in case.now.waves
        ],
        "accepted_by": case.now.taken_by,
        "providers_left": [{"provider": one.provider, "at": one.at, "reason": one.reason} for one in case.now.left],
    }


def doubts(case: Case) -> list[str]:
    """What will be found out without a person, and what will not."""
    unknown, sure = case.state.unknown if case.state else 0, case.now.settles
    said = []
    if sure and case.now.outlook:
        send = case.do("send") + (" --after-restore" if case.now.doubt else "")
        when = f"{case.now.outlook.when.astimezone(case.zone):%H:%M %Z}"
        said.append(f"Whether {_have(sure)} it, the next send finds out by itself, after {when}: {send}")
    if unknown > sure:
        said.append(f"Whether {_have(unknown - sure)} it, nobody knows. See: newsletter unknown list")
    return said


def _have(number: int) -> str:
    return numbered(number, "reader has", "readers have")


def moves(case: Case) -> bool:
    """Whether its numbers can still change without anybody typing anything."""
    if case.issue.status is _S.SENDING:
        return True
    return bool(case.now.sender and case.under_way)


def _draft(case: Case) -> list[str]:
    return [f"Nobody has approved it yet. Next: {case.do('check')}, then {case.do('approve')}"]


def _approved(case: Case) -> list[str]:
    return [f"It does not start by itself. Next: {case.do('schedule')}, or at once: {case.do('send')}"]


def _scheduled(case: Case) -> list[str]:
    wall = case.issue.wall_time
    own = f", and reaches everybody at {wall[-5:]} by their own clock" if wall else ""
    starts = f"It starts on {case.at(case.issue.starts_at)}{own}, if 'newsletter serve' is running."
    at_once = "" if wall else f" At once: {case.do('send')}."  # it would begin at once, and wait for everybody's hour
    return [f"{starts}{at_once} Undo: {case.do('reopen')}"]


def _sending(case: Case) -> list[str]:
    if case.now.sender:
        said = [f"A sender is running: {case.now.sender}. Stop it for a while: {case.do('pause')}"]
        meaning = "handed to the provider, whose answer is awaited, or waiting for another try."
    elif (turns := turns_of(case)) and not case.under_way:
        return [turns]
    elif case.now.used_up and not case.under_way:
        share = "Today's share of the warm-up is used up."
        return [f"{share} A running 'newsletter serve' goes on after midnight UTC, or then: {case.do('send')}"]
    else:
        said = [f"Nobody is sending. Go on: {case.do('send')} (a running 'newsletter serve' does so by itself)"]
        meaning = "a sender has died or stopped in the middle of it. The next one finds out first who has it."
        if case.now.parked == case.under_way:
            heard = f": {sentence(case.now.heard)}" if case.now.heard else "."
            meaning = f"none of them has it, for the provider did not take them; the next send tries again{heard}"
    if case.under_way:
        said.append(f"Under way: {meaning}")
    said += case.waits
    return [*said, f"It is to be through by {case.at(case.now.not_after)}; what is left then waits for a person."]


def turns_of(case: Case) -> str:
    """Whose hour comes next, of an issue by the readers' own time; nothing where somebody's has come."""
    ahead = [wave for wave in case.now.waves if not wave.walked]
    if not ahead or case.now.looked_at is None or ahead[0].opens_at <= case.now.looked_at:
        return ""
    known, left = ({wave.opens_at for wave in waves} for waves in (case.now.waves, ahead))  # one for each part then
    coming = sum(wave.size for wave in ahead if wave.opens_at == ahead[0].opens_at)
    people = numbered(coming, "person on the list comes", "people on the list come")
    done = f"{numbered(len(known - left), 'wave', 'waves')} of {len(known)} done"
    return (
        f"{done}; {people} next, on {case.at(ahead[0].opens_at)}. "
        f"A running 'newsletter serve' goes on by itself, or then: {case.do('send')}"
    )


def _paused(case: Case) -> list[str]:
    running = [f"A sender is running: {case.now.sender}. It ends after the calls under way."] if case.now.sender else []
    return [*_why_paused(case), *running, f"Go on: {case.do('resume')}, then {case.do('send')}"]


def _why_paused(case: Case) -> list[str]:
    step = case.now.last_step
    if step and step.command is Command.PAUSE:
        return [sentence(f"Paused on {case.at(step.at)} by {step.by}")]
    if step and step.command is Command.TAKE_UP:
        return [f"It waits since {case.at(step.at)}, when {step.by} said that a batch in doubt was not sent."]
    return ["It waits for a person."]


def _cancelled(case: Case) -> list[str]:
    if not case.now.claimed:
        return [f"Nobody got it. A draft again: {case.do('reopen')}"]
    running = [f"A sender is running: {case.now.sender}. It ends after the calls under way."] if case.now.sender else []
    left = []
    if case.under_way and not case.now.sender:
        left.append(f"Its sender died with calls under way. What is known of them: {case.do('cancel')}")
    return [*running, *left, "Nobody else gets it, and it cannot be taken up again."]


SENTENCES: dict[IssueStatus, Callable[[Case], list[str]]] = {
    _S.DRAFT: _draft,
    _S.APPROVED: _approved,
    _S.SCHEDULED: _scheduled,
    _S.SENDING: _sending,
    _S.PAUSED: _paused,
    _S.SENT: lambda _: ["Everybody was dealt with; nothing is left to do."],
    _S.PARTIAL: lambda _: [],
    _S.CANCELLED: _cancelled,
}
