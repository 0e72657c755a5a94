"""Rules on a sending: what holds it up, whether its numbers are right, and how readers take it.

The limits of rates are the mailbox providers' own (product reference, 4.1): Gmail wants spam reports below 0.1 % and
stops helping at 0.3 %; senders are looked at with 5 % of bounces. One reader is never a rate: each has a least number.
"""

from collections.abc import Iterator
from datetime import timedelta

from jobs.notices.facts import Facts, Post, Watched
from jobs.notices.words import at, lasting
from newsletter.delivery.progress import Progress
from newsletter.desk.notices import Holds, Kind, Severity
from newsletter.issues.issue import IssueStatus
from newsletter.issues.wording import numbered, opened, sentence

NO_CALL = timedelta(hours=1)  #: an issue on its way that calls nobody for so long is stuck
DOUBT_PATIENCE = timedelta(hours=1)  #: events close most doubts by then
STOP_PATIENCE = timedelta(hours=1)
#: Of 100,000 who got an issue: complaints that are too many, complaints that are far too many; bounces; who left.
COMPLAINTS, COMPLAINTS_URGENT, BOUNCES, LEFT = 100, 300, 2_000, 1_000
LEAST_COMPLAINTS, LEAST = 2, 5  #: fewer people are no rate
UNUSUAL = 3  #: times the middle of the issues before, and above the number above: unusual


def held(facts: Facts) -> Iterator[Holds]:
    """A pause is told with who began it: the dispatcher's own is a matter of minutes."""
    for issue in facts.issues:
        if issue.status is IssueStatus.PAUSED:
            who, _, why = issue.step_by.partition(": ")
            by_itself = who == "the dispatcher"
            since = f" since {at(facts, issue.step_at)}" if issue.step_at else ""
            said = (
                f"{opened(issue.name)} is paused{since}, by {who or 'somebody'}{f': {sentence(why)}' if why else '.'}"
            )
            todo = f"newsletter issue status {issue.number}; then newsletter issue resume {issue.number}"
            yield Holds(
                Kind.HELD,
                f"{issue.number}:{issue.step}",
                Severity.URGENT if by_itself else Severity.WARNING,
                said,
                todo,
            )


def stop_file(facts: Facts) -> Iterator[Holds]:
    """Somebody stopped everything, and that was a while ago."""
    since = facts.stopped_since
    if since and facts.now - since >= STOP_PATIENCE:
        file = facts.config.sending.stop_file
        said = f"All sending is stopped since {at(facts, since)}: the file {file} exists."
        yield Holds(Kind.STOP_FILE, "", Severity.WARNING, said, "Remove the file, and what is on its way goes on.")


def stuck(facts: Facts) -> Iterator[Holds]:
    """On its way, and nothing moves though nothing is known to hold it."""
    waits = facts.stopped_since or facts.config.sending.warm_up or (facts.waits_until and facts.waits_until > facts.now)
    for issue in facts.issues:
        if issue.status is IssueStatus.SENDING and issue.post and not waits:
            began = issue.post.started
            last = max(began, issue.post.last_call or began, issue.post.next_wave or began)
            if facts.now - last >= NO_CALL:
                said = f"{opened(issue.name)} is on its way, and no call was made for {lasting(facts.now - last)}."
                todo = f"newsletter issue status {issue.number} says who sends and what stands in the way."
                yield Holds(Kind.STUCK, str(issue.number), Severity.URGENT, said, todo)


def counts(facts: Facts) -> Iterator[Holds]:
    """More than were to be mailed, or an end with people left over: the ledger itself would be wrong."""
    for issue, post in _posts(facts):
        state = post.progress
        over = post.finished and (state.to_claim or state.under_way)
        if state.to_claim < 0 or over:
            counts = f"{state.accepted:,} accepted, {_to_be_mailed(state):,} were to be mailed"
            said = f"The numbers of {issue.name} do not add up: {counts}."
            todo = f"{_stop(facts)} Then: newsletter issue status {issue.number}"
            yield Holds(Kind.COUNTS, str(issue.number), Severity.URGENT, said, todo)


