"""config.toml: closed, frozen, and every mistake in one sentence."""

from pathlib import Path

import pytest

from newsletter.config import Config, anchored, default_text, parse, read
from newsletter.errors import ConfigError
from newsletter.secret_settings import key_file, make_secret_key, secret_key

TOPIC = '[[topics]]\nslug = "models"\nnam = "Models"\ncategories = ["Models"]\n'


def test_the_file_that_init_writes_holds_exactly_the_defaults() -> None:
    """Every line of it says what would be so without it."""
    assert parse(default_text()) == Config()


def test_every_setting_is_documented_in_the_default_file() -> None:
    """A setting that nobody can find does not exist."""
    text = default_text()
    names = [
        (section, field.alias or name)
        for section, part in Config.model_fields.items()
        for name, field in getattr(part.annotation, "model_fields", {}).items()  # the fallback is as the provider
    ]

    assert [
        f"{section}.{name}" for section, name in names if f"{name} = " not in text and f".{name}]" not in text
    ] == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[sending]\nhold_minuts = 3", "sending.hold_minuts is not a setting. Did you mean sending.hold_minutes?"),
        ("[sendin]\nbatch = 3", "sendin is not a setting. Did you mean sending?"),
        ('[publication]\nzone = "Mars/Base"', "'Mars/Base' is not a time zone"),
        ('[schedule]\nday = "3"', "schedule.day"),
        ('[publication]\nfrom = "nobody"', "'nobody' is not a mailbox"),
        ('[publication]\nbase_url = "ftp://x.y"', "'ftp://x.y' is not a web address"),
        ("[selection]\nmost = 3\nfewest = 5", "fewest = 5 is more than most = 3"),
        ("[publication\n", "not valid TOML"),
        ('[telling]\nwebhook = "http://chat.example.org/1"', "only https is called, or http on this machine"),
        ('[telling]\nwebhook = "https://me:pass@chat.example.org"', "not an address that can be called"),
        ('[telling]\noperators = ["nobody"]', "'nobody' is not a mailbox"),
        (TOPIC, "topics.0.nam is not a setting. Did you mean topics.0.name?"),
        (TOPIC.replace("nam ", "name ").replace('"models"', '"and-changes"'), "cannot be a topic's slug"),
        (TOPIC.replace("nam ", "name ") * 2, "two topics have the same slug"),
        (TOPIC.replace("nam ", "name ") * 7, "there are 7 topics; at most 6"),
    ],
)
def test_a_mistake_is_named_in_one_sentence(text: str, sentence: str) -> None:
    """What, where, and the nearest right name."""
    with pytest.raises(ConfigError) as error:
        parse(text)

    assert sentence in str(error.value)


def test_a_secret_in_the_file_is_not_repeated_in_the_message() -> None:
    """Somebody put a key where none belongs: the error names the setting, not the value."""
    with pytest.raises(ConfigError) as error:
        parse('[provider]\napi_key = "sk-very-secret"')

    assert "very-secret" not in str(error.value)


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    """The same settings work from anywhere."""
    (tmp_path / "config.toml").write_text('[sources]\ncollect = ["pages", "https://example.org/feed.json"]')

    config = read(tmp_path / "config.toml")

    assert config.database.url == f"sqlite:///{tmp_path}/data/newsletter.db"
    assert config.provider.folder == tmp_path / "outbox"
    assert config.sources.collect == (str(tmp_path / "pages"), "https://example.org/feed.json")


def test_a_file_among_the_options_of_a_provider_counts_from_there_as_well(tmp_path: Path) -> None:
    """Other options are left as they are, and so is a file that is named in full."""
    options = 'options = { dkim_key_file = "keys/dkim.pem", dkim_domain = "example.org", port = 25 }'
    text = f'[provider]\nname = "smtp"\n{options}\n[fallback]\noptions = {{ dkim_key_file = "/etc/dkim.pem" }}'
    (tmp_path / "config.toml").write_text(text)
    config = read(tmp_path / "config.toml")
    first, second = config.provider.options, config.fallback.options if config.fallback else {}

    assert first == {"dkim_key_file": f"{tmp_path}/keys/dkim.pem", "dkim_domain": "example.org", "port": 25}
    assert second == {"dkim_key_file": "/etc/dkim.pem"}


def test_a_database_elsewhere_keeps_its_address() -> None:
    """Only SQLite files are relative to anything."""
    config = parse('[database]\nurl = "postgresql+psycopg://ledger@db.example.org/news"')

    assert anchored(config, Path("/etc")).database.url == config.database.url


def test_files_with_keys_count_from_the_folder_of_the_settings(tmp_path: Path) -> None:
    """Wherever the command is typed."""
    text = '[telling]\nwebhook_key_file = "data/webhook.key"\n[metrics]\nkey_file = "data/metrics.key"'
    config = anchored(parse(text), tmp_path)

    assert config.telling.webhook_key_file == tmp_path / "data" / "webhook.key"
    assert config.metrics.key_file == tmp_path / "data" / "metrics.key"


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    """The newcomer's first mistake."""
    with pytest.raises(ConfigError, match="newsletter init"):
        read(tmp_path / "config.toml")


def test_the_key_comes_from_the_environment_first(tmp_path: Path) -> None:
    """NEWSLETTER_SECRET_KEY, then the file that NEWSLETTER_SECRET_KEY_FILE names, then the configured file."""
    named, configured = tmp_path / "named", tmp_path / "data" / "secret.key"
    named.write_text("n" * 32)
    make_secret_key(configured)
    config = anchored(Config(), tmp_path)

    assert (
        secret_key(config, {"NEWSLETTER_SECRET_KEY": "e" * 40, "NEWSLETTER_SECRET_KEY_FILE": str(named)}) == b"e" * 40
    )
    assert secret_key(config, {"NEWSLETTER_SECRET_KEY_FILE": str(named)}) == b"n" * 32
    assert len(secret_key(config, {})) == 64


def test_the_same_key_is_the_same_in_a_variable_and_in_a_file(tmp_path: Path) -> None:
    """Blanks and line feeds around it are not part of it: they would make another key."""
    (named := tmp_path / "named").write_text("n" * 32 + "\r\n")

    from_file = secret_key(Config(), {"NEWSLETTER_SECRET_KEY_FILE": str(named), "NEWSLETTER_SECRET_KEY": " "})

    assert secret_key(Config(), {"NEWSLETTER_SECRET_KEY": "n" * 32 + "\n"}) == from_file
    assert key_file(Config(), {"NEWSLETTER_SECRET_KEY": "n" * 32}) is None


def test_a_missing_key_is_not_replaced_in_silence(tmp_path: Path) -> None:
    """The old one is what is wanted."""
    with pytest.raises(ConfigError, match="Put it back from its copy"):
        secret_key(Config(), {"NEWSLETTER_SECRET_KEY_FILE": str(tmp_path / "gone")})


def test_a_short_key_is_refused() -> None:
    """A key that can be guessed signs nothing."""
    with pytest.raises(ConfigError, match="shorter than 32"):
        secret_key(Config(), {"NEWSLETTER_SECRET_KEY": "secret"})


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    """Links in sent mail depend on it: it is never replaced."""
    path = tmp_path / "secret.key"
    make_secret_key(path)
    before = path.read_bytes()
    make_secret_key(path)

    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o600
