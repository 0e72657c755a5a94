"""The links of a mail that vote and save: one field for all, this reader's, and nobody's in a copy for everybody."""

import re

from delivery_samples import rendered_issue
from mail_samples import READERS, composition, recipient, values
from mail_samples import rendered as made
from people import NOW

from newsletter.delivery.addressing import LINKS, Addressing, Member
from newsletter.issues.composition import ItemKind
from newsletter.mail.merging import Merger
from newsletter.mail.message import MessageBuilder
from newsletter.mail.public import public_copy
from subscribers.tokens import Keys, Purpose, verify

KEYS = Keys(b"a key for tests, at least 32 bytes")
VOTE = re.compile(r'href="(https://news\.example\.org/vote[^"]*)"')


def test_a_lead_has_three_links_for_each_tool_and_everything_else_one() -> None:
    """All of them are the reader's own link with what they ask for behind it; the text has one for each comparison."""
    issue, mine = composition(), values("ada")["vote"]
    merged = Merger(made()).merge({**values("ada"), "address": "ada@example.org"})
    links, lead = VOTE.findall(merged.html), issue.of_kind(ItemKind.LEAD)[0].comparison

    asked = [f"&amp;{act}={tool.slug}" for tool in lead.tools for act in ("ship", "skip", "save")]
    rest = [item.key for item in issue.items if item.kind is not ItemKind.LEAD]
    said = [one.key for one in issue.readers.tools] if issue.readers else []
    assert links[:6] == [f"{mine}?of={lead.key}{wish}" for wish in asked]
    assert sorted(links[6:]) == sorted(f"{mine}?of={key}" for key in (*rest, *said))
    assert [f"{mine}?of={item.key}" in merged.text for item in issue.items] == [True] * len(issue.items)


def test_a_copy_for_everybody_leads_to_the_counts_and_holds_no_token() -> None:
    """Invariant 13: the archive's links are the same without whose they are."""
    copy = public_copy(made(), "https://news.example.org/issues/2026-W03")

    links = VOTE.findall(copy.html)
    assert links
    assert all(link.startswith("https://news.example.org/vote?of=") for link in links)


def test_a_copy_for_everybody_promises_no_ballot_and_does_not_link_to_itself() -> None:
    """Only the mail's links lead to one; and whoever reads the copy is in the browser already."""
    rendered, page = made(readers=READERS), "https://news.example.org/issues/2026-W03"
    copy = public_copy(rendered, page)

    for mine, everybodys in ((rendered.html, copy.html), (rendered.text, copy.text)):
        words = ("You can still vote", "View in browser")
        assert [[one in body for one in words] for body in (mine, everybodys)] == [[True, True], [False, False]]
        assert re.search(r"·\s*</p>", everybodys) is None  # nothing is left of the row that it stood in
        assert (page in everybodys, "On the tools of issue 41." in everybodys) == (False, True)


def test_no_words_of_a_tool_s_name_become_attributes_of_its_links() -> None:
    """Names stand in labels for screen readers; a quotation mark ends none."""
    hostile = 'x" onclick="y\' <b>'
    issue = composition()
    lead = issue.items[0]
    pair = lead.comparison.model_copy(update={"left": lead.comparison.left.model_copy(update={"name": hostile})})
    html = made(items=(lead.model_copy(update={"comparison": pair}), *issue.items[1:]), splits=()).html

    assert 'aria-label="Ship it: x onclick y b"' in html
    assert "onclick=" not in re.sub(r">[^<]*<", "><", html)


def test_the_token_of_the_field_votes_and_does_nothing_else() -> None:
    """S-45; an issue that was frozen before there was voting has no such field, and is sent as ever."""
    addressing = Addressing(KEYS, "https://news.example.org", 1, "2026-W46")
    person = Member("abc", "a@b.org", "", "2026-11-12", "abc")
    link = addressing.columns([person])[0].values["vote"]

    assert verify(KEYS, Purpose.VOTE, link.rpartition("/")[2], now=NOW) == "abc"
    older = rendered_issue()
    values_then = addressing.columns([person], older.fields)[0]
    assert set(LINKS) - set(values_then.values) == {"vote"}
    assert b"List-Unsubscribe: <https://news.example.org/u/" in MessageBuilder(older, date=NOW).mime(values_then)


def test_both_ways_to_make_a_message_have_the_same_links() -> None:
    """As values for an API, and as bytes for a mail server."""
    builder, ada = MessageBuilder(made(), date=NOW), recipient("ada")
    mime = builder.mime(ada).replace(b"=\r\n", b"").replace(b"=3D", b"=").decode()

    assert VOTE.findall(mime) == VOTE.findall(builder.message(ada).html)
