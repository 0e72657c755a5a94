"""An issue as the preflight looks at it: the words, and the page merged with the longest values that can occur."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from lxml.html import HtmlElement, document_fromstring
from pydantic import BaseModel

from newsletter.config import Publication
from newsletter.errors import MergeError
from newsletter.issues.composition import Composition
from newsletter.mail import links
from newsletter.mail.merging import Merged, Merger
from newsletter.mail.rendered import FieldKind, RenderedIssue

LOCAL_HOSTS = ("localhost", "127.0.0.1")
LONGEST_PATH = 200  #: characters of a signed link of ours, generously


@dataclass(frozen=True)
class Proof:
    """One issue to be checked."""

    rendered: RenderedIssue
    composition: Composition
    publication: Publication

    @property
    def local(self) -> bool:
        """Whether the newsletter's own pages are on this machine only, as in the demo."""
        return links.host(self.publication.base_url) in LOCAL_HOSTS

    @cached_property
    def merge_problem(self) -> str:
        """Why the issue cannot be merged; empty if it can."""
        try:
            Merger(self.rendered)
        except MergeError as error:
            return str(error)
        return ""

    @cached_property
    def merged(self) -> Merged:
        """Both parts with the longest values; as they are where they cannot be merged."""
        if self.merge_problem:
            return Merged(self.rendered.html, self.rendered.text)
        merger = Merger(self.rendered)
        return merger.merge(
            {
                field.name: f"https://news.example.org/{field.name}/".ljust(LONGEST_PATH, "x")
                if field.kind is FieldKind.URL
                else "&" * field.longest
                for field in merger.fields
            }
        )

    @cached_property
    def page(self) -> HtmlElement:
        """The merged HTML, parsed."""
        return document_fromstring(self.merged.html, ensure_head_body=True)

    @cached_property
    def hrefs(self) -> tuple[tuple[str, str], ...]:
        """Every link as (address, words): its label, which screen readers read instead of the visible words, if any."""
        return tuple(
            (a.get("href", ""), " ".join((a.get("aria-label") or a.text_content()).split()))
            for a in self.page.iter("a")
        )

    @cached_property
    def words(self) -> str:
        """All text that went into the issue, to tell a leak of the renderer from a writer's own characters."""
        return "\n".join(_strings(self.composition)) + "\n".join(_strings(self.publication))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, BaseModel):
        for _, part in value:
            yield from _strings(part)
