"""Every mistake that the preflight knows, made on purpose; and an issue without mistakes."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from mail_samples import PUBLICATION, composition, item, rendered

from newsletter.comparisons.comparison import Comparison, Panel, Problem, Verdict
from newsletter.config import Publication
from newsletter.issues.composition import Composition, ItemKind
from newsletter.mail.preflight import CHECKS, check
from newsletter.mail.rendered import Finding, Level, RenderedIssue

ISSUE, RENDERED = composition(), rendered()
Change = Callable[[str], str]


def codes(findings: tuple[Finding, ...], level: Level) -> set[str]:
    """What was found at this level."""
    return {finding.code for finding in findings if finding.level is level}


def damaged(change: Change) -> RenderedIssue:
    """The rendered issue with its HTML changed."""
    return dataclasses.replace(RENDERED, html=change(RENDERED.html))


def after(old: str, new: str) -> Change:
    """A change of the first place that has `old`."""

    def change(html: str) -> str:
        assert old in html
        return html.replace(old, new, 1)

    return change


def before_end(more: str) -> Change:
    """A change that adds something at the end of the page."""
    return after("</body>", f"{more}</body>")


def test_a_good_issue_has_nothing_to_be_said_about() -> None:
    """The samples, six and twelve items."""
    assert check(RENDERED, ISSUE, PUBLICATION) == ()
    assert check(rendered(12), composition(12), PUBLICATION) == ()


def test_every_check_is_in_the_table_and_small() -> None:
    """A check that nobody calls is none."""
    assert len(CHECKS) == 24
    assert all(one.__doc__ for one in CHECKS)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (before_end("<p>" + "x" * 102_400 + "</p>"), "too-large"),
        (lambda html: html.removeprefix("<!DOCTYPE html>"), "doctype"),
        (after('lang="en"', ""), "lang"),
        (after(f"<title>{ISSUE.subject}</title>", "<title></title>"), "title"),
        (after("<h1", "<h1>two</h1><h1"), "h1"),
        (before_end('<img src="https://a.example/x.png" width="1">'), "alt"),
        (before_end('<table role="presentation"><tr><th scope="col">x</th></tr></table>'), "data-table-role"),
        (before_end('<a href="">x</a>'), "empty-link"),
        (before_end('<a href="#">x</a>'), "empty-link"),
        (before_end('<a href="https://a.example/{{url}}">x</a>'), "empty-link"),
        (before_end('<a href="https://localhost/x">x</a>'), "local-link"),
        (before_end('<a href="http://a.example/x">x</a>'), "http-link"),
        (before_end('<p style="color:#999999;background-color:#aaaaaa">faint</p>'), "contrast"),
        (before_end('<p style="color:#1d1c1a">dark text that stays dark in the dark</p>'), "contrast"),
        (before_end("<p>a\x92b</p>"), "control-character"),
        (before_end("<p>\\u{a0}</p>"), "leak"),
        (after("<style", f"<style>{'.a{color:#111111}' * 1200}</style><style"), "style-size"),
        (after("<style", "<style>@media print{@media screen{.a{margin:0}}}</style><style"), "nested-at-rule"),
        (lambda html: html.replace("-unsubscribe-x", "-unsub"), "merge-fields"),
        (lambda html: html.replace("-preferences-x", "-prefs"), "ways-out"),
        (lambda html: html.replace("12 Sample Street", ""), "postal-address"),
        (lambda html: html.replace("Quillion", "x").replace("Minutely", "x"), "tool-missing"),
    ],
)
def test_a_mistake_of_the_page_blocks(change: Change, code: str) -> None:
    """Each of them has been in somebody's inbox."""
    assert code in codes(check(damaged(change), ISSUE, PUBLICATION), Level.ERROR)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (before_end("<p>" + "x" * 45_000 + "</p>"), "large"),
        (before_end("<h2>a</h2><h4>b</h4>"), "heading-order"),
        (before_end('<img alt="" src="https://a.example/x.png">'), "image-width"),
        (before_end("<table><tr><td>x</td></tr></table>"), "layout-table"),
        (before_end("<table><tr><th>x</th></tr></table>"), "th-scope"),
        (before_end('<a href="https://a.example/">click here</a>'), "link-words"),
        (before_end('<a href="https://a.example/"></a>'), "link-words"),
        (before_end('<a href="https://a.example/1">same</a><a href="https://a.example/2">same</a>'), "same-words"),
        (before_end('<a href="https://a.example/only-in-html">elsewhere</a>'), "text-parity"),
    ],
)
def test_a_weakness_of_the_page_advises(change: Change, code: str) -> None:
    """A person may know better."""
    findings = check(damaged(change), ISSUE, PUBLICATION)

    assert code in codes(findings, Level.WARNING)
    assert code not in codes(findings, Level.ERROR)


@pytest.mark.parametrize(
    ("update", "code", "level"),
    [
        ({"subject": "Short"}, "subject", Level.WARNING),
        ({"subject": "x" * 71}, "subject", Level.WARNING),
        (
            {"items": (item(0, ItemKind.LEAD).model_copy(update={"headline": "word " * 21}),)},
            "headline",
            Level.WARNING,
        ),
        ({"subject": "x " * 70}, "subject", Level.ERROR),
        ({"subject": "THIS WEEK IN VERDICTS"}, "shouting", Level.WARNING),
        ({"preheader": "Short"}, "preheader", Level.WARNING),
        ({"preheader": "x" * 131}, "preheader", Level.WARNING),
        ({"subject": "A test of the weekly verdicts"}, "trial-words", Level.WARNING),
        ({"intro": "TODO write this"}, "unfinished", Level.WARNING),
        ({"intro": "Dear {Name}, it is {weekday}"}, "placeholder", Level.WARNING),
        ({"subject": "Five tools for you, {name}"}, "placeholder", Level.WARNING),
        ({"intro": "# A heading\n\nand words"}, "markdown", Level.WARNING),
        ({"summary": "Lorem ipsum"}, "unfinished", Level.WARNING),
        ({"items": ()}, "empty", Level.ERROR),
        ({"items": composition().items[1:]}, "no-lead", Level.WARNING),
    ],
)
def test_words_that_are_not_ready_are_named(update: dict[str, Any], code: str, level: Level) -> None:
    """Rendered for real, then looked at."""
    issue = composition(**update)

    assert code in codes(check(rendered(**update), issue, PUBLICATION), level)


