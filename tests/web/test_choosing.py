"""A reader chooses topics and how often, on the page of their settings; and reads their part of an issue there."""

from collections.abc import Iterator

import httpx
import pytest
from desk_samples import Place
from readers_web import dump, open_web, story, token, who
from sqlalchemy import Engine
from topic_samples import TOPICS, TWO, wants, with_topics

from newsletter.desk import looking, sending, writing
from newsletter.web.choosing import in_words
from subscribers.choice import Choice, Frequency
from subscribers.consent import Kind, Status
from subscribers.preferences import choice_of
from subscribers.tokens import Purpose

WEEK = "/issues/2026-W46"
ALL = {f"topic-{topic.slug}": "yes" for topic in TOPICS}


@pytest.fixture
def here(engine: Engine) -> Place:
    """The five characters, the sample week, three topics."""
    return with_topics(engine)


@pytest.fixture
def web(here: Place) -> Iterator[httpx.Client]:
    """The server."""
    with open_web(here) as client:
        yield client


def link(here: Place, name: str = "ada") -> str:
    """The link in their mail."""
    return f"/preferences/{token(here, Purpose.PREFERENCES, name)}"


def ticked(page: httpx.Response) -> list[str]:
    """The names and values of what is ticked."""
    boxes = [line for line in page.text.splitlines() if "<input type=" in line and " checked" in line]
    return [line.partition('name="')[2].partition('"')[0] + "=" + line.partition('value="')[2].partition('"')[0]
            for line in boxes]  # fmt: skip


def test_who_never_chose_gets_everything_and_the_page_says_so(web: httpx.Client, here: Place) -> None:
    """All is ticked, and looking changes nothing."""
    before = dump(here)
    page = web.get(link(here))

    assert "You get every issue, whole: one a week." in page.text
    assert ticked(page) == ["often=weekly", "topic-models=yes", "topic-tools=yes", "topic-rest=yes"]
    assert dump(here) == before


def test_a_choice_is_kept_and_said_in_words(web: httpx.Client, here: Place) -> None:
    """With evidence of where it was made."""
    page = web.post(f"{link(here)}/choice", data={"often": "monthly", "topic-models": "yes", "topic-tools": "yes"})

    assert (page.status_code, "You get one mail a month" in page.text) == (200, True)
    assert "about Models and Developer tools" in page.text
    assert ticked(web.get(link(here))) == ["often=monthly", "topic-models=yes", "topic-tools=yes"]
    assert choice_of(who(here, "ada")) == Choice.of("models,tools", "monthly")
    assert [(event.kind, event.source) for event in story(here, "ada")][1:] == [(Kind.CHOSE, "/preferences")]


def test_a_choice_is_among_their_data(web: httpx.Client, here: Place) -> None:
    """As all that is kept of them."""
    wants(here, "ada", "models", "changes")
    profile = web.get(f"{link(here)}/data").json()["profile"]

    assert (profile["topics"], profile["frequency"]) == ("models", "changes")


def test_all_topics_are_everything_also_what_is_added_later(web: httpx.Client, here: Place) -> None:
    """And back to where they began."""
    wants(here, "ada", "models", "changes")
    web.post(f"{link(here)}/choice", data={"often": "weekly", **ALL})

    assert choice_of(who(here, "ada")) == Choice()


@pytest.mark.parametrize("data", [{"often": "weekly"}, {**ALL}, {"often": "daily", **ALL}, {}])
def test_no_topic_or_no_rhythm_is_said_and_changes_nothing(
    web: httpx.Client, here: Place, data: dict[str, str]
) -> None:
    """Ticking nothing is no way out: the ways out are named, and stand on the page."""
    before = dump(here)
    page = web.post(f"{link(here)}/choice", data=data)

    assert (page.status_code, 'role="alert"' in page.text, dump(here) == before) == (422, True, True)
    assert 'href="/u/' in page.text


@pytest.mark.parametrize("data", [{"often": "monthly"}, {"topic-rest": "yes"}])
def test_a_form_that_lacks_something_keeps_what_was_picked(
    web: httpx.Client, here: Place, data: dict[str, str]
) -> None:
    """Whoever mends it does not begin anew; the words above it are of what still counts."""
    page = web.post(f"{link(here)}/choice", data=data)

    assert ticked(page) == [f"{name}={value}" for name, value in ({"often": "weekly"} | data).items()]
    assert "You get every issue, whole: one a week." in page.text


