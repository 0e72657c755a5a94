"""One provider is asked, page by page, whatever it does."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from delivery_samples import NOW, Ticks
from fake_events import BASE, DIALS, FakeMailgun, json_answer, mailgun_event
from poll_samples import delivered, known, poller, sent, states
from sqlalchemy import Engine

from newsletter.database import transaction
from newsletter.delivery.poll_keeping import Kept
from newsletter.delivery.poll_table import cursor_of, replaced
from newsletter.delivery.polling import ALL_WAITS, Told
from newsletter.providers.adapter import Account
from newsletter.providers.hooks import Kind
from newsletter.providers.mailgun_poll import MailgunPoll
from newsletter.providers.polls import Page, Span
from newsletter.providers.poster import Answered


def test_all_pages_are_read_and_remembered(engine: Engine) -> None:
    """Three pages, and an empty one that is the end."""
    told = poller(engine, delivered(sent(engine))).run()

    assert told == Told(Kept(new=5), pages=4, at=NOW)
    assert states(engine) == [Kind.DELIVERED] * 5
    assert (known(engine).last_success, known(engine).last_error) == (NOW, "")


def test_what_is_read_again_is_known(engine: Engine) -> None:
    """The overlap gives everything of the last hour twice."""
    fake = delivered(sent(engine), NOW - timedelta(minutes=5))
    poller(engine, fake).run()

    assert poller(engine, fake, NOW + timedelta(minutes=15)).run().kept == Kept(known=5)


def test_an_event_that_appears_late_is_read(engine: Engine) -> None:
    """Older than what was read, newer than the overlap."""
    keys = sent(engine)
    fake = delivered(keys)
    poller(engine, fake).run()
    fake.happened.append(mailgun_event(keys[0], (NOW - timedelta(minutes=50)).timestamp(), "complained"))

    assert poller(engine, fake, NOW + timedelta(minutes=5)).run().kept.new == 1
    assert Kind.COMPLAINED in states(engine)


@pytest.mark.parametrize("dial", sorted(set(DIALS) - {"429"}))
@pytest.mark.parametrize("page", [1, 3])
def test_whatever_a_provider_answers_the_next_poll_goes_on(engine: Engine, dial: str, page: int) -> None:
    """Nothing is lost and nothing is read twice: not even a page that was kept before it happened."""
    fake = delivered(sent(engine))
    fake.between = lambda: fake.dials.append(dial) if len(fake.asked) == page else None
    first = poller(engine, fake).run()
    fake.between = lambda: None
    second = poller(engine, fake, NOW + timedelta(hours=1)).run()

    assert (first.kept.new, bool(first.trouble), second.trouble) == (2 * (page - 1), True, "")
    assert first.kept.new + second.kept.new == 5
    assert known(engine).last_error == ""


def test_trouble_is_news_once(engine: Engine) -> None:
    """The same again is not; another one is."""
    fake = delivered(sent(engine))
    fake.dials = ["500", "500", "401"]

    assert [poller(engine, fake).run().news for _ in range(3)] == [True, False, True]


def test_trouble_names_no_key_and_no_address(engine: Engine) -> None:
    """Whatever the provider writes into its answer."""
    fake = delivered(sent(engine))
    fake.dials = ["html"]

    assert poller(engine, fake).run().trouble == (
        "Mailgun gave an answer that is no page of events. Look at provider.address."
    )


def test_a_short_wait_is_waited_for(engine: Engine) -> None:
    """As long as the provider says, and then it goes on."""
    fake, ticks = delivered(sent(engine)), Ticks()
    fake.dials = ["429", "429"]

    assert (poller(engine, fake, ticks=ticks).run().kept.new, ticks.now) == (5, 14.0)


def test_a_provider_that_only_throttles_is_left_alone(engine: Engine) -> None:
    """In the end."""
    fake, ticks = delivered(sent(engine)), Ticks()
    fake.between = lambda: fake.dials.append("429")

    assert "asks to wait" in poller(engine, fake, ticks=ticks).run().trouble
    assert ALL_WAITS <= ticks.now <= ALL_WAITS + 15


def test_a_long_wait_is_kept_by_the_next_poll(engine: Engine) -> None:
    """It does not even ask, until the time is over."""
    fake = delivered(sent(engine))
    fake.dials = ["429 for long"]
    poller(engine, fake).run()
    early = poller(engine, fake, NOW + timedelta(minutes=9)).run()

    assert ("asks to wait" in early.trouble, early.news, len(fake.asked)) == (True, False, 1)
    assert poller(engine, fake, NOW + timedelta(minutes=11)).run().kept.new == 5


def test_a_page_that_leads_to_another_host_is_not_followed(engine: Engine) -> None:
    """The key would go there."""
    fake = delivered(sent(engine))
    fake.elsewhere = True
    told = poller(engine, fake).run()

    assert "somewhere else" in told.trouble
    assert len(fake.asked) == 1


def test_pages_that_lead_in_a_circle_end(engine: Engine) -> None:
    """After the first that comes twice."""
    fake = delivered(sent(engine))
    fake.circle = True

    assert "in a circle" in poller(engine, fake).run().trouble
    assert len(fake.asked) == 3


def test_pages_without_end_end(engine: Engine) -> None:
    """After so many; the next poll goes on there."""
    fake = delivered(sent(engine))
    first = replace(poller(engine, fake), most=2).run()

    assert (first.kept.new, "has more to say" in first.trouble) == (4, True)
    assert poller(engine, fake).run().kept.new == 1


def test_a_stop_ends_a_poll_between_two_pages(engine: Engine) -> None:
    """And the next goes on."""
    fake = delivered(sent(engine))
    stopped = replace(poller(engine, fake), enough=lambda: len(fake.asked) == 1)

    assert [stopped.run().kept.new, poller(engine, fake).run().kept.new] == [2, 3]


def test_a_page_that_is_not_committed_is_read_again(engine: Engine) -> None:
    """Events and cursor are one transaction: killed in between, neither is there."""
    fake = delivered(sent(engine))
    asking = poller(engine, fake)
    kept = [NOW]

    def clock() -> datetime:
        if len(fake.asked) == 2 and kept:
            kept.clear()
            raise KeyboardInterrupt
        return NOW

    asking.clock = clock
    with pytest.raises(KeyboardInterrupt):
        asking.run()

    assert len(states(engine)) == 2
    assert poller(engine, fake).run().kept == Kept(new=3)


def test_who_is_overtaken_keeps_nothing(engine: Engine) -> None:
    """Another poller reads everything while this one waits for its first answer."""
    fake = delivered(sent(engine))
    other = delivered([])
    other.happened = fake.happened
    fake.between = lambda: (setattr(fake, "between", lambda: None), poller(engine, other).run())[0]
    told = poller(engine, fake).run()

    assert ("another process" in told.trouble, told.kept) == (True, Kept())
    assert (len(states(engine)), known(engine).last_success) == (5, NOW)


def test_a_round_that_was_left_for_days_is_begun_again(engine: Engine) -> None:
    """A page's mark does not live for ever; the time that it covers is not lost."""
    fake = delivered(sent(engine))
    fake.between = lambda: fake.dials.append("500") if len(fake.asked) == 2 else None
    poller(engine, fake).run()
    fake.between = lambda: None

    assert poller(engine, fake, NOW + timedelta(days=2)).run().kept == Kept(new=3, known=2)


