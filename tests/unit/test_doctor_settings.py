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

[telling]
operators = ["otto@weekly.dev"]

[web]
trusted_proxies = ["127.0.0.1"]

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


def test_a_newsletter_that_tells_nobody_is_yellow() -> None:
    """Editors hear of drafts; of a full disk they do not."""
    told = 'operators = ["otto@weekly.dev"]'

    assert lights(RIGHT.replace(told, "editors = []"))["telling"] is Light.YELLOW
    assert lights(RIGHT.replace(told, 'webhook = "https://chat.weekly.dev"'))["telling"] is Light.GREEN


@pytest.mark.parametrize(
    ("was", "now", "light"),
    [
        ('["127.0.0.1"]', "[]", Light.YELLOW),
        ('["127.0.0.1"]', "[]\nport = 0", None),
        ("https://news.weekly.dev", "http://localhost:8000", None),
    ],
)
def test_readers_behind_a_proxy_that_nobody_named_are_one_network(was: str, now: str, light: Light | None) -> None:
    """That is said where there must be a proxy: with https, and with a web server."""
    assert lights(RIGHT.replace(was, now)).get("web.trusted_proxies") is light


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


def words(text: str, environ: dict[str, str] = KEYS) -> dict[str, str]:
    """What was found and what to do, by what was looked at."""
    config = parse(text)
    return {one.looked_at: f"{one.found} {one.todo}" for one in findings(config, chosen_of(config, environ))}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('name = "resend"', "or fallback.key_file"),
        ('name = "resend"\nkey_file = "/nowhere/resend.key"', "/nowhere/resend.key: No such file or directory."),
        ('name = "mailgun"\noptions = { domain = "x.dev", strem = "x" }', "[fallback.options]"),
        ('name = "smtp"', "[fallback.options] smtp: host is missing"),
        ('name = "postmark"', "the same as provider.name"),
    ],
)
def test_what_is_wrong_with_the_fallback_is_said_of_its_table(table: str, says: str) -> None:
    """And never of [provider], which is right."""
    environ = KEYS if "mailgun" not in table else KEYS | {"NEWSLETTER_MAILGUN_KEY": "k"}
    found = next(text for name, text in words(f"{RIGHT}[fallback]\n{table}", environ).items() if "Fallback" in name)

    assert says in found
    assert "provider.options" not in found
    assert "provider.key_file" not in found


def test_a_topic_of_the_fallback_belongs_into_its_table() -> None:
    """Amazon's webhooks are believed by their topic."""
    found = words(
        f'{RIGHT}[fallback]\nname = "ses"\noptions = {{ region = "eu-central-1" }}',
        KEYS | {"NEWSLETTER_SES_KEY": "a:b"},
    )

    assert "topic_arn in [fallback.options]" in found["Webhooks of ses"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080", "https://localhost", "http://[::1]:80/v3"])
def test_a_provider_on_this_machine_is_a_stand_in(address: str) -> None:
    """Whoever forgets it there believes that mail has left."""
    text = f'{RIGHT}address = "{address}"'

    assert lights(text)["Provider postmark"] is Light.YELLOW
    assert "no real mail leaves" in words(text)["Provider postmark"]


def test_an_address_elsewhere_is_named() -> None:
    """Another region, or another house: whoever reads it sees which."""
    assert "at api.eu.example.net" in words(f'{RIGHT}address = "https://api.eu.example.net"')["Provider postmark"]


def test_a_mail_server_is_not_said_to_have_a_key() -> None:
    """With a login it has a password; without one that is said. It is not a stand-in where it is on this machine."""
    text = RIGHT.replace("postmark", "smtp") + "[provider.options]\nhost = 'localhost'\nsecurity = 'none'\n"
    login = words(text + "user = 'me'", {"NEWSLETTER_SMTP_KEY": "secret"})["Provider smtp"]

    assert "needs no login" in words(text)["Provider smtp"]
    assert "its password is there" in login
    assert "stand-in" not in login


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