def missing(facts: Facts) -> Iterator[Holds]:
    """It ended, and not everybody who was to get it was accepted."""
    for issue, post in _posts(facts):
        state = post.progress
        expected, without = _to_be_mailed(state), state.refused + state.unknown
        if post.finished and without:
            said = (
                f"{opened(issue.name)} was accepted for {state.accepted:,} of {expected:,}: "
                f"{state.refused:,} refused, {state.unknown:,} unknown."
            )
            severity = Severity.WARNING if 100 * without >= expected else Severity.INFO
            yield Holds(Kind.MISSING, str(issue.number), severity, said, f"newsletter issue status {issue.number}")


def _to_be_mailed(state: Progress) -> int:
    return state.list_size - state.skipped_in_all


def doubled(facts: Facts) -> Iterator[Holds]:
    """What must never happen: two copies for one reader, by what providers report."""
    for issue, post in _posts(facts):
        if post.doubled:
            who = numbered(post.doubled, "delivery", "deliveries")
            said = f"{who} of {issue.name} were reported as delivered twice: somebody may have two copies."
            todo = f"{_stop(facts)} Look some of them up in the provider's console before you remove the file."
            yield Holds(Kind.DOUBLED, str(issue.number), Severity.URGENT, said, todo)


def doubt(facts: Facts) -> Iterator[Holds]:
    """Doubts that no event and no look-up has closed."""
    for issue, post in _posts(facts):
        if post.doubtful and post.doubtful_since and facts.now - post.doubtful_since >= DOUBT_PATIENCE:
            who = numbered(post.doubtful, "delivery", "deliveries")
            said = f"{who} of {issue.name} are in doubt since {at(facts, post.doubtful_since)}."
            yield Holds(
                Kind.DOUBT,
                str(issue.number),
                Severity.WARNING,
                said,
                "newsletter unknown list shows what closes a doubt.",
            )


def complaints(facts: Facts) -> Iterator[Holds]:
    """Spam reports, by the limits of the mailbox providers."""
    for issue, post in _posts(facts):
        number, got = post.rates.complained, post.rates.accepted
        if number >= LEAST_COMPLAINTS and 100_000 * number >= COMPLAINTS * got:
            said = f"{_rate(number, got)} reported {issue.name} as spam; mailbox providers want less than 0.1 %."
            severity = Severity.URGENT if 100_000 * number >= COMPLAINTS_URGENT * got else Severity.WARNING
            todo = (
                "Who complained is suppressed already. Ask where these readers came from before the next issue leaves."
            )
            yield Holds(Kind.COMPLAINTS, str(issue.number), severity, said, todo)


def unsubscribes(facts: Facts) -> Iterator[Holds]:
    """More people left than usual."""
    yield from _unusual(
        facts,
        "unsubscribed",
        LEFT,
        Kind.UNSUBSCRIBES,
        "left within a week of",
        "Read it as they did: what was different?",
    )


def bounces(facts: Facts) -> Iterator[Holds]:
    """More addresses bounced than usual."""
    todo = "newsletter doctor looks at domain and keys; a new import is the other usual reason."
    yield from _unusual(facts, "bounced", BOUNCES, Kind.BOUNCES, "could not be reached with", todo)


def _unusual(facts: Facts, what: str, limit: int, kind: Kind, did: str, todo: str) -> Iterator[Holds]:
    """Above the limit, and far above what is usual for this list, where that is known."""
    usual = getattr(facts.usual, what) if facts.usual else None
    for issue, post in _posts(facts):
        number, got = getattr(post.rates, what), post.rates.accepted
        per = 100_000 * number / got if got else 0
        if number >= LEAST and per >= max(limit, UNUSUAL * (usual or 0)):
            compared = f"; usual is {usual / 1000:.1f} %" if usual is not None else ""
            said = f"{_rate(number, got)} {did} {issue.name}{compared}."
            yield Holds(kind, str(issue.number), Severity.WARNING, said, todo)


def _stop(facts: Facts) -> str:
    return f"touch {facts.config.sending.stop_file} stops all sending."


def _rate(number: int, of: int) -> str:
    return f"{number:,} of {of:,} readers ({100 * number / max(1, of):.1f} %)"


def _posts(facts: Facts) -> Iterator[tuple[Watched, Post]]:
    yield from ((issue, issue.post) for issue in facts.issues if issue.post)
