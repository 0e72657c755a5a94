"""The web server: for now the providers' webhooks, and whether we are alive."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from newsletter.config import Config, ProviderChoice
from newsletter.desk.desk import Desk
from newsletter.providers.catalogue import APIS, hears, hook_of, hook_proof, hook_secrets
from newsletter.web import patience
from newsletter.web.gathering import Gathering
from newsletter.web.hooks import Door, Hooks, stored_by

#: Requests at once; a provider that finds us busy tries again.
AT_ONCE = 200


def app(desk: Desk, doors: dict[str, Door]) -> ASGIApp:
    """The application over this desk."""
    hooks = Hooks(desk, doors, desk.config.web.most_bytes, Gathering(stored_by(desk)))
    return Starlette(
        routes=[
            Route("/hooks/{provider}", hooks.__call__, methods=["POST", "HEAD"]),
            Route("/healthz", _alive, methods=["GET", "HEAD"]),
        ]
    )


def doors_of(config: Config) -> dict[str, Door]:
    """The webhooks of the providers that are configured. Raises ProviderError for an option that is not known."""
    chosen = [choice for choice in (config.provider, config.fallback) if choice and choice.name in APIS]
    return {choice.name: _door(choice, "fallback" if choice is config.fallback else "provider") for choice in chosen}


def _door(choice: ProviderChoice, table: str) -> Door:
    hook, proof = hook_of(choice.name, choice.options), hook_proof(choice.name, table)
    return Door(hook, hook_secrets(choice.name), proof, closed=not hears(choice))


@contextmanager
def serving(
    application: ASGIApp, host: str, port: int, *, longest_head: float = patience.LONGEST_HEAD
) -> Iterator[str]:
    """The application in a thread, for as long as the block; gives its address. Raises OSError if that is taken.

    Port 0 is any that is free. `longest_head`: seconds that the head of a request may take.
    """
    settings = uvicorn.Config(
        application,
        http=patience.impatient(longest_head),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=AT_ONCE,
        timeout_keep_alive=5,
        lifespan="off",
    )
    bound = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


async def _alive(_: Request) -> Response:
    return PlainTextResponse("alive\n", HTTPStatus.OK)