def test_a_clock_that_was_set_back_turns_no_span_around(engine: Engine) -> None:
    """It asks for the last hour."""
    fake = delivered(sent(engine))
    poller(engine, fake).run()

    poller(engine, fake, NOW - timedelta(days=1)).run()

    query = parse_qs(urlsplit(fake.asked[-1]).query)
    assert float(query["end"][0]) - float(query["begin"][0]) == 3600


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"goal": "2026"}', '{"read": 7}'], ids=range(5))
def test_a_cursor_that_nobody_can_read_is_none(text: str) -> None:
    """Then everything is asked for from the beginning, and most of it is known."""
    assert cursor_of(text) is None


def test_a_moved_cursor_is_not_replaced(engine: Engine) -> None:
    """Whoever read another one before has been overtaken."""
    poller(engine, FakeMailgun()).run()
    with transaction(engine) as session:
        assert not replaced(session, "mailgun", "another", "mine")


def test_a_mark_that_the_provider_has_forgotten_begins_the_span_again(engine: Engine) -> None:
    """The first page is read once more, and known."""
    fake = delivered(sent(engine))
    fake.between = lambda: fake.dials.append("404") if len(fake.asked) == 2 else None
    poller(engine, fake).run()
    fake.between = lambda: None

    assert poller(engine, fake, NOW + timedelta(minutes=1)).run().kept == Kept(new=3, known=2)


@dataclass
class FewAtOnce(FakeMailgun):
    """Shows no more than so many of a span, and says so; every event once, by its second."""

    shows: int = 2

    def page(self, path: str, query: dict[str, str]) -> Answered:  # noqa: ARG002 - one path only
        """What happened in the span, without pages."""
        begin, end = float(query["begin"]), float(query["end"])
        within = [one for one in self.happened if begin <= one["timestamp"] < end]
        return json_answer({"items": within[: self.shows], "more": len(within) > self.shows})


class Narrow(MailgunPoll):
    """A poll of a provider that shows only the beginning of a span."""

    def page(self, _: Span, said: Answered, /) -> Page:
        """One page; and whether it holds all."""
        whole = json.loads(said.body)
        return Page([self._found(item) for item in whole["items"]], None, too_much=whole["more"])


def narrow(engine: Engine, fake: FakeMailgun) -> Told:
    """One round."""
    return replace(poller(engine, fake), poll=Narrow(Account("key", address=BASE), "example.org")).run()


def test_of_a_span_with_too_much_in_it_shorter_ones_are_asked_for(engine: Engine) -> None:
    """Until everything has been shown; nothing is kept of what was only a part."""
    keys = sent(engine)
    start = (NOW - timedelta(days=2)).timestamp()
    happened = [mailgun_event(key, start + 600 * place) for place, key in enumerate(keys)]

    told = narrow(engine, FewAtOnce(happened))

    assert (told.kept, told.at, told.partly, told.trouble) == (Kept(new=5), NOW, False, "")
    assert known(engine).last_success == NOW


def test_more_than_is_shown_of_one_minute_is_said_and_does_not_stop_a_poll(engine: Engine) -> None:
    """What is shown is kept, and the round comes to its end."""
    keys = sent(engine)
    start = (NOW - timedelta(days=2)).timestamp()

    told = narrow(engine, FewAtOnce([mailgun_event(key, start) for key in keys]))

    assert (told.kept, told.partly, told.at) == (Kept(new=2), True, NOW)
