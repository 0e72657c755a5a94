"""Write the next revision from what changed in the table modules: python -m newsletter.migrations "What changed"."""

import sys
import tempfile
from pathlib import Path

from alembic import command

from newsletter.database import engine_for
from newsletter.migrations import HERE, settings, upgrade

number = f"{1 + len(list((HERE / 'versions').glob('*.py'))):04}"
with tempfile.TemporaryDirectory() as folder:
    engine = engine_for(f"sqlite:///{Path(folder) / 'revision.db'}")
    if number != "0001":
        upgrade(engine)
    with engine.begin() as connection:
        command.revision(settings(connection), message=" ".join(sys.argv[1:]), autogenerate=True, rev_id=number)
