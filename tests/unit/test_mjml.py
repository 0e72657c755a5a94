"""MRML's defects, shown raw, and that our path does not have them (rendering reference, section 2)."""

import re

import pytest
from mjml import mjml2html

from newsletter.errors import TemplateError
from newsletter.mail.inlining import inline
from newsletter.mail.mjml import _compiled, armoured, compile_mjml

NBSP = "\u00a0"
PANICS = "<mjml><mj-body>él>"


def page(body: str, head: str = "") -> str:
    """A small document."""
    return (
        f'<mjml lang="en"><mj-head>{head}</mj-head><mj-body width="600px">'
        f"<mj-section><mj-column>{body}</mj-column></mj-section></mj-body></mjml>"
    )


def ours(body: str, head: str = "") -> str:
    """What our path makes of it, entities decoded."""
    return inline(compile_mjml(page(body, head)), "")


@pytest.mark.parametrize(
    ("character", "printed"),
    [
        ("\n", "\\n"),
        ("\t", "\\t"),
        ("\\", "\\\\"),
        ("\u00a0", "\\u{a0}"),
        ("❤\ufe0f", "❤\\u{fe0f}"),
        ("\u00ad", "\\u{ad}"),
    ],
)
def test_an_attribute_keeps_its_characters(character: str, printed: str) -> None:
    """MRML prints attributes with a debug formatter; we give it nothing that it would escape."""
    source = f'<mj-text><p title="a{character}b">T</p></mj-text>'

    assert f"a{printed}b" in mjml2html(page(source))
    assert f'title="a{" " if character.isspace() and character != NBSP else character}b"' in ours(source)


def test_a_style_over_several_lines_keeps_its_declarations() -> None:
    """The raw compiler turns the line break into a backslash and an n, and the declaration after it is lost."""
    source = '<mj-text><p style="color: #111111;\n  margin: 0">T</p></mj-text>'

    assert "\\n" in mjml2html(page(source))
    assert 'style="color: #111111; margin: 0"' in ours(source)


def test_a_title_with_a_backslash_reaches_the_label_unharmed() -> None:
    """The title is also the label of the page, which is an attribute."""
    title = "<mj-title>one\n  two \\ three</mj-title>"

    assert 'aria-label="one\\n  two \\\\ three"' in mjml2html(page("", title))
    assert 'aria-label="one two \\ three"' in ours("<mj-text>T</mj-text>", title)


def test_text_keeps_its_characters() -> None:
    """Entities are characters again after the inliner has parsed the page."""
    assert "a\\nb ❤️ 👨‍👩‍👧 &amp; &lt;p&gt;" in ours("<mj-text>a\\nb ❤️ 👨‍👩‍👧 &amp; &lt;p&gt;</mj-text>")


def test_no_font_is_fetched_because_a_stack_names_it() -> None:
    """By default the compiler adds a link to Google for Roboto, and for its own default font."""
    source = page('<mj-text font-family="Roboto, Arial">T</mj-text>')

    assert "fonts.googleapis.com" in mjml2html(source)
    assert "fonts.googleapis.com" not in compile_mjml(source)


def test_a_null_byte_does_not_break_the_page() -> None:
    """NUL is a parse error, and no text of a mail needs a C0 control character."""
    with pytest.raises(ValueError, match="unable to parse"):
        mjml2html(page("<mj-text>a\x00b</mj-text>"))

    assert ">ab<" in ours("<mj-text>a\x00b</mj-text>")


def test_inline_styles_are_ignored_by_the_compiler_and_so_are_ours_to_put_in() -> None:
    """`mj-style inline` goes to the head as a plain <style>; premailer does what it would do."""
    source = page('<mj-text><p class="a">T</p></mj-text>', '<mj-style inline="inline">.a{color:#ff0000}</mj-style>')

    assert '<p class="a">' in mjml2html(source)
    assert 'style="color:#ff0000"' in inline(compile_mjml(source), ".a { color: #ff0000 }")


def test_a_unitless_zero_breaks_widths_and_a_zero_with_a_unit_does_not() -> None:
    """Why the lint insists on 0px: the image would be 48 px too wide for its column."""
    widths = {
        padding: re.findall(
            r'<img[^>]* width="(\d+)"',
            mjml2html(
                page(f'<mj-image padding="{padding}" src="x.png" alt="" />').replace(
                    "<mj-section>", "<mj-section padding='0px'>"
                )
            ),
        )
        for padding in ("0 24px", "0px 24px")
    }

    assert widths == {"0 24px": ["600"], "0px 24px": ["552"]}


def test_a_table_of_the_compiler_loses_its_role_and_ours_keeps_it() -> None:
    """Why layout tables stand in mj-text (defect 6)."""
    table = "<tr><td>cell</td></tr>"

    assert not re.search(
        r'role="presentation"[^>]*><tr><td>cell', mjml2html(page(f'<mj-table role="presentation">{table}</mj-table>'))
    )
    assert f'<table role="presentation">{table}' in ours(
        f'<mj-text><table role="presentation">{table}</table></mj-text>'
    )


def test_of_two_mj_classes_the_first_wins() -> None:
    """Why the lint refuses two: the reference compiler lets the last one win (defect 5)."""
    head = '<mj-attributes><mj-class name="a" color="#111111" /><mj-class name="b" color="#222222" /></mj-attributes>'

    assert "color:#111111" in mjml2html(page('<mj-text mj-class="a b">T</mj-text>', head))


def test_an_error_names_template_line_and_excerpt() -> None:
    """The compiler tells a byte range only."""
    with pytest.raises(TemplateError, match=r"issue/body.mjml, line 2 after the template engine: .*near: .*<oops>"):
        compile_mjml("<mjml>\n<oops></oops></mjml>", "issue/body.mjml")


def test_an_error_without_a_position_says_what_to_look_for() -> None:
    """Nine in ten errors of the compiler have no position at all."""
    with pytest.raises(TemplateError, match=r"does not compile: .*Look for an unclosed tag"):
        compile_mjml(page("<mj-text><p>a<p>b</mj-text>"))


def test_a_panic_of_the_compiler_is_an_error_like_any_other() -> None:
    """PanicException is no Exception; it would end a worker."""
    with pytest.raises(BaseException, match="char boundary") as raw:
        mjml2html(PANICS)

    assert not isinstance(raw.value, Exception)
    with pytest.raises(TemplateError, match=r"a.mjml does not compile: .*char boundary"):
        _compiled(PANICS, "a.mjml")


def test_what_is_not_the_compilers_own_error_is_not_swallowed() -> None:
    """A keyboard interrupt, say; here a mistake of ours."""
    with pytest.raises(TypeError):
        _compiled(None, "a.mjml")  # type: ignore[arg-type]


def test_armour_is_ascii_without_backslashes() -> None:
    """What goes into the compiler, whatever came in."""
    prepared = armoured('<p title="é\n\\">é\\</p>')

    assert prepared == '<p title="&#233; &#92;">&#233;&#92;</p>'


def test_conditional_comments_survive_and_editors_comments_do_not() -> None:
    """Outlook's comments are part of the page; ours are not."""
    html = ours("<mj-text><!-- note --><!--[if mso]><b>o</b><![endif]-->T</mj-text>")

    assert "<!--[if mso]><b>o</b><![endif]-->" in html
    assert "note" not in html
