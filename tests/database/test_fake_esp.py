"""The dispatcher against a provider that misbehaves: how many calls, what it really took, what the ledger says."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import NamedTuple

import pytest
from delivery_samples import dispatcher_for_ten, state_of
from fake_adapter import FakeEspProvider
from fake_esp import FakeEsp
from json_samples import full, personalized
from sqlalchemy import Engine

from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.flight import Ending
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.providers.lean import LeanPoster
from newsletter.providers.poster import Limits, Poster

ISSUE = 1
LIMITS = Limits(whole=1.0, connect=0.5, connections=2)
Way = Callable[[FakeEsp], AbstractContextManager[tuple[Poster, str]]]


@contextmanager
def in_memory(esp: FakeEsp) -> Iterator[tuple[Poster, str]]:
    """No socket at all."""
    yield esp, esp.url


@contextmanager
def by_httpx(esp: FakeEsp) -> Iterator[tuple[Poster, str]]:
    """Over the loopback."""
    with esp.serving() as server:
        poster = HttpxPoster(LIMITS)
        yield poster, server.url
        poster.close()


@contextmanager
def by_sockets(esp: FakeEsp) -> Iterator[tuple[Poster, str]]:
    """Over the loopback."""
    with esp.serving() as server:
        poster = LeanPoster(LIMITS)
        yield poster, server.url
        poster.close()


@pytest.fixture(params=[in_memory, by_httpx, by_sockets])
def way(request: pytest.FixtureRequest) -> Way:
    """How the calls travel; it makes no difference."""
    way: Way = request.param
    return way


class Story(NamedTuple):
    """Ten people, four in a call: what the first call does, and what comes of it."""

    dial: str
    posts: int  #: calls in all
    ending: Ending
    ledger: tuple[int, int, int]  #: accepted, refused, unknown; the rest is still to do
    mailed: int  #: people that the provider really mailed
    keyed: tuple[int, int, int] = (10, 0, 0)  #: the ledger where the provider honours keys
    keyed_posts: int = 4


STORIES = [
    Story("accept", 3, Ending.DONE, (10, 0, 0), 10, keyed_posts=3),
    Story("slow", 3, Ending.DONE, (10, 0, 0), 10, keyed_posts=3),
    Story("429", 4, Ending.DONE, (10, 0, 0), 10),
    Story("429, wait", 4, Ending.DONE, (10, 0, 0), 10),
    Story("429, wait for ever", 4, Ending.DONE, (10, 0, 0), 10),
    Story("429, wait until then", 4, Ending.DONE, (10, 0, 0), 10),
    Story("500", 3, Ending.DONE, (6, 0, 4), 6),
    Story("503", 3, Ending.DONE, (6, 0, 4), 6),
    Story("reset", 3, Ending.DONE, (6, 0, 4), 6),
    Story("error inside a 200", 3, Ending.DONE, (6, 0, 4), 6),
    Story("take, then reset", 3, Ending.DONE, (6, 0, 4), 10),
    Story("take, then 500", 3, Ending.DONE, (6, 0, 4), 10),
    Story("take, then nonsense", 3, Ending.DONE, (6, 0, 4), 10),
    Story("take, name half", 3, Ending.DONE, (8, 0, 2), 10, keyed=(8, 0, 2), keyed_posts=3),
    Story("take late", 3, Ending.DONE, (6, 0, 4), 10),
    Story("take all but one", 3, Ending.DONE, (9, 1, 0), 9, keyed=(9, 1, 0), keyed_posts=3),
    Story("400", 5, Ending.DONE, (10, 0, 0), 10, keyed_posts=5),
    Story("401", 1, Ending.HALTED, (0, 0, 0), 0, keyed=(0, 0, 0), keyed_posts=1),
]


def run(engine: Engine, way: Way, esp: FakeEsp, **rest: object) -> tuple[Ending, Dispatcher]:
    """One run of the dispatcher over this way."""
    with way(esp) as (poster, url):
        provider = FakeEspProvider(poster, url, esp.remembers, **rest)  # type: ignore[arg-type]
        dispatcher = replace(dispatcher_for_ten(engine), provider=provider)
        ending, _ = dispatcher.run(ISSUE)
    esp.catch_up()
    return ending, dispatcher


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.dial)
def test_without_keys_nothing_that_may_have_been_taken_is_sent_again(engine: Engine, way: Way, story: Story) -> None:
    """Calls, mails and ledger are as the table says; nobody gets two."""
    esp = FakeEsp(dials=[story.dial])

    ending, dispatcher = run(engine, way, esp)

    state = state_of(dispatcher)
    assert (ending, len(esp.posts)) == (story.ending, story.posts)
    assert (state.accepted, state.refused, state.unknown) == story.ledger
    assert (len(esp.accepted), max(esp.accepted.values(), default=1)) == (story.mailed, 1)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.dial)
def test_with_keys_a_doubt_is_settled_by_asking_again(engine: Engine, story: Story) -> None:
    """The same key again is answered and not mailed again."""
    esp = FakeEsp(dials=[story.dial], remembers=True)

    _, dispatcher = run(engine, in_memory, esp)

    state = state_of(dispatcher)
    assert (state.accepted, state.refused, state.unknown) == story.keyed
    assert len(esp.posts) == story.keyed_posts
    assert max(esp.accepted.values(), default=1) == 1


@pytest.mark.parametrize(("dial", "posts"), [("take, then reset", 3), ("reset", 4)])
def test_with_look_ups_a_doubt_is_settled_by_asking(engine: Engine, way: Way, dial: str, posts: int) -> None:
    """What is there is not sent again; what is not, is."""
    esp = FakeEsp(dials=[dial])

    ending, dispatcher = run(engine, way, esp, answers_look_ups=True)

    assert (ending, len(esp.posts)) == (Ending.DONE, posts)
    assert state_of(dispatcher).accepted == 10
    assert list(esp.accepted.values()) == [1] * 10


def test_a_provider_that_cannot_be_reached_is_tried_again(engine: Engine) -> None:
    """Nothing was sent, so nothing is in doubt."""
    esp = FakeEsp(dials=["unreachable", "unreachable"])

    ending, dispatcher = run(engine, in_memory, esp)

    assert (ending, len(esp.posts)) == (Ending.DONE, 5)
    assert state_of(dispatcher).accepted == 10


@pytest.mark.parametrize("style", [personalized, full])
def test_both_styles_reach_everybody(engine: Engine, way: Way, style: object) -> None:
    """One body with values, or one full message each."""
    esp = FakeEsp()

    run(engine, way, esp, style=style)

    assert list(esp.accepted.values()) == [1] * 10


def test_a_key_is_known_only_once_the_whole_body_was_taken(engine: Engine) -> None:
    """Else a call that was cut would be answered for ever, and its people lost (dispatch reference, section 2)."""
    esp = FakeEsp(dials=["reset"], remembers=True)

    run(engine, in_memory, esp)

    assert esp.posts == ["reset", "accept", "accept", "accept"]
    assert list(esp.accepted.values()) == [1] * 10
