"""An issue becomes the same bytes every time, and nobody's words become markup."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from lxml.html import HtmlElement, document_fromstring
from mail_samples import PUBLICATION, TEMPLATES, composition, item, rendered, saying

from newsletter.comparisons.comparison import Panel, Verdict, Votes
from newsletter.config import Publication
from newsletter.errors import HeaderError, TemplateError
from newsletter.issues.composition import Composition, Item, ItemKind
from newsletter.mail.merging import Segments
from newsletter.mail.rendering import nonce_of, render, sender_of

HOSTILE = (
    '"><script>alert(1)</script>',
    "'\"--></style></script></title></textarea><svg/onload=alert(1)>",
    "</mj-text></mj-column></mj-section></mj-body></mjml><mj-raw><img src=x onerror=alert(1)>",
    "<!--[if mso]><table><![endif]-->",
    "<![CDATA[x]]> <?php ?> <!doctype html>",
    "&lt;script&gt;&#60;b&#62;&quot;&amp;",
    "{{ 7 * 7 }}{% raw %}{# x #}",
    "javascript:alert(1)",
    'back\\slash \\u{a0} \\" \\n',
    '" style="display:none" class="ship',
    "vt00000000-unsubscribe-x",
    "👨‍👩‍👧 ❤️ \u00a0 soft\u00adhyphen עברית हिन्दी é",
    "a\x00b\x0bc\x85d\x92e\u2028f\u202eg",
)
SUBSTITUTIONS = ("{{ name }}", "{{{x}}}", "%recipient.name%", "[[UNSUB]]", "*|FNAME|*", "${x}", "-name-", "<%= x %>")


class Skeleton(HTMLParser):
    """The tags and attribute names of a page, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Its name and the names of its attributes."""
        self.tags.append((tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Its name."""
        self.tags.append((f"/{tag}",))

    def handle_comment(self, data: str) -> None:
        """The tags that Outlook sees in it."""
        self.tags.append(("comment", *re.findall(r"</?\w+", data)))


def page(issue: Composition, publication: Publication = PUBLICATION) -> HtmlElement:
    """The rendered HTML, parsed."""
    return document_fromstring(render(issue, publication, templates=TEMPLATES).html)


def shown(element: HtmlElement) -> str:
    """What a reader sees of it, with one blank between the pieces."""
    return " ".join(" ".join(element.itertext()).split())


def spoken(words: str) -> Composition:
    """A whole issue in which every text is this one; the intro has its own tests, as Markdown is markup."""
    return saying(composition(intro=""), words).model_copy(update={"intro": "", "subject": "A subject"})


def test_equal_content_gives_equal_bytes() -> None:
    """No clock, no chance (invariant 4): preview, approval and dispatch see the same."""
    assert rendered() == rendered()
    assert rendered().digest == rendered().digest


def test_any_change_gives_another_digest() -> None:
    """Also one that only the headers show."""
    renamed = PUBLICATION.model_copy(update={"sender": "Other <other@news.example.org>"})

    assert (
        len({rendered().digest, rendered(subject="Another subject").digest, rendered(publication=renamed).digest}) == 3
    )


def test_a_rendered_issue_does_not_depend_on_what_was_rendered_before() -> None:
    """Invariant 9, one step earlier."""
    alone = rendered(6).html
    rendered(12, intro="something else")

    assert rendered(6).html == alone


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_have_the_skeleton_of_harmless_ones(words: str) -> None:
    """S-24: in every text field of an issue and of the publication."""
    harmless, hostile = (
        render(spoken(text), saying(PUBLICATION, text), templates=TEMPLATES).html for text in ("harmless", words)
    )

    assert Skeleton(hostile).tags == Skeleton(harmless).tags


