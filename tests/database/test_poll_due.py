"""When providers are asked by themselves, and what is said of it where nobody watches."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from desk_samples import Clock
from fake_events import FakeMailgun
from people import NOW, SECRET
from sqlalchemy import Engine

from jobs.polling import poll_due, story
from newsletter.config import Config, Events, ProviderChoice, templates_folder
from newsletter.delivery.poll_keeping import Kept
from newsletter.delivery.polling import Told
from newsletter.desk.desk import Desk
from newsletter.desk.polling import last_poll, next_poll, polled
from subscribers.tokens import Keys

HOOK = {"NEWSLETTER_MAILGUN_HOOK_SECRETS": "secret"}


def config(name: str = "mailgun", minutes: int | None = None, **choice: str) -> Config:
    """Settings with this provider."""
    return Config(provider=ProviderChoice(name=name, **choice), events=Events(poll_minutes=minutes))


@pytest.mark.parametrize(
    ("minutes", "environ", "every"),
    [(None, {}, 15), (None, HOOK, 0), (0, {}, 0), (5, {}, 5), (5, HOOK, 5)],
    ids=["nothing-set", "hook", "off", "set", "set-beside-hook"],
)
def test_a_provider_without_a_webhook_is_asked_unless_it_is_set(
    minutes: int | None, environ: dict[str, str], every: int
) -> None:
    """A number holds for all of them."""
    assert [one.minutes for one in polled(config(minutes=minutes), environ)] == [every]


@pytest.mark.parametrize("name", ["outbox", "smtp"])
def test_who_cannot_be_asked_is_not(name: str) -> None:
    """Nothing is asked of a folder or a mail server."""
    assert polled(config(name), {}) == []


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMailgun]:
    """Mailgun on this machine; its key is in the environment."""
    monkeypatch.setenv("NEWSLETTER_MAILGUN_KEY", "secret-key")
    made = FakeMailgun()
    with made.serving() as server:
        made.base = server.url.removesuffix("/send")
        yield made


def desk_of(engine: Engine, fake: FakeMailgun, clock: Clock) -> Desk:
    """A desk whose provider is the fake. It sends nothing."""
    settings = config(address=fake.base)
    nobody: object = None
    return Desk(settings, engine, SECRET, Keys(SECRET), nobody, templates_folder(), clock)  # type: ignore[arg-type]


def test_it_is_asked_at_once_and_then_when_its_time_has_come(engine: Engine, fake: FakeMailgun) -> None:
    """Not at every tick."""
    clock = Clock()
    desk = desk_of(engine, fake, clock)
    asked = []
    for minutes in (0, 14, 1):
        clock.forward(minutes=minutes)
        poll_due(desk)
        asked.append(len(fake.asked))

    assert asked == [1, 1, 2]


def test_trouble_is_said_once_and_the_end_of_it_changes_what_is_known(engine: Engine, fake: FakeMailgun) -> None:
    """Three polls with the same trouble are one line."""
    clock = Clock()
    desk = desk_of(engine, fake, clock)
    (one,) = polled(desk.config)
    fake.dials = ["500"] * 3
    lines = []
    for _ in range(4):
        lines += poll_due(desk)
        clock.forward(minutes=15)

    assert lines == [
        "mailgun: Mailgun answered 500 when it was asked for events. Nothing is lost; it goes on next time."
    ]
    known = last_poll(desk, one)
    assert known is not None
    assert (known.last_error, known.last_success) == ("", NOW + timedelta(minutes=45))


def test_a_provider_that_wants_to_be_left_alone_is_asked_later(engine: Engine, fake: FakeMailgun) -> None:
    """Twenty minutes are more than fifteen."""
    clock = Clock()
    desk = desk_of(engine, fake, clock)
    (one,) = polled(desk.config)
    fake.dials = ["429 for long"]
    poll_due(desk)
    every_five = replace(one, minutes=5)

    assert next_poll(desk, every_five) == NOW + timedelta(minutes=10)
    assert next_poll(desk, replace(one, minutes=0)) is None


def test_a_stop_is_heard(engine: Engine, fake: FakeMailgun) -> None:
    """Nothing is asked any more."""
    poll_due(desk_of(engine, fake, Clock()), enough=lambda: True)

    assert fake.asked == []


def test_what_is_worth_a_line() -> None:
    """News; what is missing; and nothing where nothing happened."""
    assert story("mailgun", Told(Kept(known=7, others=3))) == []
    assert story("mailgun", Told(Kept(new=1_200))) == ["mailgun: 1,200 new events."]
    assert story("mailgun", Told(Kept(new=1))) == ["mailgun: 1 new event."]
    assert "does not show all" in story("mailgun", Told(partly=True))[0]
