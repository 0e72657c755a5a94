"""Putting our class styles on the elements, with premailer, behind one function.

MRML inlines the styles of its own components; what is left is our CSS on hand-written HTML. Premailer's defaults
would drop the doctype, undo dark mode and inline MRML's resets 295 times, hence the settings (rendering reference,
section 3).
css-inline gives the same result and serves as the oracle in the tests.
"""

import logging
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

from newsletter.errors import TemplateError

#: Classes only: what cannot be inlined belongs into the kept <style> of the head.
SIMPLE_RULE = re.compile(r"\s*\.[a-z][a-z0-9-]*(?:\s*,\s*\.[a-z][a-z0-9-]*)*\s*\{[^{}@]*\}\s*")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)
#: A whole tag. Words that look like attributes are not in one: lxml writes every `<` of a text as an entity.
TAG = re.compile(r"""<[a-zA-Z][^\s<>]*(?:\s+[^\s=<>"']+(?:="[^"]*"|='[^']*')?)+\s*/?>""")
KEPT = '<style data-premailer="ignore"'
SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "keep_style_tags": False,
        "strip_important": False,
        "remove_classes": False,
        "disable_validation": True,
        "disable_leftover_css": True,
        "align_floating_images": False,
        "disable_basic_attributes": ["align", "valign", "width", "height", "bgcolor"],
        "allow_network": False,
        "allow_loading_external_files": False,
        "base_url": None,
        "cssutils_logging_level": logging.CRITICAL,
        "cache_css_parsing": True,
    }
)


def inline(html: str, css: str) -> str:
    """The document with these class rules on its elements; its own <style> elements stay as they are.

    Raises TemplateError for a rule that is not a list of single classes.
    """
    css = COMMENT.sub("", css)
    _refuse_complex(css)
    html = re.sub(r"<!doctype html>", "<!DOCTYPE html>", html, count=1, flags=re.IGNORECASE)
    html = html.replace("<style", KEPT)
    inlined = _premailer()(html, css_text=[css], **SETTINGS).transform(pretty_print=False)
    return str(inlined).replace(KEPT, "<style")


@cache
def _premailer() -> Any:
    """The class, loaded with the first page: it brings much along, and most commands inline nothing.

    It takes our rules apart once for all parts of an issue, and not for each: a fifth of what a page costs here.
    """
    import_module("cssutils").ser.prefs.minimizeColorHash = False  # Outlook wants all six digits
    plain = import_module("premailer").Premailer
    known = lru_cache(maxsize=16)(lambda css, at: plain("", **SETTINGS)._parse_style_rules(css, at))  # noqa: SLF001

    def once(_: object, css: str, at: int) -> tuple[list[Any], list[Any]]:
        rules, leftover = known(css, at)
        return [*rules], [*leftover]

    return type("Premailer", (plain,), {"_parse_style_rules": once})


def squeeze(html: str) -> str:
    """The same page in fewer bytes: classes that the kept <style> does not name, and blanks in styles, go."""
    named = set(re.findall(r"\.([a-zA-Z][\w-]*)", "".join(STYLE.findall(html))))
    html = TAG.sub(lambda tag: _tight_tag(tag[0], named), html)
    return re.sub(r">\s+<", ">\n<", html).strip() + "\n"


def _refuse_complex(css: str) -> None:
    rest = SIMPLE_RULE.sub("", css)
    if rest.strip():
        raise TemplateError(
            f"The inlined CSS may only have rules for single classes, not: {rest.strip()[:80]}. "
            f"Put pseudo-classes, elements and media queries into the head's CSS."
        )


def _tight_tag(tag: str, named: set[str]) -> str:
    tag = re.sub(r' class="([^"]*)"', lambda match: _kept_classes(match[1], named), tag)
    return re.sub(r' style="([^"]*)"', lambda match: f' style="{_tight(match[1])}"', tag)


def _kept_classes(value: str, named: set[str]) -> str:
    kept = [word for word in value.split() if word in named]
    return f' class="{" ".join(kept)}"' if kept else ""


@lru_cache(maxsize=4_096)
def _tight(style: str) -> str:
    return re.sub(r"\s*([:;,])\s*", r"\1", style).rstrip(";")
