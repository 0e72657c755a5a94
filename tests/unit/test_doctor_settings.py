"""What the doctor says of settings."""

import pytest

from newsletter.config import Config, parse
from newsletter.desk.checkup.examination import chosen_of, softened
from newsletter.desk.checkup.settings import findings
from newsletter.providers.checkup import Light, red

RIGHT = """
[publication]
from = "Weekly <verdicts@weekly.dev>"
reply_to = "editor@weekly.dev"
base_url = "https://news.weekly.dev"
postal_address = "1 Sample Street, 12345 Exampletown"

[provider]
name = "postmark"
"""
KEYS = {"NEWSLETTER_POSTMARK_KEY": "secret-key", "NEWSLETTER_POSTMARK_HOOK_SECRETS": "secret-hook"}


def lights(text: str, environ: dict[str, str] = KEYS) -> dict[str, Light]:
    """By what was looked at."""
    config = parse(text)
    return {one.looked_at: one.light for one in findings(config, chosen_of(config, environ))}


def test_right_settings_are_green() -> None:
    """All of them."""
    assert set(lights(RIGHT).values()) == {Light.GREEN}


def test_no_key_is_red() -> None:
    """Nothing can be sent without it."""
    assert lights(RIGHT, {})["Provider postmark"] is Light.RED


def test_the_fallback_needs_a_key_of_its_own() -> None:
    """And a secret for its webhooks."""
    found = lights(RIGHT + '[fallback]\nname = "resend"')

    assert found["Fallback resend"] is Light.RED
    assert lights(RIGHT + '[fallback]\nname = "resend"', KEYS | {"NEWSLETTER_RESEND_KEY": "k"}) == {
        **found, "Fallback resend": Light.GREEN, "Webhooks of resend": Light.YELLOW
    }  # fmt: skip


def test_an_option_that_the_provider_does_not_know_is_red() -> None:
    """In its own words."""
    config = parse(RIGHT + 'options = { strem = "x" }')
    line = findings(config, chosen_of(config, KEYS))[0]

    assert line.light is Light.RED
    assert "strem" in line.found


def test_webhooks_without_a_secret_are_yellow() -> None:
    """Mail leaves, and nothing is heard of it."""
    assert lights(RIGHT, {"NEWSLETTER_POSTMARK_KEY": "k"})["Webhooks of postmark"] is Light.YELLOW


def test_a_list_of_allowed_addresses_is_yellow() -> None:
    """It is for trying things out."""
    assert lights(RIGHT + 'only_to = ["me@weekly.dev"]')["Provider postmark, only_to"] is Light.YELLOW


@pytest.mark.parametrize(
    ("before", "after", "looked_at", "light"),
    [
        ("https://news", "http://news", "publication.base_url", Light.RED),
        ("https://news.weekly.dev", "https://localhost", "publication.base_url", Light.RED),
        ("verdicts@weekly.dev", "verdicts@example.org", "From domain", Light.RED),
        ("verdicts@weekly.dev", "verdicts@news.example.com", "From domain", Light.RED),
        ("verdicts@weekly.dev", "verdicts@GMail.com", "From domain", Light.RED),
        ("editor@weekly.dev", "editor@weekly.test", "Reply-To", Light.RED),
        ("editor@weekly.dev", "No-Reply@weekly.dev", "Reply-To", Light.YELLOW),
        ("verdicts@weekly.dev", "do_not_reply@weekly.dev", "Unsubscribe mailbox", Light.YELLOW),
        ("1 Sample Street, 12345 Exampletown", " ", "publication.postal_address", Light.RED),
    ],
)
def test_each_setting_is_judged_on_its_own(before: str, after: str, looked_at: str, light: Light) -> None:
    """One is wrong, and the others stay green."""
    found = lights(RIGHT.replace(before, after))

    assert found[looked_at] is light


def test_no_line_holds_a_secret_or_an_address() -> None:
    """The output is what people paste into a forum."""
    config = parse(RIGHT + 'only_to = ["me@weekly.dev"]')
    told = str([findings(config, chosen_of(config, KEYS)), chosen_of(config, KEYS)[0].problem])

    assert not [secret for secret in ("secret-key", "secret-hook", "me@", "editor@", "verdicts@") if secret in told]


def test_the_outbox_is_yellow_and_has_no_webhooks() -> None:
    """Nothing leaves the machine by it."""
    config = Config()
    lines = findings(config, chosen_of(config, {}))

    assert (lines[0].looked_at, lines[0].light) == ("Provider outbox", Light.YELLOW)
    assert not [one for one in lines if one.looked_at.startswith("Webhooks")]


def test_nothing_is_red_for_who_only_writes_to_a_folder() -> None:
    """The words stay."""
    assert softened([red("a", "b", "c")])[0].light is Light.YELLOW
    assert softened([red("a", "b", "c")])[0].todo == "c"
