"""config.toml and the environment, read once into a frozen, closed model.

Only doors (cli, web, jobs.schedule) read it; everything else gets the part it needs as an argument.
No secret stands in the file: `NEWSLETTER_SECRET_KEY`, or `NEWSLETTER_SECRET_KEY_FILE` that names a file.
"""

import difflib
import tomllib
from datetime import date, time
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from newsletter.errors import ConfigError
from newsletter.local_time import Quiet
from newsletter.reader_settings import SignUp, Sunset
from newsletter.settable import CallAddress, DatabaseUrl, Mailbox, Network, PublicKey, Section, WebAddress, Zone
from newsletter.topics import Topic, require_distinct

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Publication(Section):
    """What the newsletter is called, who it is from, and where it lives."""

    name: str = Field(default="Weekly AI Tool Verdicts", min_length=1, max_length=80)
    slug: str = Field(default="weekly", pattern=r"^[a-z0-9-]{3,15}$")  #: in List-Id and Feedback-ID; never changes
    sender: Mailbox = Field(default="Weekly Verdicts <verdicts@example.org>", alias="from")
    reply_to: Mailbox | None = None
    unsubscribe_mailbox: Mailbox | None = None
    base_url: WebAddress = "http://localhost:8000"
    site_url: WebAddress | None = None  #: where the compare pages live; gives each tool its link
    site_name: str = "the review panel"
    postal_address: str = ""
    privacy_url: WebAddress | None = None
    language: str = Field(default="en", pattern=r"^[a-z]{2}(-[A-Z]{2})?$")
    zone: Zone = "UTC"

    @property
    def tz(self) -> ZoneInfo:
        """The zone in which weeks begin and issues are due."""
        return ZoneInfo(self.zone)

    @property
    def domain(self) -> str:
        """The sender's domain: in Message-ID and List-Id."""
        return parseaddr(self.sender)[1].rpartition("@")[2]


class Database(Section):
    """Where everything is kept: a SQLite file, or postgresql://role@host/name (docs/postgresql.md)."""

    url: DatabaseUrl = "sqlite:///data/newsletter.db"


class Backup(Section):
    """Copies of the database, taken every night."""

    folder: Path | None = None  #: where to; None: none are taken by themselves
    keep: int = Field(default=14, ge=1, le=1000)  #: the newest so many
    recipients: tuple[PublicKey, ...] = ()  #: public keys of age or ssh; with them, only their owners can open a copy


class Sources(Section):
    """Where comparisons come from: files, folders, pages, sitemaps, feeds."""

    collect: tuple[str, ...] = ()


class Selection(Section):
    """Which comparisons make an issue."""

    most: int = Field(default=8, ge=1, le=20)  #: items in an issue, verdict changes included
    fewest: int = Field(default=3, ge=1, le=20)
    most_per_tool: int = Field(default=1, ge=1, le=20)  #: items of one issue that may show the same tool
    most_per_category: int | None = Field(default=None, ge=1)
    tool_rest_weeks: int = Field(default=3, ge=0, le=52)  #: weeks in which a tool is not shown again
    keep_weeks: int = Field(default=4, ge=0, le=52)  #: how long an unused comparison may still be chosen
    quiet_week: Literal["skip", "carry", "fill"] = "skip"

    @model_validator(mode="after")
    def _fewest_fits(self) -> Self:
        if self.fewest > self.most:
            raise ValueError(f"fewest = {self.fewest} is more than most = {self.most}")
        return self


WallTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Schedule(Section):
    """When the weekly job is due, and when its issue leaves, as wall times in the publication's zone."""

    day: Weekday = "thursday"
    time: WallTime = "08:00"
    approve: Literal["editor", "automatic"] = "editor"  #: "automatic" sends what has no errors, without a person
    send_day: Weekday | None = None  #: default: the slot's own day
    send_time: WallTime | None = None  #: when an approved issue leaves; None: when somebody schedules it
    unapproved: Literal["wait", "send", "skip"] = "wait"  #: what becomes of a draft that nobody approved by then
    latest_hours: int = Field(default=12, ge=1, le=144)  #: what is late by more than this waits for a person
    missed: Literal["ask", "run", "skip"] = "ask"  #: what becomes of a slot that is late by more
    local_time: bool = False  #: everybody gets it at `send_time` by their own clock, from UTC+14 on
    quiet: tuple[WallTime, WallTime] = ("21:00", "08:00")  #: by local time, whoever is late for theirs is not woken up

    @property
    def quiet_hours(self) -> Quiet:
        """The same as times."""
        since, until = (time.fromisoformat(one) for one in self.quiet)
        return Quiet(since, until)

    @model_validator(mode="after")
    def _by_local_time(self) -> Self:
        if not self.local_time:
            return self
        if self.send_time is None:
            raise ValueError("local_time needs send_time: the wall time at which everybody gets it")
        if self.quiet_hours.holds(time.fromisoformat(self.send_time)):
            raise ValueError(f"send_time = {self.send_time} lies in the quiet hours, {' to '.join(self.quiet)}")
        return self


class Sending(Section):
    """How an issue leaves."""

    hold_minutes: int = Field(default=10, ge=0, le=1440)  #: from `schedule` to the first message; `reopen` undoes it
    batch: int = Field(default=500, ge=1, le=1000)  #: recipients per provider call, at most what the provider takes
    in_flight: int = Field(default=4, ge=1, le=64)  #: provider calls at once
    per_second: float = Field(default=0.0, ge=0)  #: recipients a second at most; 0: as fast as the provider takes them
    warm_up: tuple[Annotated[int, Field(ge=1)], ...] = ()  #: recipients a day, from a provider's first day on
    latest_hours: int = Field(default=48, ge=1, le=24 * 14)  #: after this an unfinished issue waits for a person
    stop_file: Path = Path("data/stop-sending")  #: while this file exists nothing is sent, whatever it is


ProviderName = Literal["outbox", "ses", "postmark", "sendgrid", "mailgun", "resend", "brevo", "smtp"]


class ProviderChoice(Section):
    """What sends for us. The key of its API stands in the environment or in a file, never here."""

    name: ProviderName = "outbox"
    folder: Path = Path("outbox")  #: of the outbox
    address: str = ""  #: of its API, where that is not the usual one
    key_file: Path | None = None  #: else NEWSLETTER_<NAME>_KEY, or NEWSLETTER_<NAME>_KEY_FILE
    only_to: tuple[str, ...] = ()  #: addresses, or @domains: nobody else is mailed. For trying things out
    options: dict[str, str | int | float | bool] = Field(default={})  #: its own settings: docs/providers/<name>.md