@pytest.mark.parametrize("words", [*HOSTILE[:11], *SUBSTITUTIONS])
def test_words_reach_the_reader_as_they_were_written(words: str) -> None:
    """S-24 and S-30: escaped, not swallowed, in both parts."""
    issue = render(spoken(words), PUBLICATION, templates=TEMPLATES)
    seen = " ".join(document_fromstring(issue.html).text_content().split())

    assert seen.count(words) > 20
    assert words in " ".join(issue.text.split())


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        'https://a.example/"onclick="x',
        "https://a.example/\r\nx",
        "https://user@a.example/",
        "//a.example",
        "data:text/html,x",
    ],
)
def test_an_address_that_is_not_safe_is_no_link(url: str) -> None:
    """S-26: the words stay, the link does not."""
    hostile = item(0, ItemKind.LEAD).model_copy(update={"url": url, "tool_urls": (url, url)})

    found = page(composition(items=(hostile,), intro=""))

    assert {a.get("href", "")[:2] for a in found.iter("a")} <= {"vt", "ht"}
    assert not [a for a in found.iter("a") if "compare" in a.get("href", "")]
    assert found.text_content().count("Patchwork") > 3


def test_an_item_without_an_address_has_no_dead_link() -> None:
    """Neither a button nor a line that says "read"."""
    bare = tuple(value.model_copy(update={"url": None, "tool_urls": (None, None)}) for value in composition().items)

    issue = rendered(items=bare, intro="")

    assert "in full" not in issue.html
    assert "Read the full comparison" not in issue.html + issue.text
    assert 'href=""' not in issue.html


def test_an_issue_of_six_stays_under_60_kb_and_of_twelve_under_100() -> None:
    """Gmail clips at 102 KB; names up to 60 characters, quotes up to 300."""
    assert len(rendered(6).html.encode()) < 60_000
    assert len(rendered(12, changes=3).html.encode()) < 100_000


def test_the_parts_stand_in_order_for_a_reader_and_for_a_screen_reader() -> None:
    """One h1, then sections, then items; no level is left out."""
    headings = [(h.tag, " ".join(h.text_content().split())) for h in page(composition()).iter("h1", "h2", "h3")]

    assert headings[:4] == [
        ("h1", "Weekly AI Tool Verdicts"),
        ("h2", "The lead"),
        ("h3", "Forkbeam vs Patchwork"),
        ("h2", "Verdict changes"),
    ]
    assert [text for tag, text in headings if tag == "h2"] == [
        "The lead", "Verdict changes", "In brief", "Where the panel split", "How readers voted",
    ]  # fmt: skip


def test_the_scorecard_has_every_reviewer_and_says_who_did_not_review() -> None:
    """A reviewer who looked at one tool only is not left out."""
    lead = item(0, ItemKind.LEAD)
    left = lead.comparison.left
    partial = left.model_copy(update={"reviews": left.reviews[1:]})
    issue = composition(
        items=(lead.model_copy(update={"comparison": lead.comparison.model_copy(update={"left": partial})}),)
    )

    table = [shown(found) for found in page(issue).iter("table") if "Reviewer" in shown(found)][-1]

    assert "Mara Lind no review 88 SHIP" in table
    assert table.count("SHIP") + table.count("SKIP") == 7
    assert all(name in table for name in ("Mara Lind", "Theo Okafor", "Priya Nair", "Jonas Weiss"))


def changed_lead(
    kind: ItemKind = ItemKind.LEAD,
    left: dict[str, object] | None = None,
    right: dict[str, object] | None = None,
    **update: object,
) -> Item:
    """The first item, with fields of its tools and of its comparison changed."""
    made = item(0, kind)
    sides = {"left": left or {}, "right": right or {}}
    tools = {side: getattr(made.comparison, side).model_copy(update=change) for side, change in sides.items()}
    return made.model_copy(update={"comparison": made.comparison.model_copy(update={**tools, **update})})


@pytest.mark.parametrize("kind", [ItemKind.LEAD, ItemKind.BRIEF])
def test_no_price_is_made_of_the_pages_flag(kind: ItemKind) -> None:
    """The flag is crude (product reference, 1.4): where no pricing is known, none is shown."""
    silent = rendered(items=(changed_lead(kind, {"pricing": None}, {"pricing": None}),), splits=())
    one = rendered(items=(changed_lead(kind, {"pricing": None}, {"pricing": "From $9"}),), splits=())
    seen = shown(document_fromstring(silent.html)) + silent.text

    assert "Pricing" not in seen
    assert not re.search(r"\b(?:Free|Paid)\b", seen)
    assert one.text.count("Pricing: From $9") == one.text.count("Pricing") == 1
    assert ("Pricing not stated From $9" in shown(document_fromstring(one.html))) is (kind is ItemKind.LEAD)


