"""Checks of the page: size, structure, links, contrast, and what a renderer can leak."""

import re
from collections.abc import Iterator
from itertools import pairwise

from lxml.html import HtmlElement

from newsletter.mail import links
from newsletter.mail.contrast import faint_texts
from newsletter.mail.proof import LOCAL_HOSTS, Proof
from newsletter.mail.rendered import Finding, Level

ERROR, WARNING = Level.ERROR, Level.WARNING
CLIPPED_AT, WARN_AT = 100 * 1024, 80 * 1024  #: Gmail clips at 102,400 bytes and hides the footer
STYLE_LIMIT = 16 * 1024  #: Gmail drops every <style> beyond it (hteumeuleu/email-bugs #90)
VAGUE = {"click here", "here", "read more", "more", "link", "this", "this link"}
PLACEHOLDER = re.compile(r"^$|^#|\{\{|\}\}|%7B%7B|\[\[|\*\||TODO|^javascript:|^data:", re.IGNORECASE)
C1 = re.compile("[\x80-\x9f]")
LEAKS = ("\\u{", "\\n", "\\t", '\\"')  #: how MRML prints what it should have passed through


def size(proof: Proof) -> Iterator[Finding]:
    """Gmail clips a mail above 100 KB and hides its footer."""
    length = len(proof.merged.html.encode())
    if length > CLIPPED_AT:
        yield Finding(ERROR, "too-large", f"The HTML is {length // 1024} KB with the longest values; Gmail clips "
                      f"above 100 KB. Drop an item or shorten its texts.")  # fmt: skip
    elif length > WARN_AT:
        yield Finding(WARNING, "large", f"The HTML is {length // 1024} KB; above 100 KB Gmail clips it.")


def frame(proof: Proof) -> Iterator[Finding]:
    """Doctype, language, title."""
    if not proof.merged.html.lower().startswith("<!doctype html>"):
        yield Finding(ERROR, "doctype", "The HTML does not start with <!DOCTYPE html>: mail programs use quirks mode.")
    if proof.page.get("lang", "und") in ("", "und"):
        yield Finding(ERROR, "lang", "The page names no language; set publication.language.")
    if not (proof.page.findtext(".//title") or "").strip():
        yield Finding(ERROR, "title", "The page has no title; give the issue a subject.")


def headings(proof: Proof) -> Iterator[Finding]:
    """One h1, and no level left out."""
    levels = [int(heading.tag[1]) for heading in proof.page.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    if levels.count(1) != 1:
        yield Finding(ERROR, "h1", f"The page has {levels.count(1)} first-level headings; it needs one.")
    if any(after > before + 1 for before, after in pairwise(levels)):
        yield Finding(WARNING, "heading-order", "A heading skips a level; screen readers announce a gap.")


def images(proof: Proof) -> Iterator[Finding]:
    """Words for who does not see them, a width for Outlook."""
    for image in proof.page.iter("img"):
        if image.get("alt") is None:
            yield Finding(ERROR, "alt", 'An image has no alt; write alt="" for decoration.', image.get("src", ""))
        if not image.get("width"):
            yield Finding(WARNING, "image-width", "An image has no width; Outlook shows its full size.")


def tables(proof: Proof) -> Iterator[Finding]:
    """Layout tables say so; data tables have headers with a scope."""
    for table in proof.page.iter("table"):
        role, cells = table.get("role"), _headers(table)
        if cells and role:
            yield Finding(ERROR, "data-table-role", f"A table with headers has role={role}: its headers are not read.")
        if not cells and role not in ("presentation", "none"):
            yield Finding(WARNING, "layout-table", "A layout table has no role=presentation.")
        if any(cell.get("scope") not in ("row", "col", "rowgroup", "colgroup") for cell in cells):
            yield Finding(WARNING, "th-scope", "A table header has no scope.")


def link_targets(proof: Proof) -> Iterator[Finding]:
    """Every link leads somewhere, over https."""
    for href, words in proof.hrefs:
        if PLACEHOLDER.search(href):
            yield Finding(ERROR, "empty-link", f"The link '{words}' leads nowhere.", href)
        elif links.host(href) in LOCAL_HOSTS:
            level = WARNING if proof.local else ERROR
            yield Finding(level, "local-link", f"The link '{words}' leads to this machine.", href)
        elif href.startswith("http://"):
            yield Finding(ERROR, "http-link", f"The link '{words}' is not https.", href)


def link_words(proof: Proof) -> Iterator[Finding]:
    """Every link can be told from the others by its words."""
    targets: dict[str, str] = {}
    for href, words in proof.hrefs:
        if not words or words.lower() in VAGUE:
            yield Finding(WARNING, "link-words", f"The words '{words}' do not say where the link leads.", href)
        elif targets.setdefault(words, href) != href:
            yield Finding(WARNING, "same-words", f"'{words}' leads to two addresses.", href)


def contrast(proof: Proof) -> Iterator[Finding]:
    """Text that can be read, in light and in dark."""
    for dark in (False, True):
        for faint in faint_texts(proof.page, dark=dark):
            yield Finding(ERROR, "contrast", f"'{faint.text[:40]}' has a contrast of {faint.ratio:.1f} to 1 in "
                          f"{'dark' if dark else 'light'} mode ({faint.ink.colour} on {faint.ink.ground}); "
                          f"it needs {faint.ink.needs}.")  # fmt: skip


def leaks(proof: Proof) -> Iterator[Finding]:
    """Nothing that the renderer made of somebody's characters."""
    if C1.search(proof.merged.html + proof.merged.text):
        yield Finding(ERROR, "control-character", "There is a C1 control character; Gmail clips the mail there.")
    for leak in LEAKS:
        if leak in proof.merged.html and leak not in proof.words:
            yield Finding(ERROR, "leak", f"The compiler printed {leak} instead of a character.")


def head_styles(proof: Proof) -> Iterator[Finding]:
    """What makes Gmail drop the whole <style>."""
    css = "".join(style.text or "" for style in proof.page.iter("style"))
    if len(css.encode()) > STYLE_LIMIT:
        yield Finding(ERROR, "style-size", "The <style> elements exceed 16 KB; Gmail drops what is beyond.")
    if _nested_at_rule(css):
        yield Finding(ERROR, "nested-at-rule", "An @ rule stands inside an @ rule; Gmail drops the whole <style>.")


def _headers(table: HtmlElement) -> list[HtmlElement]:
    return [cell for cell in table.iter("th") if next(cell.iterancestors("table")) is table]


def _nested_at_rule(css: str) -> bool:
    depth = 0
    for mark in re.findall(r"[@{}]", css):
        if mark == "@" and depth:
            return True
        depth += (mark == "{") - (mark == "}")
    return False
