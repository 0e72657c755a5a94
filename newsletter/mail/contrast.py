"""Contrast of text on its ground, computed from a mail's inline styles, in light and in dark.

WCAG 2.2, 1.4.3: 4.5 to 1, or 3 to 1 for large text. Mail styles are inline, so no browser is needed for it; the tests
ask one (axe) for a second opinion.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

from lxml import etree
from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
DARK = re.compile(r"@media \(prefers-color-scheme: ?dark\) ?\{(.*?\})\s*\}", re.DOTALL)
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
Styles = Mapping[HtmlElement, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Ink:
    """What a text inherits: its colour, the ground behind it, and whether it counts as large."""

    colour: str = "#000000"
    ground: str = "#ffffff"
    pixels: float = 16.0
    bold: bool = False

    @property
    def needs(self) -> float:
        """The least contrast that this text may have."""
        return 3.0 if self.pixels >= (18.66 if self.bold else 24.0) else 4.5


@dataclass(frozen=True, slots=True)
class Faint:
    """A text that is hard to read."""

    text: str
    ink: Ink
    ratio: float


def ratio(one: str, other: str) -> float:
    """The contrast of two colours `#rrggbb`: 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def faint_texts(page: HtmlElement, dark: bool = False) -> Iterator[Faint]:
    """Every visible text whose contrast is too low, each pair of colours once."""
    overrides = _dark_styles(page) if dark else {}
    seen: set[Ink] = set()
    texts: list[tuple[str, Ink]] = []
    _gather(page.find("body"), Ink(), overrides, texts)
    for text, ink in texts:
        if ink not in seen and ratio(ink.colour, ink.ground) < ink.needs:
            yield Faint(text, ink, ratio(ink.colour, ink.ground))
        seen.add(ink)


@lru_cache(maxsize=4_096)
def declarations(style: str) -> Mapping[str, str]:
    """The declarations of a style attribute; of a repeated property the last. A page has few that differ."""
    pairs = (part.partition(":") for part in style.split(";") if ":" in part)
    return {name.strip().lower(): value.replace("!important", "").strip() for name, _, value in pairs}


def _dark_styles(page: HtmlElement) -> Styles:
    css = "".join(style.text or "" for style in page.iter("style"))
    found: dict[HtmlElement, dict[str, str]] = {}
    for block in DARK.findall(css):
        for selector, body in RULE.findall(block):
            for element in cast("list[HtmlElement]", _selected(selector.strip())(page)):
                found.setdefault(element, {}).update(declarations(body))
    return found


@lru_cache(maxsize=256)
def _selected(selector: str) -> CSSSelector:
    """The same in all parts of an issue: made once."""
    return CSSSelector(selector, translator="html")


def _gather(element: HtmlElement, ink: Ink, overrides: Styles, found: list[tuple[str, Ink]]) -> None:
    """Add each text within it, with its ink. Into a list: a page of tables in tables is twenty generators deep."""
    style = declarations(element.get("style", ""))
    if dark := overrides.get(element):
        style = {**style, **dark}
    if style.get("display") == "none":
        return
    inner = _styled(element, ink, style)
    if element.text and (text := element.text.strip()):
        found.append((text, inner))
    for child in element.iterchildren(etree.Element):
        _gather(child, inner, overrides, found)
        if child.tail and (text := child.tail.strip()):
            found.append((text, inner))


def _styled(element: HtmlElement, ink: Ink, style: Mapping[str, str]) -> Ink:
    new: dict[str, Any] = {}
    if colour := COLOUR.search(style.get("color", "")):
        new["colour"] = colour[0]
    ground = style.get("background-color") or style.get("background") or element.get("bgcolor", "")
    if found := COLOUR.search(ground):
        new["ground"] = found[0]
    if (size := style.get("font-size", "")).endswith("px"):
        new["pixels"] = float(size[:-2])
    if element.tag in ("b", "strong", "h1", "h2", "h3", "th"):
        new["bold"] = True
    if weight := style.get("font-weight"):
        new["bold"] = weight in ("bold", "600", "700", "800", "900")
    return replace(ink, **new) if new else ink


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)  # noqa: PLR2004
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