def test_changed_verdicts_alone_need_no_lead() -> None:
    """As for readers who want nothing else: there is nothing that could be promoted."""
    alone = {"items": (item(0, ItemKind.CHANGE),)}

    assert "no-lead" not in codes(check(rendered(**alone), composition(**alone), PUBLICATION), Level.WARNING)


def test_one_character_is_no_plural() -> None:
    """House English."""
    said = [finding.message for finding in check(rendered(subject="x"), composition(subject="x"), PUBLICATION)]

    assert "The subject has 1 character; 20 to 70 are best." in said


def with_comparison(**update: object) -> Composition:
    """An issue whose lead has a changed comparison."""
    lead = item(0, ItemKind.LEAD)
    changed: Comparison = lead.comparison.model_copy(update=update)
    return composition(items=(lead.model_copy(update={"comparison": changed}), *composition().items[1:]))


@pytest.mark.parametrize(
    ("panel", "said"),
    [
        (Panel(verdict=Verdict.SKIP, percent=75, ship=3, skip=1), "the verdict is skip, but 75% say ship"),
        (Panel(verdict=Verdict.SHIP, percent=75, ship=2, skip=2), "2 ship / 2 skip is not 75%"),
        (Panel.model_construct(verdict=Verdict.SHIP, percent=175, ship=None, skip=None), "175% is not a percentage"),
    ],
)
def test_a_verdict_that_contradicts_itself_blocks(panel: Panel, said: str) -> None:
    """Readers count."""
    issue = with_comparison(left=composition().items[0].comparison.left.model_copy(update={"panel": panel}))

    findings = check(rendered(items=issue.items), issue, PUBLICATION)

    assert any(finding.code == "facts" and said in finding.message for finding in findings)


def test_a_score_out_of_range_blocks() -> None:
    """Nobody gives 101 of 100."""
    left = composition().items[0].comparison.left
    review = left.reviews[0].model_copy(update={"score": 101})
    issue = with_comparison(left=left.model_copy(update={"reviews": (review,)}))

    assert "facts" in codes(check(rendered(items=issue.items), issue, PUBLICATION), Level.ERROR)


@pytest.mark.parametrize(("ship", "skip", "percent"), [(2, 1, 67), (1, 2, 33), (5, 2, 71), (None, None, 75)])
def test_rounded_and_unknown_counts_are_no_contradiction(ship: int | None, skip: int | None, percent: int) -> None:
    """Two of three are 67 %."""
    panel = Panel(verdict=Verdict.at(percent), percent=percent, ship=ship, skip=skip)
    issue = with_comparison(left=composition().items[0].comparison.left.model_copy(update={"panel": panel}))

    assert "facts" not in codes(check(rendered(items=issue.items), issue, PUBLICATION), Level.ERROR)


def test_a_cut_page_should_not_lead_and_its_problems_are_told() -> None:
    """The editor decides, knowing it."""
    problem = Problem(code="truncated", message="The page of Patchwork was cut.")
    issue = with_comparison(truncated=True, problems=(problem,))

    findings = check(rendered(items=issue.items), issue, PUBLICATION)

    assert "truncated-lead" in codes(findings, Level.WARNING)
    assert "page-truncated" in codes(findings, Level.INFO)


def test_on_this_machine_a_missing_address_only_advises() -> None:
    """The demo's outbox is no mail; a real address needs a real base."""
    local = PUBLICATION.model_copy(update={"base_url": "http://localhost:8000", "postal_address": ""})

    findings = check(rendered(publication=local), ISSUE, local)

    assert codes(findings, Level.ERROR) == set()
    assert codes(findings, Level.WARNING) == {"local-base", "postal-address"}


@pytest.mark.parametrize(
    ("update", "code"),
    [({"postal_address": ""}, "postal-address"), ({"base_url": "http://news.example.org"}, "http-base")],
)
def test_elsewhere_law_and_one_click_are_not_optional(update: dict[str, str], code: str) -> None:
    """CAN-SPAM, and RFC 8058."""
    publication: Publication = PUBLICATION.model_copy(update=update)

    assert code in codes(check(rendered(publication=publication), ISSUE, publication), Level.ERROR)


def test_a_link_to_this_machine_advises_where_everything_is_local() -> None:
    """As the demo's own pages are."""
    local = PUBLICATION.model_copy(update={"base_url": "http://localhost:8000"})
    page = damaged(before_end('<a href="http://localhost:8000/x">here it is</a>'))

    assert "local-link" in codes(check(page, ISSUE, local), Level.WARNING)


def test_errors_come_first_and_nothing_twice() -> None:
    """The editor reads from the top."""
    findings = check(damaged(before_end('<a href="">x</a><a href="">x</a><h2>a</h2><h4>b</h4>')), ISSUE, PUBLICATION)

    assert len(set(findings)) == len(findings)
    assert [finding.level for finding in findings] == sorted(
        (finding.level for finding in findings), key=[Level.ERROR, Level.WARNING, Level.INFO].index
    )
