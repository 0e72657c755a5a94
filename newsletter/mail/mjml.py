r"""MJML to HTML with mjml-python (MRML), and a way around each of its defects that concerns us.

MRML prints attributes with Rust's debug formatter: a newline becomes a backslash and an n, a no-break space `\u{a0}`.
Nothing but ASCII without backslashes and line breaks goes in; lxml turns the entities back into characters afterwards.
It names errors by byte, or not at all, and can panic: each becomes one TemplateError with a line and an excerpt
(rendering reference, section 2).
"""

import re

from mjml import mjml2html

from newsletter.errors import TemplateError

#: A tag with double-quoted attributes; autoescaping has made sure that no value has a quote or an angle bracket in it.
TAG = re.compile(r'<[a-zA-Z][^\s<>"]*(?:\s+[^\s=<>"]+(?:="[^"<>]*")?)*\s*/?>')
TITLE = re.compile(r"(<mj-title>)(.*?)(</mj-title>)", re.DOTALL)
BLANKS = re.compile(r"[ \t\r\n]+")
POSITION = re.compile(r"position (\d+):(\d+)")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def compile_mjml(source: str, name: str = "the MJML") -> str:
    """The HTML of an MJML document; `name` says in errors which template it is. Raises TemplateError."""
    return _compiled(armoured(source), name)


def armoured(source: str) -> str:
    """The same document in the only form that MRML passes through unharmed."""
    source = FORBIDDEN.sub("", source).replace("\\", "&#92;")
    source = TITLE.sub(lambda match: match[1] + BLANKS.sub(" ", match[2]).strip() + match[3], source)
    source = TAG.sub(lambda match: BLANKS.sub(" ", match[0]), source)
    return source.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _compiled(source: str, name: str) -> str:
    try:
        # Without an empty `fonts`, a stack that names Roboto would load it from Google (defect 9).
        return str(mjml2html(source, disable_comments=True, fonts={}))
    except BaseException as error:
        # pyo3's PanicException derives from BaseException and has no importable name (defect 8).
        if not isinstance(error, ValueError) and type(error).__name__ != "PanicException":
            raise
        raise TemplateError(_sentence(name, source, str(error))) from None


def _sentence(name: str, source: str, reason: str) -> str:
    found = POSITION.search(reason)
    if not found:
        return f"{name} does not compile: {reason}. Look for an unclosed tag, an unquoted attribute or a bare '<'."
    start = int(found[1])
    line = source.count("\n", 0, start) + 1
    excerpt = BLANKS.sub(" ", source[max(0, start - 30) : start + 50]).strip()
    return f"{name}, line {line} after the template engine: {reason}, near: {excerpt}"
