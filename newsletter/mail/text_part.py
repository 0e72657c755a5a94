"""The text part: wrapped at 72, addresses never broken (rendering reference, section 5)."""

import textwrap

WIDTH = 72


def wrap(text: str, indent: str = "", first: str | None = None) -> str:
    """The text in lines of at most 72 characters; `first` stands before the first line instead of the indent."""
    return "\n".join(
        textwrap.fill(
            line,
            WIDTH,
            initial_indent=indent if first is None or number else first,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for number, line in enumerate(text.split("\n"))
    )


def heading(text: str, rule: str = "=") -> str:
    """The text with a line under it."""
    wrapped = wrap(text)
    return f"{wrapped}\n{rule * max(len(line) for line in wrapped.split(chr(10)))}"


def tidy(text: str) -> str:
    """Without blanks at line ends, with at most one empty line between paragraphs, and one line break at the end."""
    lines: list[str] = []
    for line in (line.rstrip() for line in text.split("\n")):
        # The signature mark of RFC 3676, section 4.3, is the one line that ends in a blank.
        if line or (lines and lines[-1]):
            lines.append("-- " if line == "--" else line)
    return "\n".join(lines).strip("\n") + "\n"
