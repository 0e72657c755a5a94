"""The frozen issue as a template of Brevo: `{{params.name}}` where a value goes, and nothing else that Brevo reads.

Brevo's language reads `{{`, `{%` and `{#`, and what touches its own braces. Such a brace becomes a value itself
(`{{params.open}}`), and a value is not read again: so the reader sees it unchanged, in styles and subjects too.

Brevo escapes every value for HTML by default (its help, "Disable auto-escaping"), in whatever part; words are escaped
here, where they stand in HTML, so this is switched off around them. Links need it nowhere.
"""

import re
from collections.abc import Callable

from newsletter.mail.merging import Segments

CHARACTERS = {"{": "open", "}": "close"}
_RUN = re.compile(r"([{}]+)([%#]?)")


def template(segments: Segments, placeholder: Callable[[str], str]) -> str:
    """The text with what the placeholder gives where the values go."""
    last = len(segments.parts) - 1
    parts = tuple(_neutral(part, after=at > 0, before=at < last) for at, part in enumerate(segments.parts))
    return Segments(parts, segments.names).filled({name: placeholder(name) for name in segments.names})


def link(name: str) -> str:
    """How the template says a value that has nothing to escape."""
    return f"{{{{params.{name}}}}}"


def words(name: str) -> str:
    """How the template says a value that is as it should be."""
    return f"{{% autoescape off %}}{link(name)}{{% endautoescape %}}"


def constants(*templates: str) -> dict[str, str]:
    """The characters that these templates take as values, by name: each recipient's params need them."""
    return {name: character for character, name in CHARACTERS.items() if any(link(name) in each for each in templates)}


def _neutral(part: str, *, after: bool, before: bool) -> str:
    """One piece between two values: `after` one, `before` one, or at an end."""

    def written(found: re.Match[str]) -> str:
        touches = (after and found.start() == 0) or (before and found.end() == len(part))
        opens = "{{" in found[1] or (found[1].endswith("{") and found[2])
        plain = not touches and not opens
        return found[0] if plain else "".join(link(CHARACTERS[each]) for each in found[1]) + found[2]

    return _RUN.sub(written, part)