def test_a_lead_of_which_no_review_is_known_has_no_scorecard() -> None:
    """No heading without anything under it, in either part."""
    cut = changed_lead(left={"reviews": ()}, right={"reviews": ()}, truncated=True).model_copy(update={"quotes": ()})
    issue = rendered(items=(cut,), splits=())

    assert "Reviewer" not in issue.html
    assert "Scorecard" not in issue.text


def test_a_brief_says_what_each_tool_is() -> None:
    """A name and a verdict alone are nothing to who never heard of either."""
    issue = rendered(items=(item(0, ItemKind.BRIEF),), splits=())

    for text in (shown(document_fromstring(issue.html)), issue.text):
        assert text.count("Repo-wide edits from inside your editor") == 1
        assert text.count("An agent that opens pull requests") == 1


@pytest.mark.parametrize("kind", ItemKind)
def test_a_percentage_without_counts_is_said_once(kind: ItemKind) -> None:
    """Not "SHIP 75% (75% ship)": a cut page does not tell the counts."""
    bare = Panel(verdict=Verdict.SHIP, percent=77)
    cut = changed_lead(kind, {"panel": bare, "votes": None}, {"panel": bare, "votes": None}, truncated=True)
    changes = tuple(change.model_copy(update={"after": bare}) for change in cut.changes)
    issue = rendered(items=(cut.model_copy(update={"changes": changes}),), splits=())

    assert "SHIP 77%" in shown(document_fromstring(issue.html))
    assert "77% ship" not in shown(document_fromstring(issue.html)) + issue.text


def test_on_a_cut_page_a_missing_review_is_not_known() -> None:
    """Who is not there may have reviewed it, on the part that was cut away."""
    lead = item(0, ItemKind.LEAD).comparison.left
    issue = rendered(items=(changed_lead(left={"reviews": lead.reviews[1:]}, truncated=True),), splits=())

    assert "Mara Lind not known" in shown(document_fromstring(issue.html))
    assert "Forkbeam: not known" in issue.text
    assert "no review" not in issue.html + issue.text


def test_no_community_votes_are_not_zero_percent() -> None:
    """None and nought differ."""
    lead = item(0, ItemKind.LEAD)
    zero = lead.comparison.right.model_copy(update={"votes": Votes(percent=0, count=1)})
    issue = composition(
        items=(lead.model_copy(update={"comparison": lead.comparison.model_copy(update={"right": zero})}),)
    )

    assert "No community votes yet" in shown(page(issue))
    assert "0% ship · 1 vote" in shown(page(issue))


def test_a_changed_verdict_says_what_it_was_and_what_it_is() -> None:
    """Was ship at 75 %, now mixed at 50 %."""
    issue = rendered()

    assert "was SHIP 75% now MIXED 50%" in shown(document_fromstring(issue.html))
    assert "Minutely: was SHIP 75%, now MIXED 50% (2 ship / 2 skip)" in issue.text


def test_a_verdict_is_never_said_by_colour_alone() -> None:
    """Wherever a verdict's colour is, its word is."""
    coloured = [
        e
        for e in page(composition()).iter("td", "b")
        if {"ship", "mixed", "skip"} & set((e.get("class") or "").replace("on-", "").split())
    ]

    assert len(coloured) > 20
    assert all(re.search("SHIP|MIXED|SKIP", e.text_content()) for e in coloured)


def test_nothing_is_fetched_and_nothing_is_counted() -> None:
    """Invariant 13: no image, no font, no pixel, no script."""
    html = rendered().html

    assert not re.search(r"<(?:img|script|iframe|link|object|video)|url\(|@import|src=|background=", html)


