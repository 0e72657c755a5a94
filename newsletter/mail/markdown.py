"""The editor's intro: Markdown to HTML and to plain text.

Raw HTML is off, and what comes out is cleaned by an allow-list once more (security reference, S-25). `{name}` in words
(not in code, not in an address) becomes the merge field's token.
"""

import re
from collections.abc import Iterator

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from newsletter.mail.links import safe_in_markdown

LONGEST = 20_000  #: characters; an intro is a few paragraphs
TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "a", "ul", "ol", "li", "blockquote", "hr"}
ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),  # nh3 would let title and lang through
    "a": {"href"},
    "ol": {"start"},
}
NAME = "{name}"
#: What looks like a merge field to an editor: "{Name}", "{{name}}", "{ first name }".
PLACEHOLDER = re.compile(r"\{{1,3}[ \t]{0,3}[^\W\d][\w .-]{0,40}\}{1,3}")
#: What the parser below does not know, by the token that a parser which does makes of it.
UNSUPPORTED = {
    "heading_open": "headings",
    "table_open": "tables",
    "image": "images",
    "html_block": "HTML",
    "html_inline": "HTML",
    "s_open": "struck words",
}

#: No images (none are needed, and they are fetched), no headings (the issue has its own), no tables.
PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": 12}).disable(
    ["image", "heading", "lheading", "reference", "html_block", "html_inline"]
)
PARSER.validateLink = safe_in_markdown  # type: ignore[method-assign]

EVERYTHING = MarkdownIt("commonmark", {"maxNesting": 12}).enable(["table", "strikethrough"])


def to_html(source: str, name_token: str) -> str:
    """Clean HTML without attributes other than href and start. `name_token` stands where `{name}` stood."""
    tokens = _parsed(source)
    for token in _texts(tokens):
        token.content = token.content.replace(NAME, name_token)
    html = PARSER.renderer.render(tokens, PARSER.options, {})
    return nh3.clean(
        html, tags=TAGS, attributes=ATTRIBUTES, url_schemes={"http", "https", "mailto"}, link_rel="noopener nofollow"
    ).strip()


def to_text(source: str, name_token: str) -> list[str]:
    """The paragraphs as plain lines: emphasis gone, list items with a dash, each address after its words."""
    paragraphs: list[str] = []
    prefix = ""
    for token in _parsed(source):
        if token.type == "list_item_open":
            prefix = f"{token.info}. " if token.info else "- "
        elif token.type == "inline":
            paragraphs.append(prefix + _inline_text(token, name_token))
            prefix = "  " if prefix else ""
        elif token.type in ("fence", "code_block"):
            paragraphs.append(token.content.rstrip("\n"))
        elif token.type == "list_item_close":
            prefix = ""
    return paragraphs


def uses_name(source: str) -> bool:
    """Whether the intro greets the reader by name."""
    return any(NAME in token.content for token in _texts(_parsed(source)))


def placeholders(source: str) -> list[str]:
    """What looks like a merge field in the intro's words and is none: `{name}` is the only one there is."""
    words = "\n".join(token.content for token in _texts(_parsed(source)))
    return [found for found in dict.fromkeys(PLACEHOLDER.findall(words)) if found != NAME]


def unsupported(source: str) -> list[str]:
    """What Markdown in the intro is shown as it was typed, like "headings"."""
    environment: dict[str, object] = {}
    tokens = EVERYTHING.parse(source[:LONGEST], environment)
    kinds = [UNSUPPORTED.get(token.type, "") for token in _flat(tokens)]
    named = ["named links"] if environment.get("references") else []
    return [kind for kind in dict.fromkeys([*kinds, *named]) if kind]


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or []


def _parsed(source: str) -> list[Token]:
    return PARSER.parse(source[:LONGEST])


def _texts(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or [] if child.type == "text"]


def _inline_text(inline: Token, name_token: str) -> str:
    pieces: list[str] = []
    href = ""
    for token in inline.children or []:
        if token.type == "text":
            pieces.append(token.content.replace(NAME, name_token))
        elif token.type == "code_inline":
            pieces.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            pieces.append(" " if token.type == "softbreak" else "\n")
        elif token.type == "link_open":
            href = str(token.attrs.get("href", ""))
        elif token.type == "link_close":
            pieces.append("" if pieces and pieces[-1] == href else f" ({href})")
    return "".join(pieces)
