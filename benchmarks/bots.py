"""An hour of sign-ups by a bot against the real server: `python benchmarks/bots.py 10000`.

Every sign-up comes from a network of its own, for an address at a domain of its own, with a form that was shown long
enough ago: no limit catches it but the one of all. Forms go over HTTP on this machine; the clock is moved by hand, so
that the hour takes as long as the requests do. Three post rooms' turns an hour would do; it gets sixty. `--check` fails
unless exactly as many confirmation mails left as `signup.in_all` allows in an hour, and as many rows were written.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlmodel import func, select

from newsletter.config import Config, Publication, SignUp, Web, templates_folder
from newsletter.database import engine_for
from newsletter.desk.desk import Desk
from newsletter.desk.post import deliver
from newsletter.mail.message import MessageBuilder
from newsletter.migrations import upgrade
from newsletter.providers.base import Answer, Capabilities, Outcome, OutgoingBatch, Receipt, all_alike
from newsletter.web.app import app, serving
from subscribers.tokens import Keys
from subscribers.wishes import Wish

SECRET = b"a secret for this bench, 32 bytes"
START = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)
ALLOWED, MINUTES, AT_ONCE = 100, 60, 20


@dataclass
class Counting:
    """A provider that takes everything and counts."""

    mails: int = 0

    @property
    def capabilities(self) -> Capabilities:
        """As an adapter says it."""
        return Capabilities("counting", batch_size=100)

    def fits(self, _builder: MessageBuilder) -> int:
        """As many as it says."""
        return 100

    def send(self, batch: OutgoingBatch) -> Answer:
        """One more for each recipient."""
        self.mails += len(batch.recipients)
        return Answer(all_alike(batch, Outcome.ACCEPTED))

    def look_up(self, _batch_key: str, _delivery_keys: Sequence[str]) -> Sequence[Receipt]:
        """It answers none."""
        return ()


@dataclass
class Hour:
    """A server, and a clock for it."""

    folder: Path
    provider: Counting = field(default_factory=Counting)
    now: datetime = START
    codes: Counter[int] = field(default_factory=Counter)

    def desk(self) -> Desk:
        """Its desk, over an empty database."""
        config = Config(
            publication=Publication(base_url="https://news.example.org", postal_address="1 Sample Street"),
            signup=SignUp(in_all=ALLOWED),
            web=Web(trusted_proxies=("127.0.0.1/32",)),
        )
        engine = engine_for(f"sqlite:///{self.folder / 'bots.db'}")
        upgrade(engine)
        return Desk(config, engine, SECRET, Keys(SECRET), self.provider, templates_folder(), lambda: self.now)

    async def run(self, desk: Desk, address: str, number: int) -> None:
        """The bot's hour: the same share in every minute, and after each the post room has its turn."""
        fresh = httpx.Limits(max_keepalive_connections=0)  # a kept one may be hung up on between two minutes
        ours = {"host": "news.example.org"}
        async with httpx.AsyncClient(base_url=address, headers=ours, timeout=60, limits=fresh) as bot:
            for minute in range(MINUTES):
                shown = (await bot.get("/subscribe")).text.partition('name="shown" value="')[2].partition('"')[0]
                self.now = START + timedelta(minutes=minute, seconds=30)
                mine = range(minute * number // MINUTES, (minute + 1) * number // MINUTES)
                for at in range(mine.start, mine.stop, AT_ONCE):
                    some = range(at, min(at + AT_ONCE, mine.stop))
                    self.codes.update(await asyncio.gather(*(_sign_up(bot, one, shown) for one in some)))
                await asyncio.to_thread(deliver, desk)


async def _sign_up(bot: httpx.AsyncClient, number: int, shown: str) -> int:
    from_ = {"x-forwarded-for": f"10.{number // 250 % 250}.{number % 250}.7"}
    fields = {"email": f"victim{number}@d{number}.example.org", "website": "", "shown": shown}
    return (await bot.post("/subscribe", data=fields, headers=from_)).status_code


def main() -> int:
    """Run the hour, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("number", type=int, nargs="?", default=10_000, help="sign-ups in the hour")
    parser.add_argument("--check", action="store_true", help="fail unless the limit held exactly")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        hour = Hour(Path(folder))
        desk, begun = hour.desk(), time.perf_counter()
        with serving(app(desk, {}), "127.0.0.1", 0) as address:
            asyncio.run(hour.run(desk, address, chosen.number))
        took = time.perf_counter() - begun
        with desk.reading() as session:
            rows = session.exec(select(func.count()).select_from(Wish)).one()
        desk.engine.dispose()
    print(
        f"{chosen.number:,} sign-ups by a bot in an hour: {hour.provider.mails} mails, {rows} rows, {took:.0f} s here"
    )
    print("answers: " + ", ".join(f"{number:,} × {code}" for code, number in sorted(hour.codes.items())))
    held = hour.provider.mails == rows == ALLOWED == hour.codes[200]
    return int(chosen.check and not held)


if __name__ == "__main__":
    sys.exit(main())
