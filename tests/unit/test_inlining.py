"""Premailer's defects, shown raw, that our path does not have them, and css-inline as the oracle."""

import re

import css_inline
import pytest
from lxml.html import document_fromstring
from mail_samples import PUBLICATION, TEMPLATES, composition, rendered
from premailer import Premailer

from newsletter.errors import TemplateError
from newsletter.mail import rendering
from newsletter.mail.contrast import declarations
from newsletter.mail.inlining import inline, squeeze
from newsletter.mail.mjml import compile_mjml

HEAD = (
    "<style>table,td{border-collapse:collapse}[data-ogsc] .a{color:#fefefe}"
    "@media (prefers-color-scheme:dark){.a{color:#eeeeee !important}}</style>"
)
PAGE = (
    f'<!doctype html><html lang="en"><head>{HEAD}</head>'
    '<body><table><tr><td class="a">T</td></tr></table></body></html>'
)
CSS = ".a { color: #aabbcc; font-family: Segoe UI, Arial; width: 50%; }"


def naive() -> str:
    """Premailer with its defaults."""
    return str(
        Premailer(PAGE.replace("</head>", f"<style>{CSS}</style></head>"), cssutils_logging_level=50).transform()
    )


def test_the_doctype_stays_so_that_the_page_is_in_standards_mode() -> None:
    """The defaults drop the compiler's lower-case doctype."""
    assert not naive().lower().startswith("<!doctype html>")
    assert inline(PAGE, CSS).startswith("<!DOCTYPE html>")


def test_dark_mode_keeps_its_importance() -> None:
    """Without !important the inlined colour wins: white on white."""
    assert "#eeeeee !important" not in naive().replace("#eee ", "#eeeeee ")
    assert "#eeeeee !important" in inline(PAGE, CSS)


def test_selectors_that_cannot_be_inlined_stay_in_the_head() -> None:
    """The defaults drop what Outlook's dark mode and Gmail need."""
    assert "[data-ogsc] .a{color:#fefefe}" in inline(PAGE, CSS)


def test_the_compilers_resets_are_not_put_on_every_cell() -> None:
    """295 times in one issue, with the defaults."""
    assert "border-collapse" in re.findall("<td[^>]*>", naive())[0]
    assert "border-collapse" not in re.findall("<td[^>]*>", inline(PAGE, CSS))[0]


def test_colours_keep_six_digits_and_widths_make_no_attributes() -> None:
    """Outlook reads neither #abc nor width="50%" that premailer derives."""
    cell = re.findall("<td[^>]*>", inline(PAGE, CSS))[0]

    assert "#aabbcc" in cell
    assert "width=" not in cell
    assert "width=" in re.findall("<td[^>]*>", naive())[0]


def test_font_names_are_not_quoted_inside_the_attribute() -> None:
    """A quoted name makes a single-quoted attribute of it."""
    assert 'style="color:#aabbcc; font-family:Segoe UI, Arial; width:50%"' in inline(PAGE, CSS)


def test_a_placeholder_in_a_link_is_left_alone() -> None:
    """A token is letters, digits and hyphens, which no version of libxml2 escapes."""
    link = '<a href="vtab12cd34-unsubscribe-x">'

    assert link in inline(PAGE.replace("<table>", f"{link}x</a><table>"), CSS)


@pytest.mark.parametrize(
    "rule", ["p { margin: 0 }", ".a:hover { color: #111111 }", "@media print { .a { margin: 0 } }"]
)
def test_a_rule_that_cannot_be_inlined_is_refused(rule: str) -> None:
    """It would vanish in silence."""
    with pytest.raises(TemplateError, match="only have rules for single classes"):
        inline(PAGE, rule)


def test_rules_that_are_taken_apart_once_serve_every_page() -> None:
    """The second page gets what the first got, and a page with other rules its own."""
    page = '<html><head></head><body><p class="a">x</p></body></html>'
    red, blue = ".a { color: #aa0000 }", ".a { color: #0000aa }"

    first, other, again = (inline(page, css) for css in (red, blue, red))
    assert ("#aa0000" in first, "#0000aa" in other, "#aa0000" in other) == (True, True, False)
    assert again == first


def test_classes_that_no_kept_style_names_go() -> None:
    """They are bytes without a meaning once their style is on the element."""
    style = "<style>.kept{color:#111111}</style>"
    html = squeeze(style + '<p class="kept gone" style="margin: 0; color: #111111;">x</p><p class="gone">')

    assert html == style + '<p class="kept" style="margin:0;color:#111111">x</p><p>\n'


def test_words_that_look_like_markup_are_not_squeezed() -> None:
    """Only attributes of tags are touched, never what a reader sees."""
    text = '<p>say class="gone" style="a: b; c" and class="</p><p id="x">'

    assert squeeze(text) == text + "\n"


def test_premailer_and_css_inline_put_the_same_styles_on_the_same_elements() -> None:
    """The oracle: another program, another parser, the whole issue."""
    html, css = uninlined()
    oracle = css_inline.CSSInliner(
        inline_style_tags=False, keep_style_tags=True, keep_link_tags=True, load_remote_stylesheets=False, extra_css=css
    ).inline(html)

    assert styles(inline(html, css)) == styles(oracle)


def uninlined() -> tuple[str, str]:
    """The compiled issue before its classes are inlined, and their CSS."""
    environment = rendering._environment(TEMPLATES / "email")
    context = rendering._context(composition(), PUBLICATION, "00000000")
    html = compile_mjml(rendering._filled(environment, rendering.BODY, context))
    return html, rendering._filled(environment, rendering.INLINE_CSS, context)


def styles(html: str) -> list[tuple[str, dict[str, str]]]:
    """Every element of the body with its declarations, spelling apart."""
    body = document_fromstring(html).find("body")
    return [
        (
            element.tag,
            {name: re.sub(r"\s|(?<=0)px", "", value) for name, value in declarations(element.get("style", "")).items()},
        )
        for element in body.iter("*")
        if element.tag != "tbody"  # an HTML5 parser adds it
    ]


def test_a_rendered_issue_is_in_standards_mode_and_has_its_dark_mode() -> None:
    """The whole path, not only the function."""
    html = rendered().html

    assert html.startswith("<!DOCTYPE html>")
    assert re.search(r"prefers-color-scheme: dark\) \{.*?!important", html, re.DOTALL)
