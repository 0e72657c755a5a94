"""The editor's intro: what Markdown may become, in HTML and in text (S-25)."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.mail import markdown

TOKEN = "vt00000000-name-x"
EVASIONS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](&#106;avascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "![x](https://a.example/x.png)",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    '[x](https://a.example/" "onclick=alert(1))',
    '[x](https://a.example "title\\" onmouseover=alert(1)")',
    "[x](//a.example)",
    "[x](https://user:pass@a.example/)",
    "<a href='javascript:x'>x</a>",
    "<style>*{display:none}</style>",
    "<iframe src=//a.example></iframe>",
    "`<b>`\n\n    <b>code</b>",
    "<!-- --><b>",
    "&lt;script&gt;",
)
ALLOWED = re.compile(
    r"</?(?:p|br|strong|em|s|code|pre|ul|ol|li|blockquote|hr)(?: /)?>|</a>|<ol start=\"\d+\">"
    r"|<a href=\"(?:https?://[^\"<>\s]+|mailto:[^\"<>\s]+)\" rel=\"noopener nofollow\">"
)


@pytest.mark.parametrize("source", EVASIONS)
def test_nothing_outside_the_list_comes_out(source: str) -> None:
    """OWASP's ways around a filter."""
    assert "<" not in ALLOWED.sub("", markdown.to_html(source, TOKEN))


@given(st.text(st.sampled_from("<>[]()!*_`#&;:/\\\"'= \n\tahrefsjv{}"), max_size=80))
@settings(max_examples=200)
def test_nothing_outside_the_list_comes_out_of_chance(source: str) -> None:
    """The same for what nobody thought of."""
    assert "<" not in ALLOWED.sub("", markdown.to_html(source, TOKEN))
    markdown.to_text(source, TOKEN)


@pytest.mark.parametrize("mark", ["[", "*", ">", "`", "_", "- ", "[x](", "<", "\\", "{", "|", "~"])
def test_a_paste_by_mistake_is_read_in_linear_time(mark: str) -> None:
    """Four times the marks, far less than sixteen times the time: 20,000 of them take under a second."""
    few, many = (seconds(mark * (length // len(mark))) for length in (5_000, 20_000))

    assert many / few < 9


def seconds(source: str) -> float:
    """The processor time of one rendering and its checks: the best of three, for the machine has other work too."""
    return max(min(once(source) for _ in range(3)), 0.005)


def once(source: str) -> float:
    """The same, measured once."""
    start = time.process_time()
    markdown.to_html(source, TOKEN)
    markdown.placeholders(source)
    markdown.unsupported(source)
    return time.process_time() - start


def test_what_an_editor_needs_is_there() -> None:
    """Paragraphs, emphasis, links, lists, quotes, code."""
    html = markdown.to_html("**a** *b* [c](https://d.example/e?f=1&g=2)\n\n1. h\n2. i\n\n> j\n\n`k`", TOKEN)

    assert "<strong>a</strong> <em>b</em>" in html
    assert '<a href="https://d.example/e?f=1&amp;g=2" rel="noopener nofollow">c</a>' in html
    assert "<ol>\n<li>h</li>" in html
    assert "<blockquote>" in html
    assert "<code>k</code>" in html


def test_the_name_is_a_field_in_words_only() -> None:
    """In code and in addresses it stays what was typed."""
    html = markdown.to_html("Hi {name}, `{name}` [x {name}](https://a.example/x)", TOKEN)

    assert f"Hi {TOKEN}, <code>{{name}}</code>" in html
    assert f">x {TOKEN}</a>" in html
    assert markdown.uses_name("Hi {name}")
    assert not markdown.uses_name("`{name}` [a](https://a.example/{name})")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("Hi {name}", []),
        ("Hi {Name} {unknown}", ["{Name}", "{unknown}"]),
        ("Hi {{name}} { first name }", ["{{name}}", "{ first name }"]),
        ("`{Name}` and {} and {1,2} and a { b", []),
    ],
)
def test_what_looks_like_a_field_and_is_none_is_found(source: str, found: list[str]) -> None:
    """In words, not in code: there it is meant as it stands."""
    assert markdown.placeholders(source) == found


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        ("**a** *b* [c](https://d.example)\n\n1. h\n\n- i\n\n> j\n\n`k`\n\n---\n\n```\n# l\n```", []),
        ("# One\n\nTwo\n===", ["headings"]),
        ("|a|b|\n|-|-|\n|c|d|", ["tables"]),
        ("![i](https://a.example/i.png) ~~x~~ <b>y</b>", ["images", "struck words", "HTML"]),
        ("[a][b]\n\n[b]: https://c.example", ["named links"]),
    ],
)
def test_markdown_that_is_printed_as_typed_is_found(source: str, kinds: list[str]) -> None:
    """The editor hears it before the readers see it."""
    assert markdown.unsupported(source) == kinds


def test_the_text_has_the_words_and_the_addresses() -> None:
    """Emphasis goes, an address follows its words, lists keep their marks."""
    source = "Hi {name}, **see** [this](https://a.example/x)\nand\\\nthat `code`.\n\n- one\n- two\n\n1. three"
    source += "\n\n```\nfour\n```"

    assert markdown.to_text(source, "Ada") == [
        "Hi Ada, see this (https://a.example/x) and\nthat code.",
        "- one",
        "- two",
        "1. three",
        "four",
    ]


def test_an_address_that_is_its_own_words_stands_once() -> None:
    """<https://a.example/> is not written twice."""
    assert markdown.to_text("<https://a.example/>", "Ada") == ["https://a.example/"]


def test_text_is_never_markup_in_the_text_part() -> None:
    """What the editor typed as HTML is shown as typed, in both."""
    assert markdown.to_text("a <b>b</b> & c", "Ada") == ["a <b>b</b> & c"]
