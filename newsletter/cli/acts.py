"""`newsletter acts`: who did what."""

import getpass
from typing import Annotated

import typer
from sqlalchemy import Engine

from newsletter.cli.door import Json, door, now
from newsletter.cli.output import rows
from newsletter.database import reading, transaction
from newsletter.desk.acts import acts as newest
from newsletter.desk.acts import note


def acts(
    context: typer.Context,
    most: Annotated[int, typer.Option(help="How many.", min=1)] = 50,
    json: Json = False,
) -> None:
    """Who imported, exported, suppressed, approved or sent what, newest first. Nobody can change it afterwards.

    Example: newsletter acts --most 10
    """
    with reading(door(context).engine()) as session:
        found = [{"at": one.at, "by": one.by, "what": one.what, "about": one.about} for one in newest(session, most)]
    rows(found, json_wanted=json, nothing="Nobody has done anything yet.")


def noted(engine: Engine, what: str, about: str = "", by: str = "") -> None:
    """Write down what a command did; without a name, by the user of this machine."""
    with transaction(engine) as session:
        note(session, what, about, by=by or getpass.getuser(), now=now())
