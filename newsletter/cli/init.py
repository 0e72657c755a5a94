"""`newsletter init`: write config.toml, the secret key and the database."""

import json
import re
from email.utils import parseaddr
from functools import partial
from pathlib import Path
from typing import Annotated, get_args

import typer

from newsletter import config as settings
from newsletter import secret_settings
from newsletter.cli.database import raised
from newsletter.cli.door import door, make_key
from newsletter.cli.output import say
from newsletter.errors import ConfigError
from newsletter.settable import in_clear

PROVIDERS = get_args(settings.ProviderName)
#: What is asked: the table and the key that the answer goes to, and the question.
QUESTIONS = (
    ("publication", "from", "Who is it from? (Name <address@your-domain>; the name is the newsletter's as well)"),
    ("publication", "base_url", "At which address will readers find its own pages? (https://…)"),
    ("publication", "postal_address", "Which postal address stands in the footer? (the law wants one)"),
    ("provider", "name", f"What sends the mail? ({', '.join(PROVIDERS)}; outbox is a folder, nothing leaves)"),
)
Answers = dict[tuple[str, str], str]  #: by table and key


def init(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Take the defaults and ask nothing.")] = False,
) -> None:
    """Ask four questions, then write config.toml, a secret key and an empty database.

    What exists is kept: running it again repairs what is missing and changes nothing else.

    Example: newsletter init --yes
    """
    path = door(context).path
    if path.exists():
        say(f"Kept {path}.")
    else:
        _write_config(path, {} if yes else _asked())
        say(f"Wrote {path}: every setting is in it, with its meaning.")
    config = door(context).config
    engine = door(context).opened(config.database.url)
    say(*raised(engine)[:-1])  # of an older one that was copied; the last line is said below
    make_key(config, engine)
    place = secret_settings.key_file(config) or "the environment"
    say(
        f"The database is ready: {engine.url.render_as_string(hide_password=True)}.",
        f"The secret key is in {place}: keep a copy, suppressions and links depend on it.",
        *_left(config),
        "Next: newsletter comparisons import SOURCE, newsletter subscribers import FILE, newsletter issue draft",
        "Before real mail: newsletter doctor",
    )


def _left(config: settings.Config) -> list[str]:
    """What this provider still needs, which is no answer to a question: a secret, or a server's name."""
    choice = config.provider
    page = f"docs/providers/{choice.name}.md"
    if choice.name == "smtp" and "host" not in choice.options:
        return [f"Name the mail server in [provider.options]: {page}."]
    if choice.key_file and not choice.key_file.exists():
        return [f"Put the key of {choice.name}'s API into {choice.key_file}, for your eyes only: {page}."]
    return []


def _asked() -> Answers:
    """An answer to each question, and what follows from them."""
    defaults = settings.Config()
    answers: Answers = {}
    for table, key, question in QUESTIONS:
        offered = getattr(defaults, table).model_dump(by_alias=True)[key]
        answers[table, key] = typer.prompt(question, default=offered, value_proc=partial(_usable, table, key))
    name, provider = parseaddr(answers["publication", "from"])[0], answers["provider", "name"]
    if name and answers["publication", "from"] != defaults.publication.sender:
        answers["publication", "name"] = name
    if provider not in ("outbox", "smtp"):  # a mail server on this machine wants no password
        answers["provider", "key_file"] = f"data/{provider}.key"
    return answers


def _usable(table: str, key: str, answer: str) -> str:
    """The answer, or the sentence that says what is wrong with it; then it is asked again."""
    try:
        settings.parse(f"[{table}]\n{key} = {json.dumps(answer, ensure_ascii=False)}", "This answer")
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None
    if key == "base_url" and in_clear(answer):
        raise typer.BadParameter(
            "the links of readers hold what lets them leave; over http anybody on the way can read it. Write "
            "https://…, or http://localhost:8000 while you only try things out"
        )
    return answer


def _write_config(path: Path, answers: Answers) -> None:
    """The default settings with these answers in place; refused as a whole if an answer is unusable."""
    text = settings.default_text()
    for (table, key), answer in answers.items():
        text = _with(text, table, key, answer)
    settings.parse(text, str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)


def _with(text: str, table: str, key: str, value: str) -> str:
    """The text with this value in this table; a setting that is commented out is put in force."""
    place = re.compile(rf'^(\[{table}\]\n(?:(?!\[).*\n)*?)(?:# )?{key} = ".*?"', flags=re.MULTILINE)
    quoted = json.dumps(value, ensure_ascii=False)  # as TOML writes it, too
    return place.sub(lambda found: f"{found[1]}{key} = {quoted}", text, count=1)
