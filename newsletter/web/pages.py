"""Pages for readers: Jinja templates and one style sheet, all from our own host, no script.

The style sheet's address is a hash of its content, so that it is kept for ever and never out of date.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from newsletter.config import Publication
from newsletter.issues.readers_votes import labelled
from newsletter.mail import links, wording
from newsletter.web.armour import SECRET

FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Pages:
    """The templates, and what every page says of the publication."""

    folder: Path  #: that `web/` is in
    publication: Publication

    def filled(self, name: str, **words: Any) -> str:
        """The template with these words."""
        return self._environment.get_template(name).render(words)

    def page(self, name: str, status: int = 200, **words: Any) -> HTMLResponse:
        """A page that anybody may see."""
        return HTMLResponse(self.filled(name, **words), status)

    def secret(self, name: str, status: int = 200, **words: Any) -> HTMLResponse:
        """A page behind a token: kept nowhere, found by no search engine, its address told to nobody."""
        return HTMLResponse(self.filled(name, **words, noindex=True), status, headers=SECRET)

    def sorry(
        self,
        status: int,
        sentence: str,
        heading: str = "This did not work",
        *,
        headers: Mapping[str, str] | None = None,
        sign_up: bool = False,
        issues: bool = False,
    ) -> HTMLResponse:
        """A page that says what is wrong, if wanted with the way to the form or to all issues.

        Kept nowhere: its address may have a token.
        """
        ways = {"sign_up": sign_up, "issues": issues}
        page = self.secret("sorry.html", status, heading=heading, sentence=sentence, **ways)
        page.headers.update(headers or {})
        return page

    async def look(self, request: Request) -> Response:
        """The style sheet."""
        if request.path_params["name"] != self.sheet:
            return self.sorry(404, "There is nothing at this address.")
        return Response(self._style, media_type="text/css", headers={"Cache-Control": FOR_EVER})

    @cached_property
    def sheet(self) -> str:
        """The name of the style sheet."""
        return f"{hashlib.sha256(self._style).hexdigest()[:16]}.css"

    @cached_property
    def _style(self) -> bytes:
        return (self.folder / "web" / "look.css").read_bytes()

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(self.folder / "web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {"safe_link": links.safe, "in_words": wording.date_in_words, "labelled": labelled}
        environment.globals |= {"publication": self.publication, "sheet": self.sheet, "noindex": False}
        return environment
