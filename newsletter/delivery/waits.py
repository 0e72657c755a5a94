"""How long a provider wants to be left alone: kept beside the ledger, so that the next run knows it too.

One row for each provider's account, for what it asks of one call holds for all. What it asked for is written in the
transaction that records its answer; a row whose time is over is not looked at any more.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Field, Session, SQLModel, col, select

from newsletter.delivery.lasting import RECORD_WAIT


class ProviderWait(SQLModel, table=True):
    """Until when a provider takes nothing, as it said itself."""

    __tablename__ = "provider_wait"

    provider: str = Field(primary_key=True)  #: as in the ledger: its name, and which account
    asked_at: datetime
    until: datetime
    reason: str = ""  #: its own words


@dataclass(frozen=True, slots=True)
class Wait:
    """What a sending waits for, now."""

    until: datetime  #: aware
    seconds: float  #: from now until then
    why: str  #: in a few words, after a colon: "the provider asked for it"
    reason: str = ""  #: what the provider said, where it said something


def unwritten(now: datetime, error: str, tries_left: int) -> Wait:
    """The wait before what came back is written down again; it is said for how long that is tried."""
    why = f"what came back cannot be written down, tried for {tries_left * RECORD_WAIT:.0f} seconds more"
    return Wait(now + timedelta(seconds=RECORD_WAIT), RECORD_WAIT, why, error)


def keep(session: Session, provider: str, seconds: float, now: datetime, reason: str) -> None:
    """Write down that this provider wants to be left alone for so many seconds; a longer wait that runs stays."""
    until, found = now + timedelta(seconds=seconds), session.get(ProviderWait, provider)
    if found is not None and left(found, now) >= seconds:
        return
    session.merge(ProviderWait(provider=provider, asked_at=now, until=until, reason=reason))
    session.flush()


def left(wait: ProviderWait, now: datetime) -> float:
    """Seconds that are left of it, 0 where it is over; never more than was asked for, whatever the clock does."""
    return max(0.0, min(wait.until - now, wait.until - wait.asked_at).total_seconds())


def longest(session: Session, providers: Collection[str], now: datetime) -> ProviderWait | None:
    """The wait of these providers that ends last; None where none is running."""
    mine = col(ProviderWait.provider).in_(list(providers))
    running = [one for one in session.exec(select(ProviderWait).where(mine)) if left(one, now) > 0]
    return max(running, key=lambda one: left(one, now), default=None)


def running(session: Session, names: Collection[str], now: datetime) -> ProviderWait | None:
    """The same by the plain names of providers, whichever their account: for who looks and has no key."""
    found = {one.provider for one in session.exec(select(ProviderWait))}
    return longest(session, [one for one in found if one.partition(":")[0] in names], now)
