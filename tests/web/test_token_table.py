"""Every token at every address: the right one opens it, and nothing else does (security reference, S-45, S-47).

Driven by the table of routes: an address that is added is in it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from desk_samples import Place
from people import SECRET
from readers_web import OF_A_CHANGE, dump, open_web, readdress, token

from newsletter.web.routes import PLACES
from newsletter.web.routes import Place as Route
from subscribers.tokens import MAC, Keys, Purpose, sign

WITH_TOKEN = [place for place in PLACES if place.purpose]
#: Whoever comes too late to confirm may ask for a new link, by the old one; nothing else comes of it.
ALSO_LATE = ("/confirm/{token}/again",)
NEWER = b"the newest secret, also 32 bytes!"
OTHER = Keys(b"another secret, also 32 bytes long")
NOT_OPENED = {404, 405}
ENDED = "This link has ended"


def asked(web: httpx.Client, place: Route, token_: str) -> set[int]:
    """What its methods answer to this token."""
    path = place.path.replace("{token}", token_)
    return {web.request(method, path).status_code for method in place.methods}


def expired(here: Place, purpose: Purpose) -> str:
    """The right token, whose time was over a second ago."""
    ref = token(here, purpose).split("-")[1]
    return sign(here.desk.keys, purpose, ref, expires=here.clock() - timedelta(seconds=1))


def swapped(here: Place, purpose: Purpose) -> str:
    """Pia's name under the seal of somebody else's token."""
    pia = sign(here.desk.keys, purpose, token(here, Purpose.PREFERENCES, "pia").split("-")[1])
    return pia[:-MAC] + token(here, purpose)[-MAC:]


def for_ever(here: Place, purpose: Purpose) -> str:
    """A token with an expiry, from which somebody took it."""
    key_id, ref, _, mac = expired(here, purpose).split("-")
    return f"{key_id}-{ref}-0-{mac}"


WRONG: dict[str, Callable[[Place, Purpose], str]] = {
    "of another's key": lambda here, purpose: token(here, purpose, keys=OTHER),
    "with our key's id on another's seal": lambda here, purpose: (
        here.desk.keys.signing + token(here, purpose, keys=OTHER)[6:]
    ),
    "cut by one": lambda here, purpose: token(here, purpose)[:-1],
    "cut to half": lambda here, purpose: token(here, purpose)[: len(token(here, purpose)) // 2],
    "without its seal": lambda here, purpose: token(here, purpose)[: -MAC - 1],
    "with something behind it": lambda here, purpose: token(here, purpose) + "0",
    "in capitals": lambda here, purpose: token(here, purpose).upper(),
    "twice": lambda here, purpose: token(here, purpose) * 2,
    "with a blank": lambda here, purpose: token(here, purpose) + "%20",
    "with a line end": lambda here, purpose: token(here, purpose) + "%0a",
    "with a nought byte": lambda here, purpose: token(here, purpose) + "%00",
    "under another's name": swapped,
    "expired, and made to last": for_ever,
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_token_opens_no_address(web: httpx.Client, here: Place, how: str) -> None:
    """By no method of the address: 404, and the database is the same to the last byte."""
    paths = [(place, WRONG[how](here, place.purpose)) for place in WITH_TOKEN if place.purpose]
    before = dump(here)
    opened = {place.path: codes for place, wrong in paths if (codes := asked(web, place, wrong)) - NOT_OPENED}

    assert opened == {}
    assert dump(here) == before


def test_no_other_purpose_opens_an_address(web: httpx.Client, here: Place) -> None:
    """Every purpose at every route by every method: only the diagonal works."""
    made = {purpose: token(here, purpose) for purpose in Purpose}
    before = dump(here)
    others = [(place, purpose) for place in WITH_TOKEN for purpose in Purpose if purpose is not place.purpose]

    assert [(place.path, purpose) for place, purpose in others if asked(web, place, made[purpose]) - NOT_OPENED] == []
    assert dump(here) == before


@pytest.mark.parametrize("place", WITH_TOKEN, ids=lambda place: place.path)
def test_the_right_purpose_opens_its_address(web: httpx.Client, here: Place, place: Route) -> None:
    """Otherwise the table above would prove nothing."""
    path = place.path.replace("{token}", token(here, place.purpose)) if place.purpose else ""
    method = "GET" if "GET" in place.methods else "POST"

    assert web.request(method, path).status_code not in NOT_OPENED


def test_a_token_of_an_older_set_opens_nothing_but_leaving(web: httpx.Client, here: Place) -> None:
    """From before a change of address: every method of every other address says that it has ended, and does nothing."""
    closed = [place for place in WITH_TOKEN if place.purpose not in (*OF_A_CHANGE, Purpose.UNSUBSCRIBE)]
    old = [(place, place.path.replace("{token}", token(here, place.purpose or Purpose.FORM))) for place in closed]
    readdress(here)
    before, form = dump(here), {"POST": {"zone": ""}}
    ways = [(method, path) for place, path in old for method in place.methods]

    assert [way for way in ways if ENDED not in web.request(*way, data=form.get(way[0])).text] == []
    assert dump(here) == before


def test_an_expired_token_opens_no_address(web: httpx.Client, here: Place) -> None:
    """Also where tokens of that purpose never expire; but for the way to a new link."""
    paths = [(place, expired(here, place.purpose)) for place in WITH_TOKEN if place.purpose]
    before = dump(here)

    assert {place.path for place, late in paths if asked(web, place, late) - NOT_OPENED} == set(ALSO_LATE)
    assert [line for line in dump(here) if line not in before] == []


def test_links_in_old_mails_outlive_a_new_key_and_not_a_withdrawn_one(here: Place) -> None:
    """The old key verifies beside the new one; withdrawn, it opens nothing anywhere (S-47)."""
    shown = [place for place in WITH_TOKEN if "GET" in place.methods]
    old = {place.path: token(here, place.purpose) for place in shown if place.purpose}
    codes = {}
    for name, keys in {"both": Keys(NEWER, SECRET), "new": Keys(NEWER)}.items():
        with open_web(replace(here, desk=replace(here.desk, keys=keys))) as web:
            codes[name] = {web.get(path.replace("{token}", one)).status_code for path, one in old.items()}

    assert 404 not in codes["both"]
    assert codes["new"] == {404}
