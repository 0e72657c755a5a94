"""Which provider is made of which settings, and whom it may reach."""

from pathlib import Path

import pytest
from adapter_suite import Wire, answered, batch_of
from delivery_samples import NOW

from newsletter.config import Config, ProviderChoice, Publication, parse
from newsletter.errors import ConfigError, ProviderError
from newsletter.providers.api_provider import ApiProvider
from newsletter.providers.base import Outcome
from newsletter.providers.catalogue import APIS, Later, OnlyTo, hook_of, hook_secrets, provider_key, provider_of
from newsletter.providers.hooks import Incoming
from newsletter.providers.outbox import Outbox

HTTPS = Publication(base_url="https://news.example.org", postal_address="1 Sample Street")
PUBLIC = Config(publication=HTTPS)
OPTIONS = {"mailgun": {"domain": "mg.example.org"}, "ses": {"region": "eu-west-1"}}


def choice(name: str, **more: object) -> ProviderChoice:
    """A provider with the options that it cannot do without."""
    return ProviderChoice(name=name, options=OPTIONS.get(name, {}), **more)


def key_for(name: str) -> dict[str, str]:
    """An environment with its key."""
    return {f"NEWSLETTER_{name.upper()}_KEY": "AKIAMADEUP:made-up-secret" if name == "ses" else "made-up-secret"}


@pytest.mark.parametrize("name", APIS)
def test_every_provider_can_be_chosen_by_name_and_key(name: str) -> None:
    """And its webhooks are there."""
    made = provider_of(PUBLIC, choice(name), key_for(name))

    assert isinstance(made, ApiProvider)
    assert made.capabilities.name.startswith(f"{name}:")
    assert 400 <= hook_of(name, OPTIONS.get(name, {})).refusal <= 599


@pytest.mark.parametrize("name", APIS)
def test_a_provider_without_a_key_says_where_it_belongs(name: str) -> None:
    """Both places."""
    with pytest.raises(ConfigError, match=f"NEWSLETTER_{name.upper()}_KEY, or provider.key_file"):
        provider_of(PUBLIC, choice(name), {})


@pytest.mark.parametrize("name", APIS)
def test_an_option_that_is_not_known_is_named(name: str) -> None:
    """With those that are."""
    with pytest.raises(ProviderError, match="has no setting 'strem'"):
        provider_of(PUBLIC, ProviderChoice(name=name, options={"strem": "x"}), key_for(name))


def test_another_account_of_the_same_provider_has_another_name() -> None:
    """What is in doubt at the first is nothing that the second can tell."""
    first, second = (
        provider_of(PUBLIC, choice("resend"), {"NEWSLETTER_RESEND_KEY": key}).capabilities.name for key in ("a", "b")
    )

    assert first != second
    assert first == provider_of(PUBLIC, choice("resend"), {"NEWSLETTER_RESEND_KEY": "a"}).capabilities.name


def test_outside_production_nobody_is_mailed_but_who_was_named() -> None:
    """Invariant 14: without a public address of our own a real provider needs a list of whom it may reach."""
    local = Config()
    with pytest.raises(ConfigError, match="only_to"):
        provider_of(local, choice("postmark"), key_for("postmark"))

    assert isinstance(provider_of(local, choice("postmark", only_to=("a@b.org",)), key_for("postmark")), OnlyTo)
    assert isinstance(provider_of(local, ProviderChoice(), {}), Outbox)


def test_who_is_not_named_is_refused_and_the_others_are_mailed() -> None:
    """By address or by domain, in whatever case."""
    wire = Wire([answered(200, [{"ErrorCode": 0, "Message": "OK", "MessageID": "m1"}])])
    settings = choice("postmark", only_to=("Ada@Example.org", "@example.com"))
    made = provider_of(Config(), settings, key_for("postmark"), lambda _: wire)

    receipts = made.send(batch_of("ada", "bo")).receipts

    assert {one.key: one.outcome for one in receipts} == {"key-ada": Outcome.ACCEPTED, "key-bo": Outcome.REFUSED}
    assert b"bo@example.org" not in wire.posted[0][1]


