"""One reader changes so many things in an hour, by whatever link; some things nobody is ever refused.

Driven by the table of routes: an address that is added is held, or says in pacing.FREE why it is not.
"""

from datetime import timedelta

from desk_samples import Place
from readers_web import dump, open_web, token

from newsletter.web.pacing import FREE, MOST, Pace
from newsletter.web.routes import PLACES
from subscribers.tokens import Purpose

POSTED = [place for place in PLACES if "POST" in place.methods]
HELD = [place for place in POSTED if place.path not in FREE]
BY_TOKEN = [place for place in POSTED if place.purpose]
REFUSED = 429


def test_whatever_can_be_posted_is_held_or_says_why_not() -> None:
    """Only a token says whose act it is; and nothing is excused that there is not."""
    assert [place.path for place in HELD if not place.purpose] == []
    assert set(FREE) <= {place.path for place in POSTED}
    assert all(FREE.values())


def test_whoever_goes_on_and_on_is_refused_and_never_where_they_say_no(here: Place) -> None:
    """With a pace of one act an hour; what is refused writes nothing, and what is not has nothing more to write."""
    paths = {
        place.path: place.path.replace("{token}", token(here, place.purpose)) for place in BY_TOKEN if place.purpose
    }
    refused, wrote = set(), set()
    with open_web(here, pace=Pace(most=1)) as web:
        for place, path in paths.items():
            web.post(path)
            before = dump(here)
            refused |= {place} if web.post(path).status_code == REFUSED else set()
            wrote |= {place} if dump(here) != before else set()

    assert refused == set(paths) - set(FREE)
    assert refused & {"/u/{token}", "/never/{token}", "/address-no/{token}", "/erase/{token}"} == set()
    assert wrote == set()


def test_all_acts_of_a_reader_count_together(here: Place) -> None:
    """One of each kind, then a page that says so; another reader is not held up."""
    paths = {f"/vote/{token(here, Purpose.VOTE)}", f"/bookmarks/{token(here, Purpose.BOOKMARKS)}"}
    zone = f"/preferences/{token(here, Purpose.PREFERENCES)}/zone"
    with open_web(here, pace=Pace(most=2)) as web:
        assert REFUSED not in {web.post(path).status_code for path in paths}
        refused = web.post(zone, data={"zone": "Asia/Tokyo"})
        other = web.post(f"/bookmarks/{token(here, Purpose.BOOKMARKS, 'pia')}")

    assert (refused.status_code, refused.headers["retry-after"], other.status_code) == (REFUSED, "3600", 200)
    assert "This was not kept" in refused.text


def test_the_limit_is_sixty_acts_in_any_hour(here: Place) -> None:
    """The oldest of them makes room when it is an hour old; who asks meanwhile waits no longer for it."""
    pace, now = Pace(), here.clock()
    began = [pace.allows("ada", now + timedelta(seconds=number)) for number in range(MOST)]

    assert began == [True] * 60
    hour = [now + timedelta(minutes=60, seconds=late) for late in (-1, 0, 0, 1)]
    assert [pace.allows("ada", moment) for moment in hour] == [False, True, False, True]


def test_a_token_that_opens_nothing_is_not_remembered(here: Place) -> None:
    """Whoever makes tokens up fills no memory, and takes nothing from whom they name."""
    pace = Pace()
    with open_web(here, pace=pace) as web:
        assert web.post(f"/vote/{token(here, Purpose.VOTE)[:-1]}0").status_code == 404
        assert web.post(f"/vote/{token(here, Purpose.BOOKMARKS)}").status_code == 404

    assert len(pace._acts) == 0


def test_looking_does_not_count(here: Place) -> None:
    """Scanners fetch every link, and its reader must not pay for it."""
    with open_web(here, pace=Pace(most=1)) as web:
        path = f"/vote/{token(here, Purpose.VOTE)}"
        assert [web.request(method, path).status_code for method in ("GET", "HEAD", "GET", "POST")] == [200] * 4


def test_the_memory_of_the_limit_has_an_end_and_whoever_was_quiet_longest_is_forgotten(here: Place) -> None:
    """Whoever goes on is known for as long as they do, also while they are refused."""
    pace, now = Pace(most=1, room=3), here.clock()
    for who in ("ada", "ben", "ada", "dov", "eve"):
        pace.allows(who, now)

    assert list(pace._acts) == ["ada", "dov", "eve"]
    assert [pace.allows(who, now) for who in ("ada", "ben")] == [False, True]
