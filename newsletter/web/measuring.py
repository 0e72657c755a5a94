"""/metrics, on an address of its own: what Prometheus asks. Not on the readers' server, where a proxy would hand it on.

On loopback without a key it answers to loopback's names alone, so that no page in a browser there can read it by a name
that leads to 127.0.0.1. Anywhere else, and wherever a key is set, the key is asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from newsletter.errors import ConfigError, DatabaseError
from newsletter.web.armour import LOOPBACK, name_in


def metrics_app(text: Callable[[], bytes], content_type: str, host: str, key: str) -> ASGIApp:
    """The application: `text` makes all of it. Raises ConfigError for an address of others without a key."""
    if host not in LOOPBACK and not key:
        raise ConfigError(
            f"metrics.host is {host}, where others can ask: set NEWSLETTER_METRICS_KEY, or metrics.key_file. "
            "'openssl rand -hex 32' makes a key."
        )
    return Starlette(routes=[Route("/metrics", _Metrics(text, content_type, key.encode()).__call__)])


@dataclass(frozen=True, slots=True)
class _Metrics:
    text: Callable[[], bytes]
    content_type: str
    key: bytes

    async def __call__(self, request: Request) -> Response:
        """200, 401 without the key, 403 under a name that is not loopback's, 503 where the database does not answer."""
        if self.key and not self._has_key(request):
            return PlainTextResponse("", HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": "Bearer"})
        if not self.key and name_in(request.headers.get("host", "")) not in LOOPBACK:
            return PlainTextResponse("", HTTPStatus.FORBIDDEN)
        try:
            content = await run_in_threadpool(self.text)
        except DatabaseError:
            return PlainTextResponse("the database does not answer\n", HTTPStatus.SERVICE_UNAVAILABLE)
        return Response(content, media_type=self.content_type, headers={"Cache-Control": "no-store"})

    def _has_key(self, request: Request) -> bool:
        """Compared as bytes, in constant time: a header may hold anything (security reference, S-46)."""
        given = request.headers.get("authorization", "").encode("latin-1")
        return compare_digest(given, b"Bearer " + self.key)