class Web(Section):
    """Where our own web server listens; a proxy with TLS stands in front of it."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)  #: 0: no web server
    most_bytes: int = Field(default=2_000_000, ge=1_000)  #: of a webhook's body
    trusted_proxies: tuple[Network, ...] = ()  #: whose X-Forwarded-For is believed; nobody's by default


class Events(Section):
    """How we hear what became of the mail, where webhooks cannot reach us."""

    #: Between two questions to a provider that can be asked; 0: never. Not set: every 15 where it has no webhook here.
    poll_minutes: int | None = Field(default=None, ge=0, le=1440)


class Bounces(Section):
    """The mailbox that mail over SMTP bounces to: a Maildir folder here, or one over IMAP. Neither: nobody reads it."""

    maildir: Path | None = None
    imap_host: str = ""  #: with TLS from the first byte
    imap_port: int = Field(default=993, ge=1, le=65_535)
    imap_user: str = ""
    imap_folder: str = Field(default="INBOX", min_length=1)
    key_file: Path | None = None  #: the password; else NEWSLETTER_BOUNCES_KEY, or NEWSLETTER_BOUNCES_KEY_FILE
    every_minutes: int = Field(default=10, ge=0, le=1440)  #: how often `serve` reads it; 0: never

    @property
    def somewhere(self) -> bool:
        """Whether there is a mailbox to read."""
        return bool(self.maildir or self.imap_host)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.maildir and self.imap_host:
            raise ValueError("maildir and imap_host are two mailboxes; keep one")
        if bool(self.imap_host) != bool(self.imap_user):
            raise ValueError("imap_host and imap_user belong together; set both or none")
        return self


class Telling(Section):
    """Who is told what needs a person, and by which ways (docs/telling.md)."""

    editors: tuple[Mailbox, ...] = ()  #: of drafts and deadlines
    operators: tuple[Mailbox, ...] = ()  #: of what is wrong
    webhook: CallAddress | None = None  #: is posted everything, signed by Standard Webhooks
    webhook_key_file: Path | None = None  #: else NEWSLETTER_WEBHOOK_KEY, or NEWSLETTER_WEBHOOK_KEY_FILE
    ping: CallAddress | None = None  #: is called while all is well; whoever watches there cries when it stops
    ping_minutes: int = Field(default=5, ge=1, le=1440)
    expires: dict[str, date] = Field(default={})  #: what runs out, and on which day: keys, domains

    @property
    def somebody(self) -> bool:
        """Whether anybody or anything is told."""
        return bool(self.editors or self.operators or self.webhook)


class Log(Section):
    """How `serve` says what happens."""

    format: Literal["text", "json"] = "text"  #: sentences for people, or a JSON object a line for programs


class Metrics(Section):
    """Where Prometheus asks for numbers (docs/telling.md)."""

    host: str = "127.0.0.1"  #: any other needs a key
    port: int = Field(default=0, ge=0, le=65_535)  #: 0: nowhere
    key_file: Path | None = None  #: else NEWSLETTER_METRICS_KEY, or NEWSLETTER_METRICS_KEY_FILE


class Secrets(Section):
    """Where the key is that signs links and hides addresses; the key itself never stands here."""

    key_file: Path = Path("data/secret.key")


class Config(Section):
    """Everything that can be set."""

    publication: Publication = Publication()
    database: Database = Database()
    backup: Backup = Backup()
    sources: Sources = Sources()
    selection: Selection = Selection()
    schedule: Schedule = Schedule()
    sending: Sending = Sending()
    provider: ProviderChoice = ProviderChoice()
    fallback: ProviderChoice | None = None  #: takes what the first certainly did not, while that cannot be reached
    web: Web = Web()
    signup: SignUp = SignUp()
    sunset: Sunset = Sunset()
    events: Events = Events()
    bounces: Bounces = Bounces()
    telling: Telling = Telling()
    metrics: Metrics = Metrics()
    log: Log = Log()
    secrets: Secrets = Secrets()
    topics: tuple[Topic, ...] = ()  #: what readers can choose; none: nobody is asked

    @field_validator("topics")
    @classmethod
    def _distinct(cls, topics: tuple[Topic, ...]) -> tuple[Topic, ...]:
        require_distinct(topics)
        return topics


def parse(text: str, place: str = "config.toml") -> Config:
    """The settings in this TOML text. Raises ConfigError: one sentence a mistake, with the nearest right name."""
    try:
        return Config.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{place} is not valid TOML: {error}.") from None
    except ValidationError as error:
        raise ConfigError("\n".join(_sentence(detail, place) for detail in error.errors())) from None


def read(path: Path) -> Config:
    """The settings in this file; relative paths in it count from its folder. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"There is no {path}. Run 'newsletter init' to write one, or name it with --config."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from None
    return anchored(parse(text, str(path)), path.parent)


