"""What every command needs: settings, database, keys, clock. Built here and nowhere below."""

import getpass
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from newsletter import config as settings
from newsletter import secret_settings
from newsletter.database import engine_for, transaction
from newsletter.desk.desk import Desk
from newsletter.errors import ConfigError
from newsletter.providers.catalogue import Later, provider_of
from newsletter.schema import require_newest
from subscribers.keymark import is_marked, require_key
from subscribers.tokens import Keys


def plain(text: str) -> str:
    """The words that were typed. Raises BadParameter for bytes that are not UTF-8: no database keeps them."""
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise typer.BadParameter("this is not UTF-8; type it in a terminal that is set to UTF-8")
    return text


def _somebody(name: str) -> str:
    if not name.strip():
        raise typer.BadParameter("a name is kept with what was done; it cannot be empty")
    return plain(name).strip()[:80]


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]


By = Annotated[
    str,
    typer.Option(
        help="Who does it; it is written down.",
        default_factory=getpass.getuser,
        callback=_somebody,
        show_default="your login name",
    ),
]


@dataclass(frozen=True)
class Door:
    """Where the settings are. Everything else is opened when a command asks for it."""

    path: Path
    engines: list[Engine] = field(default_factory=list)

    @property
    def config(self) -> settings.Config:
        """The settings of config.toml. Raises ConfigError."""
        return settings.read(self.path)

    def engine(self) -> Engine:
        """The database, at the newest schema. Raises DatabaseError, ConfigError."""
        self.require_file()
        engine = self.opened(self.config.database.url)
        require_newest(engine)
        return engine

    def require_file(self) -> None:
        """Raise ConfigError where the database is a file that is not there: to look makes none."""
        url = self.config.database.url
        name = url.removeprefix("sqlite:///")
        if url.startswith("sqlite") and not Path(name).exists():
            raise ConfigError(f"There is no database at {name}. Run 'newsletter init' to make one.")

    def opened(self, url: str, *, make: bool = True) -> Engine:
        """The database at this URL, whatever its schema; closed when the command ends. Raises DatabaseError.

        `make`: make its file, if there is none.
        """
        engine = engine_for(url, secret_settings.database_password(), make=make)
        self.engines.append(engine)
        return engine

    def close(self) -> None:
        """Close what was opened."""
        for engine in self.engines:
            engine.dispose()

    def keyed(self) -> tuple[Engine, bytes]:
        """The database and the secret key that it was made with. Raises DatabaseError, ConfigError, WrongKey."""
        engine, secret = self.engine(), secret_settings.secret_key(self.config)
        with transaction(engine) as session:
            require_key(session, secret)
        return engine, secret

    def desk(self) -> Desk:
        """All that can be done with an issue. Raises DatabaseError, ConfigError, WrongKey."""
        return desk_for(self.config, self.engine(), secret_settings.secret_key(self.config), now)


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def desk_for(config: settings.Config, engine: Engine, secret: bytes, clock: Callable[[], datetime]) -> Desk:
    """A desk over these settings. Raises WrongKey where the database was made with another secret."""
    with transaction(engine) as session:
        require_key(session, secret)
    return Desk(
        config=config,
        engine=engine,
        secret=secret,
        keys=Keys(secret),
        provider=_later(config, config.provider),
        templates=settings.templates_folder(),
        clock=clock,
        fallback=_later(config, config.fallback) if config.fallback else None,
    )


def make_key(config: settings.Config, engine: Engine) -> None:
    """Make a secret key where there is none, and mark the database with it. Raises ConfigError, WrongKey.

    A database that was used with a key gets no new one: with that, nobody who is suppressed would be known again.
    """
    with transaction(engine) as session:
        if not is_marked(session) and (file := secret_settings.key_file(config)):
            secret_settings.make_secret_key(file)
        require_key(session, secret_settings.secret_key(config))


def _later(config: settings.Config, choice: settings.ProviderChoice) -> Later:
    return Later(lambda: provider_of(config, choice))


def door(context: typer.Context) -> Door:
    """The door behind this command, opened when it is first asked for and closed when the command ends."""
    main = context.find_root()
    if not isinstance(main.obj, Door):
        main.obj = Door(config_path(main.obj))
        main.call_on_close(main.obj.close)
    found: Door = main.obj
    return found


def config_path(given: Path | None) -> Path:
    """--config, or NEWSLETTER_CONFIG, or config.toml here."""
    return given or Path(os.environ.get("NEWSLETTER_CONFIG") or "config.toml")