def test_the_footer_says_why_and_how_to_leave_in_both_parts() -> None:
    """Why you get this, leave, choose, see on the web, where we live, where the verdicts come from."""
    issue = rendered()

    for text in (shown(document_fromstring(issue.html)), " ".join(issue.text.split())):
        assert "You get this because you asked for Weekly AI Tool Verdicts, since" in text
        assert "Example Press, 12 Sample Street, 10115 Berlin" in text
        assert "We do not claim hands-on testing." in text
    assert set(Segments.of(issue.html, issue.nonce).names) == set(issue.fields)


def test_the_readers_name_is_a_field_only_where_the_intro_uses_it() -> None:
    """Nothing is asked of a subscriber that no text needs."""
    assert "name" in rendered().fields
    assert "name" not in rendered(intro="Hello there").fields


def test_the_intro_is_markdown_and_nothing_more() -> None:
    """S-25: raw HTML is text, and no image gets in."""
    issue = rendered(intro="**Bold** <b onclick=x>raw</b> ![i](https://a.example/i.png) [x](javascript:y)")

    assert "<strong>Bold</strong> &lt;b onclick=x&gt;raw&lt;/b&gt;" in issue.html
    assert "<img" not in issue.html


def test_an_issue_that_does_not_say_how_readers_voted_has_the_tokens_that_it_always_had() -> None:
    """A draft from before there was such a section is made to the same bytes."""
    before = composition(readers=None, intro="")
    as_it_was = before.model_dump_json(exclude={"readers"}) * 2 + PUBLICATION.model_dump_json()

    assert render(before, PUBLICATION, templates=TEMPLATES).nonce == nonce_of(as_it_was)


def test_a_subject_that_would_break_a_header_is_refused() -> None:
    """S-37, before anything is frozen; S-38 takes the invisible characters away."""
    with pytest.raises(HeaderError, match="subject"):
        rendered(subject="Hello\nBcc: eve@example.org")

    assert rendered(subject="Patch\u202ework  \u200bships").subject == "Patchwork ships"


def test_the_nonce_is_not_in_the_content() -> None:
    """Or an editor could write a token."""
    first = nonce_of("content")

    assert nonce_of(f"content {first}") not in f"content {first}"
    assert re.fullmatch("[0-9a-f]{32}", first)


def test_the_sender_is_frozen_with_what_it_was() -> None:
    """From the publication; where no reply address is set, answers go to the sender."""
    sender = sender_of(composition(), Publication())

    assert (sender.reply_to, sender.unsubscribe_mailbox) == (
        "Weekly Verdicts <verdicts@example.org>",
        "verdicts@example.org",
    )
    assert sender.list_id == "weekly.example.org"
    assert sender.feedback_id == "issue-42:weekly:newsletter:example"
    assert sender.archive == ""  # the archive is on this machine only


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("issue/body.mjml", "<mjml>\n{{ nobody }}</mjml>", r"issue/body.mjml, line 2: 'nobody' is undefined"),
        ("issue/body.mjml", "<mjml>\n\n{% if %}</mjml>", r"issue/body.mjml, line 3: "),
        ("issue/body.mjml", "<mjml>\n<oops></oops></mjml>", r"issue/body.mjml, line 2 after the template engine"),
    ],
)
def test_a_mistake_in_a_template_names_file_and_line(tmp_path: Path, file: str, text: str, message: str) -> None:
    """Jinja's and the compiler's alike."""
    copied = tmp_path / "email"
    for source in (TEMPLATES / "email").rglob("*.*"):
        target = copied / source.relative_to(TEMPLATES / "email")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    (copied / file).write_text(text, encoding="utf-8")

    with pytest.raises(TemplateError, match=message):
        render(composition(), PUBLICATION, templates=tmp_path)


def test_an_issue_of_one_lead_has_no_empty_sections() -> None:
    """No heading without anything under it."""
    issue = rendered(items=composition().items[:1], splits=(), intro="", summary="")

    assert not re.search("Verdict changes|In brief|Where the panel split", issue.html)
    assert not re.search("VERDICT CHANGES|IN BRIEF|WHERE THE PANEL SPLIT", issue.text)