def anchored(config: Config, folder: Path) -> Config:
    """The same settings with relative paths made to count from this folder."""
    url, sqlite = config.database.url, "sqlite:///"
    if url.startswith(sqlite):
        url = sqlite + str(folder / url.removeprefix(sqlite))
    return config.model_copy(
        update={
            "database": Database(url=url),
            "backup": _anchored_backup(config.backup, folder),
            "provider": _anchored_choice(config.provider, folder),
            "fallback": _anchored_choice(config.fallback, folder) if config.fallback else None,
            "sending": config.sending.model_copy(update={"stop_file": folder / config.sending.stop_file}),
            "bounces": _anchored_bounces(config.bounces, folder),
            "telling": _anchored_telling(config.telling, folder),
            "metrics": _anchored_metrics(config.metrics, folder),
            "secrets": Secrets(key_file=folder / config.secrets.key_file),
            "sources": Sources(collect=tuple(_from(folder, source) for source in config.sources.collect)),
        }
    )


def _anchored_backup(backup: Backup, folder: Path) -> Backup:
    return backup.model_copy(update={"folder": folder / backup.folder if backup.folder else None})


def _anchored_choice(choice: ProviderChoice, folder: Path) -> ProviderChoice:
    key_file = folder / choice.key_file if choice.key_file else None
    options = {name: _anchored_option(name, value, folder) for name, value in choice.options.items()}
    return choice.model_copy(update={"folder": folder / choice.folder, "key_file": key_file, "options": options})


def _anchored_option(name: str, value: str | float, folder: Path) -> str | float:
    """A provider's own setting; one that names a file, like dkim_key_file, counts from the folder as all others do."""
    return str(folder / value) if name.endswith("_file") and isinstance(value, str) and value else value


def _anchored_bounces(bounces: Bounces, folder: Path) -> Bounces:
    maildir = folder / bounces.maildir if bounces.maildir else None
    key_file = folder / bounces.key_file if bounces.key_file else None
    return bounces.model_copy(update={"maildir": maildir, "key_file": key_file})


def _anchored_metrics(metrics: Metrics, folder: Path) -> Metrics:
    return metrics.model_copy(update={"key_file": folder / metrics.key_file if metrics.key_file else None})


def _anchored_telling(telling: Telling, folder: Path) -> Telling:
    key_file = folder / telling.webhook_key_file if telling.webhook_key_file else None
    return telling.model_copy(update={"webhook_key_file": key_file})


def default_text() -> str:
    """The commented config.toml that `newsletter init` writes."""
    packed = Path(__file__).with_name("config.default.toml")
    return (packed if packed.exists() else Path(__file__).parents[1] / "config.toml").read_text(encoding="utf-8")


def templates_folder() -> Path:
    """Where the templates are: inside the installed package, or beside it in a checkout."""
    packed = Path(__file__).with_name("templates")
    return packed if packed.exists() else Path(__file__).parents[1] / "templates"


def _from(folder: Path, source: str) -> str:
    return source if "://" in source else str(folder / source)


def _sentence(detail: ErrorDetails, place: str) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{place}: {name} is not a setting.{_hint(detail['loc'])}"
    return f"{place}: {name or 'the file'}: {detail['msg'].removeprefix('Value error, ')}."


def _section(annotation: Any) -> Any:
    """The table behind a setting that may also be absent."""
    return next(one for one in (annotation, *get_args(annotation)) if hasattr(one, "model_fields"))


def _hint(loc: tuple[int | str, ...]) -> str:
    model: Any = Config
    for part in (one for one in loc[:-1] if isinstance(one, str)):
        model = _section(model.model_fields[str(part)].annotation)
    names = [field.alias or name for name, field in model.model_fields.items()]
    prefix = ".".join(str(part) for part in loc[:-1])
    near = difflib.get_close_matches(str(loc[-1]), names, n=1, cutoff=0.5)
    if near:
        return f" Did you mean {prefix + '.' if prefix else ''}{near[0]}?"
    return f" There are: {', '.join(names)}."
