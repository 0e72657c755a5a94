"""The nouns of the command line, each loaded when somebody types it: all of them together take two seconds to load.

The table says where a noun is and what the help says of it; a test holds every line against the command's own words.
The first module has the noun's `app`, or the one command with its name; the others `register` more commands there.
"""

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup


@dataclass(frozen=True, slots=True)
class Noun:
    """Where it is, and its line in the help."""

    says: str
    modules: tuple[str, ...]  #: of this package


def _noun(says: str, *modules: str) -> Noun:
    return Noun(says, modules)


NOUNS: dict[str, Noun] = {
    "demo": _noun(
        "Run the weekly job on a sample week: compare pages in, one issue out, one message per subscriber.", "demo"
    ),
    "init": _noun("Ask four questions, then write config.toml, a secret key and an empty database.", "init"),
    "week": _noun(
        "The weekly job once: collect the sources, draft, check, and hold for an editor or schedule.", "week"
    ),
    "serve": _noun("Run the weekly job on schedule and send what has come due, until it is stopped (Ctrl-C).", "serve"),
    "worker": _noun(
        "Send what is due beside 'newsletter serve' and other workers, until it is stopped (Ctrl-C).", "worker"
    ),
    "jobs": _noun(
        "The runs of the scheduled jobs, newest first: where each is and what it said last; or all of one slot.", "jobs"
    ),
    "notices": _noun(
        "What needs a person, worst first, and what to do about it; then what needed one before.", "notices"
    ),
    "acts": _noun("Who imported, exported, suppressed, approved or sent what, newest first.", "acts"),
    "doctor": _noun("Check settings, a message's headers, DNS and the provider's account.", "doctor"),
    "comparisons": _noun("Comparisons: import what the site published, look at the shelf.", "comparisons"),
    "issue": _noun("Issues: draft, edit, check, approve, send.", "issue", "issue_edit", "issue_send"),
    "subscribers": _noun("The people on the list.", "subscribers", "choosing", "transfer", "silent"),
    "suppressions": _noun("Addresses that must not be mailed, and why.", "suppressions"),
    "unknown": _noun("People of whom nobody knows whether they were sent an issue.", "unknown"),
    "bounces": _noun("Bounces of mail that went over SMTP (docs/bounces.md).", "bounces"),
    "events": _noun("What providers say became of the mail.", "events"),
    "db": _noun("The database and its schema.", "database", "backup", "move"),
}


@cache
def loaded(name: str) -> Any:
    """The command or group of commands with this name."""
    first, *others = (import_module(f"newsletter.cli.{module}") for module in NOUNS[name].modules)
    holder = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None, add_completion=False)
    holder.callback()(_nothing)
    if hasattr(first, "app"):
        for other in others:
            other.register(first.app)
        holder.add_typer(first.app, name=name)
    else:
        holder.command(name)(getattr(first, name))
    group: Any = typer.main.get_command(holder)
    return group.commands[name]


def _nothing() -> None:
    """Make a group of one command."""


class _Commands(MutableMapping[str, Any]):
    """The commands by name, loaded when one is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in NOUNS:
            raise KeyError(name)
        return loaded(name)

    def __iter__(self) -> Iterator[str]:
        return iter(NOUNS)

    def __len__(self) -> int:
        return len(NOUNS)

    def __setitem__(self, name: str, command: Any) -> None:
        raise TypeError(f"{name}: commands stand in the table")

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"{name}: commands stand in the table")


class Nouns(TyperGroup):
    """The main command: its help loads nothing."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands()

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - as the library calls it
        """A line for each, from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, noun.says) for name, noun in NOUNS.items()])
