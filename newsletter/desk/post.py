"""The post room: what follows from sign-ups, and single mails to one person, through the provider.

A letter is claimed and committed before it is handed over, so that a crash can lose one and never doubles one. While
the stop file exists nothing leaves. What the provider certainly did not take is tried again, later each time.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from sqlmodel import Session

from newsletter.delivery.progress import on_its_way
from newsletter.desk.desk import Desk
from newsletter.desk.editions import rendered
from newsletter.desk.sending import stopped_by
from newsletter.desk.sunset import BACK_FOR
from newsletter.errors import NewsletterError
from newsletter.issues.issue import Issue, IssueStatus, issues
from newsletter.mail.letters import letter
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.providers.base import Answer, Outcome, OutgoingBatch
from subscribers import letters
from subscribers.letters import About, Letter, Post
from subscribers.subscriber import Subscriber
from subscribers.tokens import CONFIRM_DAYS, Purpose, sign
from subscribers.wishes import any_wish, grant

SOONEST, LATEST = timedelta(minutes=1), timedelta(hours=1)  #: until a letter that was not taken is tried again
WENT_OUT = (IssueStatus.SENT, IssueStatus.PARTIAL)
POSTS = {Outcome.ACCEPTED: Post.ACCEPTED, Outcome.REFUSED: Post.REFUSED, Outcome.UNKNOWN: Post.HANDED}


def deliver(desk: Desk, stop: Callable[[], bool] = lambda: False) -> list[str]:
    """Deal with the sign-ups that wait, and hand over the letters that are due: sentences that are news."""
    if not _anything(desk):
        return []
    with desk.transaction() as session:
        while grant(session, secret=desk.secret, now=desk.clock()):
            pass
    while not stop() and not stopped_by(desk):
        with desk.transaction() as session:
            claimed = letters.claim(session, desk.clock(), desk.config.signup.in_all)
        if claimed is None:
            return []
        if later := _hand_over(desk, *claimed):
            return [f"A {claimed[0].about} letter was not taken, it is tried again later: {later}"]
    return []


def _anything(desk: Desk) -> bool:
    with desk.reading() as session:
        return any_wish(session) or letters.waiting(session, desk.clock())


def _hand_over(desk: Desk, claimed: Letter, whom: Subscriber) -> str:
    """Hand this letter over and write down how that went; why it has to wait, where it has to."""
    try:
        builder, recipient = _written(desk, claimed, whom)
        answer = desk.provider.send(OutgoingBatch(f"{recipient.key}-{claimed.tries}", 1, builder, [recipient]))
    except NewsletterError:
        _settle(desk, claimed, Post.WAITING, 0)  # no key, no template: said by whoever called, and tried again
        raise
    outcome, reason = _outcome(answer)
    _settle(desk, claimed, POSTS.get(outcome, Post.WAITING), answer.wait)
    return (reason or "it did not say why") if outcome is Outcome.RETRY else ""


def _outcome(answer: Answer) -> tuple[Outcome, str]:
    """What became of the one recipient; unknown where the provider does not say."""
    receipts = list(answer.receipts)
    return (receipts[0].outcome, receipts[0].reason) if len(receipts) == 1 else (Outcome.UNKNOWN, "")


def _settle(desk: Desk, claimed: Letter, post: Post, wait: float) -> None:
    again = max(timedelta(seconds=wait), min(SOONEST * 2 ** min(claimed.tries - 1, 10), LATEST))
    with desk.transaction() as session:
        letters.settle(session, claimed.id or 0, post, desk.clock() + again)


def _written(desk: Desk, claimed: Letter, whom: Subscriber) -> tuple[MessageBuilder, Recipient]:
    """The letter as a message, and for whom."""
    key = f"{claimed.about}-{claimed.id}-{whom.ref}"
    if claimed.about is About.WELCOME and (newest := _newest_issue(desk, whom)):
        builder, recipient = newest
        return builder, replace(recipient, key=key)
    words = letter(claimed.about, desk.config.publication, templates=desk.templates, days=_days(desk, claimed.about))
    return MessageBuilder(words, date=desk.clock()), Recipient(whom.address or "", key, _links(desk, claimed, whom))


def _links(desk: Desk, claimed: Letter, whom: Subscriber) -> dict[str, str]:
    """The links of a letter: what it is about, and the way out of it."""
    base, keys = desk.config.publication.base_url, desk.keys
    if claimed.about is not About.CONFIRM:
        out = {"unsubscribe": f"{base}/u/{sign(keys, Purpose.UNSUBSCRIBE, whom.ref)}"}
        return {"view": f"{base}/stay/{_stay(desk, whom)}", **out} if claimed.about is About.STAY else out
    yes = sign(keys, Purpose.CONFIRM, whom.ref, expires=desk.clock() + CONFIRM_DAYS)
    return {
        "view": f"{base}/confirm/{yes}",
        "unsubscribe": f"{base}/never/{sign(keys, Purpose.NEVER, whom.ref)}",
    }


def _stay(desk: Desk, whom: Subscriber) -> str:
    """The token with which they say that they still want it, or come back when it is too late."""
    until = desk.clock() + timedelta(days=desk.config.sunset.answer_days) + BACK_FOR
    return sign(desk.keys, Purpose.STAY, whom.ref, expires=until)


def _days(desk: Desk, about: About) -> int:
    return desk.config.sunset.answer_days if about is About.STAY else CONFIRM_DAYS.days


def _newest_issue(desk: Desk, whom: Subscriber) -> tuple[MessageBuilder, Recipient] | None:
    """The newest issue that went out, as this reader would have got it. None while one is on its way, or before any."""
    with desk.reading() as session:
        issue = _went_out(desk, session)
        if issue is None:
            return None
        final = rendered(desk, session, issue)
    welcome = replace(final, subject=f"Welcome: {final.subject}")
    recipient = desk.addressing(issue, final.sender.base_url).recipient(whom)
    return MessageBuilder(welcome, date=desk.clock()), recipient


def _went_out(desk: Desk, session: Session) -> Issue | None:
    if on_its_way(session):
        return None  # they may still be among those who get that one
    mine = issues(session, desk.config.publication.slug)
    return next((issue for issue in mine if issue.status in WENT_OUT), None)
