"""The frozen issue as a template of Amazon SES: `{{name}}` where a value goes, and nothing else that Handlebars reads.

Handlebars reads `{{`, and also what touches one of its own braces: `{` before it makes three, `}` after it too, and a
backslash before it switches it off. Such characters become values themselves (`{{open}}`), and a value is not read
again: so the reader sees them unchanged in HTML, styles, text and subject alike.
"""

import re
from collections.abc import Callable

from newsletter.mail.merging import Segments

CHARACTERS = {"{": "open", "}": "close", "\\": "backslash"}
_RUN = re.compile(r"[{}\\]+")


def template(segments: Segments, placeholder: Callable[[str], str]) -> str:
    """The text with the placeholder's names in braces where the values go."""
    last = len(segments.parts) - 1
    parts = tuple(_neutral(part, after=at > 0, before=at < last) for at, part in enumerate(segments.parts))
    names = {name: variable(placeholder(name)) for name in segments.names}
    return Segments(parts, segments.names).filled(names)


def variable(name: str) -> str:
    """How the template says a value."""
    return f"{{{{{name}}}}}"


def constants(*templates: str) -> dict[str, str]:
    """The characters that these templates take as values, by name: each recipient's data needs them."""
    return {
        name: character for character, name in CHARACTERS.items() if any(variable(name) in each for each in templates)
    }


def _neutral(part: str, *, after: bool, before: bool) -> str:
    """One piece between two values: `after` one, `before` one, or at an end."""

    def written(found: re.Match[str]) -> str:
        touches = (after and found.start() == 0) or (before and found.end() == len(part))
        read = touches or "{{" in found[0]
        return "".join(variable(CHARACTERS[character]) for character in found[0]) if read else found[0]

    return _RUN.sub(written, part)
