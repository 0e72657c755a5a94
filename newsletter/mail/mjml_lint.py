"""What MRML accepts in silence and renders wrong, found in our templates before it is rendered.

MRML knows no unknown tag, no unknown attribute and no line number; each rule here is one of its defects (rendering
reference, section 2). Jinja's own marks are blanked first, so that line numbers stay those of the file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

_BOX = {"padding", "css-class", "mj-class", "background-color"}
_TEXT = {"font-family", "font-size", "line-height", "color", "align", "font-weight"}
#: The MJML that our mails use. A tag joins this list when its output has been looked at.
ALLOWED: dict[str, set[str]] = {
    "mjml": {"lang", "dir"},
    "mj-head": set(),
    "mj-title": set(),
    "mj-breakpoint": {"width"},
    "mj-attributes": set(),
    "mj-all": {"font-family"},
    "mj-style": set(),
    "mj-raw": set(),
    "mj-body": {"width", "background-color", "css-class"},
    "mj-section": _BOX | {"border-radius", "full-width", "text-align"},
    "mj-column": _BOX | {"width", "vertical-align", "border-radius", "inner-background-color"},
    "mj-text": _BOX | _TEXT,
    "mj-divider": _BOX | {"border-width", "border-color", "border-style", "width"},
    "mj-spacer": _BOX | {"height"},
}
REASONS = {
    "mj-include": "in the body it loses the container width; use Jinja's include",
    "mj-preview": "it is white on white; use parts/preheader.mjml",
    "mj-table": "it drops role and needs the same CSS; write a <table> in mj-text",
    "mj-html-attributes": "MRML refuses it",
}
LENGTH = re.compile(r"-?[0-9.]+(?:px|%)")
JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
SINGLE_QUOTED = re.compile(r"<[a-zA-Z][^<>]*\s[\w-]+='")
UNQUOTED = re.compile(r"<[a-zA-Z][^<>]*\s[\w-]+=(?![\"'])[^\s<>]")
QUOTED = re.compile(r'"[^"<>]*"')
VOID = {"br", "hr", "img", "meta", "link", "col", "input", "area", "base", "wbr"}


@dataclass(frozen=True, slots=True)
class Complaint:
    """A place in a template that MRML would render wrong."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.message}"


def lint_folder(folder: Path) -> tuple[Complaint, ...]:
    """What is wrong in the `.mjml` files below this folder, by file and line."""
    return tuple(
        complaint
        for path in sorted(folder.rglob("*.mjml"))
        for complaint in lint(path.read_text(encoding="utf-8"), path.relative_to(folder).as_posix())
    )


def lint(source: str, file: str = "template") -> tuple[Complaint, ...]:
    """What is wrong in one MJML template (with its Jinja marks), in the order of lines."""
    blanked = JINJA.sub(_blank, source)
    reader = _Reader()
    reader.feed(blanked)
    reader.close()
    found = [*reader.found, *_line_rules(QUOTED.sub(_emptied, blanked))]
    return tuple(Complaint(file, line, message) for line, message in sorted(set(found)))


def _blank(mark: re.Match[str]) -> str:
    """An expression becomes a word, a statement becomes nothing; both keep their line breaks."""
    return ("x" if mark[0].startswith("{{") else "") + "\n" * mark[0].count("\n")


def _emptied(value: re.Match[str]) -> str:
    """A quoted value without its words: what looks like an attribute inside it is none."""
    return '"' + "\n" * value[0].count("\n") + "\\" * ("\\" in value[0]) + '"'


def _line_rules(source: str) -> Iterator[tuple[int, str]]:
    rules = (
        (SINGLE_QUOTED, 'an attribute in single quotes ends at the first " in its value; use double quotes'),
        (UNQUOTED, "an attribute without quotes does not compile; use double quotes"),
        (re.compile(r"\\"), "a backslash is doubled by MRML; write &#92;"),
        (re.compile(r"<!\[CDATA\[|<\?xml"), "CDATA and XML declarations do not compile"),
    )
    for pattern, message in rules:
        for match in pattern.finditer(source):
            yield source.count("\n", 0, match.end() - 1) + 1, message


class _Reader(HTMLParser):
    """Reads a template tag by tag; macros may open what others close, so nesting is left to the compiler."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(self.getpos()[0], message) for message in _tag_rules(tag, attrs)]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if not tag.startswith("mj") and tag not in VOID:
            self.found.append((self.getpos()[0], f"<{tag} /> is not empty in HTML; close it with </{tag}>"))

    def handle_data(self, data: str) -> None:
        if "<" in data:
            line = self.getpos()[0] + data.count("\n", 0, data.index("<"))
            self.found.append((line, "a bare '<' does not compile; write &lt;"))


def _tag_rules(tag: str, attrs: list[tuple[str, str | None]]) -> Iterator[str]:
    if tag in REASONS:
        yield f"do not use <{tag}>: {REASONS[tag]}"
    elif tag.startswith("mj"):
        yield from _mj_rules(tag, attrs)
    elif tag == "table" and "role" not in dict(attrs) and dict(attrs).get("class") is None:
        yield 'a layout <table> needs role="presentation", a data table a class'
    names = [name for name, _ in attrs]
    yield from (f"{name} is written twice on <{tag}>" for name in sorted(set(names)) if names.count(name) > 1)


def _mj_rules(tag: str, attrs: list[tuple[str, str | None]]) -> Iterator[str]:
    if tag not in ALLOWED:
        yield f"<{tag}> is not on the list of tags that we use and have looked at"
        return
    for name, value in attrs:
        if name not in ALLOWED[tag]:
            yield f"<{tag}> takes no {name} here; there are: {', '.join(sorted(ALLOWED[tag])) or 'none'}"
        elif name == "padding" and not all(LENGTH.fullmatch(part) for part in (value or "").split(" ")):
            yield f'padding="{value}" makes MRML miscount widths: write a unit everywhere (0px), one blank between'
        elif name == "mj-class" and " " in (value or ""):
            yield "with several mj-class names MRML lets the first one win; use one"
