"""/healthz and /readyz: what monitors and load balancers ask."""

from pathlib import Path

import httpx
from desk_samples import place
from readers_web import HOST
from sqlalchemy import Engine

from newsletter.web.app import app, serving


def asked(engine: Engine, *trouble: str, path: str = "/readyz") -> tuple[int, str]:
    """Status and body."""
    made = app(place(engine).desk, {}, trouble=lambda: list(trouble))
    with serving(made, "127.0.0.1", 0) as address, httpx.Client(base_url=address, headers=HOST) as client:
        answer = client.get(path)
        return answer.status_code, answer.text


def test_all_is_well(engine: Engine) -> None:
    """In a word."""
    assert asked(engine) == (200, "ready\n")


def test_what_is_wrong_with_the_jobs_is_said(engine: Engine) -> None:
    """503: a load balancer goes elsewhere, a monitor reads on."""
    assert asked(engine, "weekly failed") == (503, "weekly failed\n")


def test_a_database_that_is_none_is_not_ready_and_the_server_is_alive(engine: Engine) -> None:
    """Nothing of where it is: anybody may ask. To restart us would not help, so /healthz says so."""
    engine.dispose()
    file = Path(str(engine.url.database))
    for one in file.parent.glob(f"{file.name}*"):
        one.unlink()
    file.write_text("no database at all" * 100)

    assert asked(engine) == (503, "the database does not answer\n")
    assert asked(engine, "weekly failed", path="/healthz") == (200, "alive\n")