@pytest.mark.parametrize("name", ["ben", "cleo"])
def test_whoever_is_not_on_the_list_cannot_choose(web: httpx.Client, here: Place, name: str) -> None:
    """Their page has no such form, and one of another day changes nothing."""
    page = web.post(f"{link(here, name)}/choice", data={"often": "changes", **ALL})

    assert ("/choice" in page.text, "is saved" in page.text) == (False, False)
    assert choice_of(who(here, name)) == Choice()


def test_a_break_and_a_choice_do_not_touch_each_other(web: httpx.Client, here: Place) -> None:
    """Pia stays on hers."""
    web.post(f"{link(here, 'pia')}/choice", data={"often": "changes", **ALL})

    assert (who(here, "pia").status, choice_of(who(here, "pia"))) == (Status.PAUSED, Choice.of("", "changes"))


def test_the_page_that_answers_a_choice_is_the_page_of_their_settings(web: httpx.Client, here: Place) -> None:
    """Its other forms lead where they always do, and whoever loads it again sees it."""
    page = web.post(f"{link(here)}/choice", data={"often": "changes", **ALL})
    forms = [line.partition('action="')[2].partition('"')[0] for line in page.text.splitlines() if "<form" in line]

    assert forms == [f"{link(here)}/choice", link(here)]
    assert web.get(f"{link(here)}/choice").status_code == 200


def test_the_way_out_stands_before_everything_else(web: httpx.Client, here: Place) -> None:
    """Readers leave by the spam button where it is hidden."""
    main = web.get(link(here)).text.partition("<main>")[2]

    assert main.index('href="/u/') < main.index("<form")


def test_without_topics_only_the_rhythm_is_asked(engine: Engine) -> None:
    """As an operator has it who configured none."""
    bare = with_topics(engine)
    config = bare.desk.config.model_copy(update={"topics": ()})
    object.__setattr__(bare.desk, "config", config)
    with open_web(bare) as client:
        page = client.get(link(bare))
        client.post(f"{link(bare)}/choice", data={"often": "changes"})

    assert ("topic-" in page.text, ticked(page)) == (False, ["often=weekly"])
    assert choice_of(who(bare, "ada")) == Choice.of("", "changes")


@pytest.mark.parametrize(
    ("often", "topics", "words"),
    [
        (Frequency.WEEKLY, [], "You get every issue, whole: one a week."),
        (Frequency.WEEKLY, ["Models"], "You get a mail in every week that has something about Models."),
        (Frequency.MONTHLY, [], "You get one mail a month, with all of the month."),
        (Frequency.MONTHLY, ["A", "B"], "You get one mail a month, with what the month had about A and B."),
        (Frequency.CHANGES, [], "You get a mail only in a week in which a verdict has changed."),
        (Frequency.CHANGES, ["A"], "You get a mail only in a week in which a verdict about A has changed."),
    ],
)
def test_the_page_says_what_a_choice_means(often: Frequency, topics: list[str], words: str) -> None:
    """In a sentence."""
    assert in_words(often, topics) == words


def test_view_in_browser_leads_to_the_reader_s_own_part(web: httpx.Client, here: Place) -> None:
    """The approved bytes without what is one reader's own; search engines are led to the whole."""
    two_parts(here)
    writing.draft(here.desk)
    made = writing.approve(here.desk, "1", by="test")[1]
    assert web.get(f"{WEEK}/models").status_code == 404
    sending.send(here.desk, "1", by="test", pause=lambda _: None)
    page = web.get(f"{WEEK}/models")
    mail = looking.message_for(here.desk, "1", address="ada@example.org")[0]

    assert f"https://news.example.org{WEEK}/models" in mail.html
    assert f'<link rel="canonical" href="https://news.example.org{WEEK}">' in page.text
    assert (made.parts["models"].subject in page.text, made.whole.subject in page.text) == (True, False)
    assert page.headers["cache-control"] == web.get(WEEK).headers["cache-control"]
    assert [secret for secret in (who(here, "ada").ref, "ada@", "/preferences/", "/u/") if secret in page.text] == []


def two_parts(here: Place) -> None:
    """Two topics, for the time that it takes to approve six parts; Ada wants models."""
    object.__setattr__(here.desk, "config", here.desk.config.model_copy(update={"topics": TWO}))
    wants(here, "ada", "models")


def test_what_is_no_part_is_no_page(web: httpx.Client, here: Place) -> None:
    """Nor is a part of a week without an issue."""
    two_parts(here)
    writing.draft(here.desk)
    writing.approve(here.desk, "1", by="test")
    sending.send(here.desk, "1", by="test", pause=lambda _: None)

    paths = (f"{WEEK}/nothing", f"{WEEK}/", f"{WEEK}/others.models", "/issues/2026-W40/models", f"{WEEK}/models/x")
    assert [web.get(path).status_code for path in paths] == [404] * 5
