"""The post room: what follows from sign-ups, and single mails to one person, through the provider.

A letter is claimed and committed before it is handed over, so that a crash can lose one and never doubles one. While
the stop file exists nothing leaves. What the provider certainly did not take is tried again, later each time.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.delivery.progress import on_its_way
from newsletter.desk.desk import Desk
from newsletter.desk.editions import copies
from newsletter.desk.leaving_by_mail import key_of
from newsletter.desk.sending import stopped_by
from newsletter.desk.single import hand_over
from newsletter.desk.sunset import BACK_FOR
from newsletter.desk.watching import is_keen
from newsletter.errors import NewsletterError
from newsletter.issues.issue import Issue, IssueStatus, issues
from newsletter.mail.letters import letter
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.providers.base import Answer, Outcome, OutgoingBatch
from subscribers import letters
from subscribers.address_change import AddressChange
from subscribers.letters import DAY, WORKS_FOR, About, Letter, Post
from subscribers.links import link_name
from subscribers.preferences import choice_of
from subscribers.subscriber import Subscriber
from subscribers.tokens import Purpose, sign
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
            errand = _errand(session, *claimed) if claimed else None
        if errand is None:
            return []
        if later := _hand_over(desk, errand):
            return [f"A {errand.letter.about} letter was not taken, it is tried again later: {later}"]
    return []


@dataclass(frozen=True, slots=True)
class Errand:
    """A letter that is handed over now."""

    letter: Letter
    whom: Subscriber
    to: str  #: the address that it was made for
    change: AddressChange | None  #: of address, that it is about


def _errand(session: Session, letter: Letter, whom: Subscriber) -> Errand:
    change = session.get_one(AddressChange, letter.change_id) if letter.change_id else None
    return Errand(letter, whom, letters.bound_for(session, letter, whom) or "", change)


def _anything(desk: Desk) -> bool:
    with desk.reading() as session:
        return any_wish(session) or letters.waiting(session, desk.clock())


def _hand_over(desk: Desk, errand: Errand) -> str:
    """Hand this letter over and write down how that went; why it has to wait, where it has to."""
    claimed = errand.letter
    try:
        builder, recipient = _written(desk, errand)
        answer = hand_over(desk, OutgoingBatch(f"{recipient.key}-{claimed.tries}", 1, builder, [recipient]))
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


def _written(desk: Desk, errand: Errand) -> tuple[MessageBuilder, Recipient]:
    """The letter as a message, and for whom."""
    claimed, whom = errand.letter, errand.whom
    key = key_of(claimed, whom, errand.change)
    if claimed.about is About.WELCOME and (newest := _newest_issue(desk, whom)):
        builder, recipient = newest
        return builder, replace(recipient, key=key)
    words = letter(claimed.about, desk.config.publication, templates=desk.templates, days=_days(desk, errand))
    return MessageBuilder(words, date=desk.clock()), Recipient(errand.to, key, _links(desk, errand))


def _links(desk: Desk, errand: Errand) -> dict[str, str]:
    """The links of a letter: what it is about, and the way out of it."""
    base, keys = desk.config.publication.base_url, desk.keys
    about, change = errand.letter.about, errand.change
    # The mailbox before a change gets a way out and nothing else: the first set of links has ended by then.
    name = errand.whom.ref if about is About.OLD_ADDRESS else link_name(errand.whom)
    leave = f"{base}/u/{sign(keys, Purpose.UNSUBSCRIBE, name)}"
    if about is About.STAY:
        stay = sign(keys, Purpose.STAY, name, expires=_closes(desk, errand) + BACK_FOR)  # too late, it brings them back
        return {"view": f"{base}/stay/{stay}", "unsubscribe": leave}
    if about is About.CONFIRM:
        yes = sign(keys, Purpose.CONFIRM, name, expires=_closes(desk, errand))
        return {"view": f"{base}/confirm/{yes}", "unsubscribe": f"{base}/never/{sign(keys, Purpose.NEVER, name)}"}
    if about is About.ALREADY:
        return {"view": f"{base}/preferences/{sign(keys, Purpose.PREFERENCES, name)}", "unsubscribe": leave}
    if change is None:
        return {"unsubscribe": leave}
    if about is About.NEW_ADDRESS:
        yes = sign(keys, Purpose.ADDRESS, change.ref, expires=_closes(desk, errand))
        no = sign(keys, Purpose.ADDRESS_NO, change.ref)
        return {"view": f"{base}/address/{yes}", "unsubscribe": f"{base}/address-no/{no}"}
    back = sign(keys, Purpose.ADDRESS_BACK, change.ref, expires=_closes(desk, errand))
    return {"view": f"{base}/address-back/{back}", "unsubscribe": leave}


def _closes(desk: Desk, errand: Errand) -> datetime:
    """The last moment of what a letter asks for. A change of address does not wait for a letter that is late."""
    about, change, now = errand.letter.about, errand.change, desk.clock()
    if about is About.STAY:
        return now + timedelta(days=desk.config.sunset.answer_days)
    begun = {About.NEW_ADDRESS: change and change.made_at, About.OLD_ADDRESS: change and change.changed_at}
    return (begun.get(about) or now) + WORKS_FOR.get(about, timedelta())


def _days(desk: Desk, errand: Errand) -> int:
    """How many days that is from now on, to the nearest; 0 where a letter asks for nothing."""
    return round((_closes(desk, errand) - desk.clock()) / DAY)


def _newest_issue(desk: Desk, whom: Subscriber) -> tuple[MessageBuilder, Recipient] | None:
    """The newest issue that went out, as this reader would have got it, who may have come back with what they chose.

    None while one is on its way, before any, and where nothing of it is for them.
    """
    with desk.reading() as session:
        issue = _went_out(desk, session)
        if issue is None:
            return None
        found, more = copies(desk, session, issue), is_keen(session, issue, whom)
        part = found.manifest.part_for(choice_of(whom), changes_too=more)
        if part is None:
            return None
        final = found.rendered(part)
    welcome = replace(final, subject=f"Welcome: {final.subject}")
    recipient = desk.addressing(issue, final.sender.base_url).recipient(whom, part)
    return MessageBuilder(welcome, date=desk.clock()), recipient


def _went_out(desk: Desk, session: Session) -> Issue | None:
    if on_its_way(session):
        return None  # they may still be among those who get that one
    mine = issues(session, desk.config.publication.slug)
    return next((issue for issue in mine if issue.status in WENT_OUT), None)