def test_a_key_may_stand_in_a_file(tmp_path: Path) -> None:
    """Named by the settings or by the environment, which also may hold the key itself and then wins."""
    file = tmp_path / "key"
    file.write_text(" from-the-file\n")

    assert provider_key(choice("resend", key_file=file), {}) == "from-the-file"
    assert provider_key(choice("resend"), {"NEWSLETTER_RESEND_KEY_FILE": str(file)}) == "from-the-file"
    assert provider_key(choice("resend", key_file=file), {"NEWSLETTER_RESEND_KEY": "x"}) == "x"
    with pytest.raises(ConfigError, match="cannot be read"):
        provider_key(choice("resend", key_file=tmp_path / "none"), {})


def test_two_secrets_of_a_webhook_are_good_while_one_is_changed() -> None:
    """With a blank between them."""
    assert hook_secrets("resend", {"NEWSLETTER_RESEND_HOOK_SECRETS": "new old"}) == ("new", "old")
    assert hook_secrets("resend", {}) == ()


def test_the_secrets_of_webhooks_may_stand_in_a_file(tmp_path: Path) -> None:
    """As systemd and containers hand them over; a file that is not there is said, and not taken for no secret."""
    (tmp_path / "hook").write_text("new old\n")
    named = {"NEWSLETTER_RESEND_HOOK_SECRETS_FILE": str(tmp_path / "hook")}

    assert hook_secrets("resend", named) == ("new", "old")
    with pytest.raises(ConfigError, match="The secrets of resend's webhooks cannot be read"):
        hook_secrets("resend", {"NEWSLETTER_RESEND_HOOK_SECRETS_FILE": str(tmp_path / "none")})


def test_a_misspelt_setting_of_the_second_provider_is_named() -> None:
    """As everywhere in config.toml."""
    with pytest.raises(ConfigError, match=r"Did you mean fallback\.key_file"):
        parse('[fallback]\nname = "resend"\nkeyfile = "x"\n')


def test_a_provider_is_made_when_somebody_sends() -> None:
    """Who only looks at an issue needs no key; who sends is told at once."""
    made = Later(lambda: provider_of(PUBLIC, choice("postmark"), {}))

    with pytest.raises(ConfigError, match="There is no key for postmark"):
        made.send(batch_of("ada"))


@pytest.mark.parametrize("name", APIS)
@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic Og=="}, {"x-newsletter-secret": ""}])
def test_webhooks_of_which_nothing_is_set_believe_nobody(name: str, headers: dict[str, str]) -> None:
    """Whoever forgot the secret has a closed door, not an open one."""
    assert hook_of(name, OPTIONS.get(name, {})).verify(Incoming(headers, b"{}"), (), NOW) is False


def test_whom_the_first_may_reach_binds_the_second_as_well() -> None:
    """Nobody else is mailed, whoever mails."""
    first, second = choice("postmark", only_to=("a@b.org",)), choice("resend")
    config = PUBLIC.model_copy(update={"provider": first, "fallback": second})

    assert isinstance(provider_of(config, second, key_for("resend")), OnlyTo)


def test_with_others_allowed_it_is_another_provider() -> None:
    """What is in doubt was a call for others: repeated, it would not be the same."""
    names = {
        provider_of(PUBLIC, choice("resend", only_to=only), key_for("resend")).capabilities.name
        for only in ((), ("a@b.org",), ("@b.org",))
    }

    assert len(names) == 3


def test_the_second_provider_is_another_one() -> None:
    """Two accounts of one provider would share a door for webhooks."""
    config = PUBLIC.model_copy(update={"provider": choice("resend"), "fallback": choice("resend")})

    with pytest.raises(ConfigError, match="another provider"):
        provider_of(config, config.provider, key_for("resend"))


@pytest.mark.parametrize("key", ["two\nlines", "an é", "a blank", "\x1b[31m"])
def test_a_damaged_key_is_found_before_anything_leaves(key: str) -> None:
    """It would put everybody in doubt, call by call."""
    with pytest.raises(ConfigError, match="Copy it again"):
        provider_of(PUBLIC, choice("postmark"), {"NEWSLETTER_POSTMARK_KEY": key})


def test_what_is_missing_of_the_fallback_is_said_of_its_table() -> None:
    """When somebody sends, as by the doctor."""
    config = parse(
        '[publication]\nbase_url = "https://n.dev"\n[provider]\nname = "postmark"\n[fallback]\nname = "resend"'
    )
    assert config.fallback is not None

    with pytest.raises(ConfigError, match=r"NEWSLETTER_RESEND_KEY, or fallback\.key_file"):
        provider_of(config, config.fallback, {})
