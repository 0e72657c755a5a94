"""A week of made-up comparisons and a made-up list, for the demo and the tests.

`pages` is what the site shows in the week SAMPLE_WEEK, `before` what it showed the week before (readers had those two;
one of them has changed its verdict since, the other stands unchanged in `pages`). One page is HTML and one is the
text of a reader view; the rest is full text. Every tool, person and sentence is invented.
"""

from pathlib import Path

SAMPLE_WEEK = "2026-W46"  #: the ISO week in which everything in PAGES is current
FOLDER = Path(__file__).parent
PAGES = FOLDER / "pages"
BEFORE = FOLDER / "before"
SUBSCRIBERS = FOLDER / "subscribers.csv"  #: email, name, status, confirmed_at, source, paused_until
VOTES = FOLDER / "votes.csv"  #: comparison, tool, ship, skip: how many readers voted on what they had the week before
SUPPRESSIONS = FOLDER / "suppressions.csv"  #: address, reason; one of them is active in SUBSCRIBERS
