"""What the doctor says of a message's headers."""

from delivery_samples import NOW
from mail_samples import PUBLICATION, rendered

from newsletter.config import Publication
from newsletter.desk.checkup.sample import Headers, findings, headers_of, read, small_issue
from newsletter.providers.checkup import Light
from subscribers.tokens import Keys

KEYS = Keys(b"k" * 32)
DOMAIN = "news.example.org"
GOOD = headers_of(small_issue(PUBLICATION, NOW), KEYS, NOW)


def lights(headers: Headers) -> dict[str, Light]:
    """By what was looked at."""
    return {one.looked_at: one.light for one in findings(headers, DOMAIN)}


def changed(name: str, value: str | None) -> Headers:
    """The good headers, but for one."""
    kept = [(each, of) for each, of in GOOD if each != name]
    return kept if value is None else [*kept, (name, value)]


def test_a_small_issue_and_a_real_one_have_good_headers() -> None:
    """Every line is green, and the same lines."""
    real = headers_of(rendered(), KEYS, NOW)

    assert set(lights(GOOD).values()) == {Light.GREEN}
    assert lights(real) == lights(GOOD)


def test_the_link_is_as_long_as_a_real_one() -> None:
    """With the token that a subscriber has: well below 200 characters."""
    told = next(one.found for one in findings(GOOD, DOMAIN) if one.looked_at == "Length of List-Unsubscribe")
    link = dict(GOOD)["List-Unsubscribe"].split(">")[0][1:]

    assert f"The link has {len(link)} characters" in told
    assert link.startswith("https://news.example.org/u/")
    assert 60 < len(link) < 200


def test_folded_lines_are_read_as_one() -> None:
    """As a receiver reads them."""
    assert read(b"A: 1,\r\n 2\r\nB: 3\r\n\r\nC: 4") == [("A", "1, 2"), ("B", "3")]


def test_a_link_without_tls_is_red() -> None:
    """One-click unsubscribing wants https."""
    publication = PUBLICATION.model_copy(update={"base_url": "http://localhost:8000"})
    headers = headers_of(small_issue(publication, NOW), KEYS, NOW)

    assert lights(headers)["List-Unsubscribe"] is Light.RED


def test_exactly_one_https_link_and_a_mailto() -> None:
    """Two links are one too many (RFC 8058); without a mailto some programs offer nothing."""
    one, two, mail = "<https://a.org/u/1>", "<https://b.org/u/1>", "<mailto:leave@a.org>"

    assert lights(changed("List-Unsubscribe", f"{one}, {two}, {mail}"))["List-Unsubscribe"] is Light.RED
    plain = two.replace("https", "http")
    assert lights(changed("List-Unsubscribe", f"{one}, {plain}, {mail}"))["List-Unsubscribe"] is Light.RED
    assert lights(changed("List-Unsubscribe", mail))["List-Unsubscribe"] is Light.RED
    assert lights(changed("List-Unsubscribe", one))["List-Unsubscribe"] is Light.YELLOW


def test_a_long_link_is_yellow_and_a_long_header_red() -> None:
    """200 characters are much for Microsoft, 995 are the end at Amazon."""
    link, mail = "<https://a.org/" + "x" * 186 + ">", "<mailto:leave@a.org>"

    assert lights(changed("List-Unsubscribe", f"{link}, {mail}"))["Length of List-Unsubscribe"] is Light.YELLOW
    assert lights(changed("List-Unsubscribe", f"{link[:-2]}>, {mail}"))["Length of List-Unsubscribe"] is Light.GREEN
    long = f"{link}, <mailto:leave@a.org?subject={'x' * 800}>"
    assert lights(changed("List-Unsubscribe", long))["Length of List-Unsubscribe"] is Light.RED


def test_a_missing_one_click_header_is_red() -> None:
    """Or another word in it."""
    assert lights(changed("List-Unsubscribe-Post", None))["List-Unsubscribe-Post"] is Light.RED
    assert lights(changed("List-Unsubscribe-Post", "Yes"))["List-Unsubscribe-Post"] is Light.RED


def test_a_header_that_stands_twice_is_red() -> None:
    """Even one that nobody asked for."""
    assert lights([*GOOD, ("date", "x")])["Headers of a message"] is Light.RED
    assert lights([*GOOD, ("X-A", "1"), ("X-A", "2")])["Headers of a message"] is Light.RED


def test_message_id_and_from_are_on_our_domain() -> None:
    """One address in From, and no other domain."""
    assert lights(changed("Message-ID", "<1@else.org>"))["Message-ID"] is Light.RED
    assert lights(changed("From", "a@news.example.org, b@news.example.org"))["From"] is Light.RED
    assert lights(changed("From", "A <a@else.org>"))["From"] is Light.RED


def test_default_settings_make_a_sample_as_well() -> None:
    """The doctor runs before anything is set."""
    assert dict(headers_of(small_issue(Publication(), NOW), KEYS, NOW))["Message-ID"].endswith("@example.org>")
