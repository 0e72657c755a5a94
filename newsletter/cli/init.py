"""`newsletter init`: write config.toml, the secret key and the database."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from newsletter import config as settings
from newsletter.cli.door import door, make_key
from newsletter.cli.output import say
from newsletter.errors import ConfigError
from newsletter.migrations import upgrade

QUESTIONS = (
    ("name", "What is the newsletter called?"),
    ("from", "Who is it from? (Name <address@your-domain>)"),
    ("base_url", "Where will its own pages live? (https://…)"),
    ("postal_address", "Which postal address stands in the footer? (the law wants one)"),
)


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
        _write_config(path, {} if yes else _ask())
        say(f"Wrote {path}: every setting is in it, with its meaning.")
    config = door(context).config
    engine = door(context).opened(config.database.url)
    upgrade(engine)
    make_key(config, engine)
    place = settings.key_file(config) or "the environment"
    say(
        f"The database is ready: {engine.url.render_as_string(hide_password=True)}.",
        f"The secret key is in {place}: keep a copy, suppressions and links depend on it.",
        "Next: newsletter comparisons import SOURCE, newsletter subscribers import FILE, newsletter issue draft",
    )


def _ask() -> dict[str, str]:
    defaults = settings.Publication()
    offered = {"name": defaults.name, "from": defaults.sender, "base_url": defaults.base_url, "postal_address": ""}
    return {
        key: typer.prompt(question, default=offered[key], value_proc=partial(_usable, key))
        for key, question in QUESTIONS
    }


def _usable(key: str, answer: str) -> str:
    """The answer, or the sentence that says what is wrong with it; then it is asked again."""
    try:
        settings.parse(f"[publication]\n{key} = {json.dumps(answer)}", "This answer")
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None
    if key == "base_url" and settings.in_clear(answer):
        raise typer.BadParameter(
            "the links of readers hold what lets them leave; over http anybody on the way can read it. Write "
            "https://…, or http://localhost:8000 while you only try things out"
        )
    return answer


def _write_config(path: Path, answers: dict[str, str]) -> None:
    """The default settings with these answers in place; refused as a whole if an answer is unusable."""
    text = settings.default_text()
    for key, answer in answers.items():
        quoted = '"' + answer.replace("\\", "\\\\").replace('"', '\\"') + '"'
        text = re.sub(rf'^{key} = ".*?"', lambda _, k=key, q=quoted: f"{k} = {q}", text, count=1, flags=re.MULTILINE)  # type: ignore[misc]
    settings.parse(text, str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
