"""What must not stand in config.toml: in the environment, or in a file that the environment or a setting names."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from newsletter.config import Config
from newsletter.errors import ConfigError

_KEY = "NEWSLETTER_SECRET_KEY"  # or, with _FILE behind it, the path of a file
_PASSWORD = "NEWSLETTER_DATABASE_PASSWORD"  # noqa: S105 - the name of a setting


def secret_key(config: Config, environ: Mapping[str, str] = os.environ) -> bytes:
    """The key that signs links and hides addresses, at least 32 bytes, blanks around it ignored. Raises ConfigError.

    It belongs to the database (subscribers/keymark.py) and is never changed.
    """
    path = key_file(config, environ)
    try:
        key = (path.read_bytes() if path else os.fsencode(environ[_KEY])).strip()
    except OSError:
        raise ConfigError(
            f"There is no secret key in {path}. Put it back from its copy, or set {_KEY}; "
            "where there never was one, 'newsletter init' makes it."
        ) from None
    if len(key) < 32:  # noqa: PLR2004
        raise ConfigError(
            f"The secret key in {path or _KEY} is shorter than 32 characters. 'openssl rand -hex 32' makes one."
        )
    return key


def database_password(environ: Mapping[str, str] = os.environ) -> str | None:
    """The password of the PostgreSQL role, or None where it needs none, or libpq finds it (~/.pgpass).

    From NEWSLETTER_DATABASE_PASSWORD, or the file that NEWSLETTER_DATABASE_PASSWORD_FILE names. Raises ConfigError.
    """
    name = environ.get(f"{_PASSWORD}_FILE")
    if environ.get(_PASSWORD) or not name:
        return environ.get(_PASSWORD) or None
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"There is no password in {name}, which {_PASSWORD}_FILE names.") from None


def key_file(config: Config, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file that the secret key is read from; None where the environment holds the key itself."""
    if environ.get(_KEY, "").strip():
        return None
    return Path(environ.get(f"{_KEY}_FILE") or config.secrets.key_file)


def make_secret_key(path: Path) -> None:
    """Write a new random key for its owner's eyes only; an existing file is left as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
