"""Pacing by domain: pure, the clock is an argument."""

from hypothesis import given
from hypothesis import strategies as st

from newsletter.providers.smtp_pacing import MOST_DOMAINS, DomainPace, domain_of


def test_without_a_rate_nobody_waits_and_the_first_is_first() -> None:
    """As fast as the server takes them."""
    assert DomainPace(0).first(["a", "a"], 5.0) == (0, 0.0)


def test_the_second_to_a_domain_waits_and_another_domain_overtakes_it() -> None:
    """Two a second: half a second each."""
    pace = DomainPace(2.0)

    assert pace.first(["a", "a", "b"], 10.0) == (0, 0.0)
    assert pace.first(["a", "b"], 10.0) == (1, 0.0)
    assert pace.first(["a"], 10.25) == (0, 0.25)


def test_time_that_was_not_used_is_not_saved_up() -> None:
    """After an hour of silence it is still one at a time."""
    pace = DomainPace(1.0)
    pace.first(["a"], 0.0)

    assert [pace.first(["a"], 3600.0)[1] for _ in range(3)] == [0.0, 1.0, 2.0]


@given(st.floats(0.1, 50), st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 3)), max_size=40))
def test_no_domain_gets_two_messages_closer_than_its_rate(rate: float, asked: list[tuple[str, float]]) -> None:
    """Whoever asks, and whenever."""
    pace, now, last = DomainPace(rate), 0.0, {}

    for domain, later in asked:
        now += later
        moment = now + pace.first([domain], now)[1]
        assert moment - last.get(domain, -1e9) >= 1 / rate - 1e-9
        last[domain] = moment


def test_domains_whose_time_is_over_are_forgotten() -> None:
    """A list has many domains, and most have one reader."""
    pace = DomainPace(1.0)
    for number in range(MOST_DOMAINS + 1):
        pace.first([str(number)], float(number))

    assert len(pace._ready) < 3


def test_a_domain_is_the_same_in_capitals() -> None:
    """Names in DNS are."""
    assert domain_of("Ada@Example.ORG") == "example.org"
