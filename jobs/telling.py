"""Telling people what there is to tell: editors and operators by mail, chats and pagers by a signed webhook.

Each way is on its own: one that fails is tried again later and harms no other, so that an operator hears of a provider
that refuses everything by the webhook.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import select

from jobs.notices.ways import Due, Way, ways
from newsletter.desk.desk import Desk
from newsletter.desk.notices import Kind, Notice, Severity
from newsletter.desk.tellings import Telling, claim, done, due, failed, told_of
from newsletter.errors import NewsletterError
from newsletter.issues.wording import sentence
from newsletter.providers.poster import Poster

_WORST_FIRST = tuple(reversed(Severity))


def tell(desk: Desk, poster: Poster, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Tell by every way what is due; a sentence for each that begins to fail. Never raises for what a way does."""
    return [line for way in ways(desk, poster, environ) for line in _tell(desk, way)]


def try_ways(desk: Desk, poster: Poster, environ: Mapping[str, str] = os.environ) -> list[tuple[str, str]]:
    """Send a notice that nothing is wrong by every way, now: each way's name, and why it failed or nothing."""
    notice = _nothing_wrong(desk.clock())
    return [
        (way.name, _tried(way, [Due(notice, "opened", Telling(about=notice.key, way=way.name))]))
        for way in ways(desk, poster, environ)
    ]


def _nothing_wrong(now: datetime) -> Notice:
    """A notice that is not kept."""
    return Notice(
        key=f"{Kind.TRYING}:{now:%Y%m%d%H%M%S%f}",
        kind=Kind.TRYING,
        severity=Severity.INFO,
        sentence="This is only to see whether notices arrive: nothing is wrong.",
        todo="Nothing is to be done.",
        first_seen=now,
        last_seen=now,
    )


def _tell(desk: Desk, way: Way) -> list[str]:
    """What is left after a failure stays claimed for some minutes: a way that is gone is not called ten times."""
    mine = _claimed(desk, way)
    for some in [mine] if way.together and mine else [[one] for one in mine]:
        why = _tried(way, some)
        _note(desk, some, why)
        if why:
            is_news = any(one.told.trouble != why for one in some)
            said = f"Notices cannot be told by {way.name.partition(':')[0]}: {sentence(why)} It is tried again."
            return [said] if is_news else []
    return []


def _claimed(desk: Desk, way: Way) -> list[Due]:
    """What is due, worst first; nobody else tells it now."""
    now = desk.clock()
    with desk.transaction() as session:
        before = told_of(session, way.name)
        found = []
        for notice in session.exec(select(Notice)):
            what = due(notice, before.get(notice.key), now, also_over=way.also_over)
            if notice.kind in way.kinds and what and (told := claim(session, notice.key, way.name, now)):
                found.append(Due(notice, what, told))
    return sorted(found, key=_rank)


def _rank(one: Due) -> tuple[int, datetime, str]:
    return _WORST_FIRST.index(one.notice.severity), one.notice.first_seen, one.notice.key


def _tried(way: Way, some: Sequence[Due]) -> str:
    try:
        return way.tell(some)
    except NewsletterError as error:
        return str(error)


def _note(desk: Desk, some: Sequence[Due], why: str) -> None:
    with desk.transaction() as session:
        for one in some:
            if why:
                failed(session, one.told, desk.clock(), why)
            else:
                done(session, one.told, desk.clock(), over=one.what == "resolved")
