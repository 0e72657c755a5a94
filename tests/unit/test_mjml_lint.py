"""What the compiler accepts in silence and renders wrong is found with file and line."""

import pytest
from mail_samples import TEMPLATES

from newsletter.mail.mjml_lint import lint, lint_folder


def test_our_own_templates_have_nothing_to_complain_of() -> None:
    """The lint runs over the whole folder."""
    assert [str(complaint) for complaint in lint_folder(TEMPLATES / "email")] == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('<mj-text padding="0 24px">x</mj-text>', "write a unit everywhere"),
        ('<mj-text padding="0px  24px">x</mj-text>', "one blank between"),
        ("<mj-text color='#111111'>x</mj-text>", "double quotes"),
        ("<mj-text color=red>x</mj-text>", "without quotes"),
        ('<mj-include path="a.mjml" />', "loses the container width"),
        ("<mj-preview>x</mj-preview>", "white on white"),
        ('<mj-text mj-class="a b">x</mj-text>', "lets the first one win"),
        ('<mj-text colour="#111111">x</mj-text>', "takes no colour"),
        ("<mj-txt>x</mj-txt>", "not on the list"),
        ("<p>1 < 2</p>", "bare '<'"),
        ("<p>a\\b</p>", "backslash"),
        ("<p />", "not empty in HTML"),
        ('<p class="a" class="b">x</p>', "written twice"),
        ("<table><tr></tr></table>", "role="),
        ("<![CDATA[x]]>", "CDATA"),
    ],
)
def test_a_mistake_is_found_on_its_line(source: str, message: str) -> None:
    """Each rule is one defect of the compiler; the line is that of the file, Jinja and all."""
    complaints = lint("{# two\nlines #}\n{% if x %}\n" + source + "\n{% endif %}", "a.mjml")

    assert any(message in complaint.message and complaint.line == 4 for complaint in complaints), complaints
    assert str(complaints[0]).startswith("a.mjml, line 4: ")


@pytest.mark.parametrize(
    "source",
    [
        '<mj-text padding="0px 24px" css-class="{{ a }}">{{ b }}</mj-text>',
        '<meta content="telephone=no, date=no" />',
        "<br />",
        '<p title="a b">{% if a < b %}x{% endif %}</p>',
        '<table role="presentation"></table>',
    ],
)
def test_what_is_right_is_left_alone(source: str) -> None:
    """A lint that cries wolf is switched off."""
    assert lint(source) == ()
