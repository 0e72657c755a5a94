"""Telling people: each once, by every way, whatever the others do."""

from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pytest
from sqlalchemy import Engine
from telling_samples import EDITOR, OPERATOR, Postbox, Told, told

from jobs.looking import EVERY
from jobs.telling import tell, try_ways
from newsletter.desk import writing
from newsletter.desk.notices import Holds, Kind, Severity, keep
from newsletter.errors import ProviderError
from newsletter.providers.catalogue import Later

DISK = Holds(Kind.DISK, "", Severity.WARNING, "400 MB are free.", "Make room.")
MINUTES = int(EVERY.total_seconds() // 60)


def hold(here: Told, *holding: Holds) -> None:
    """These hold from now on, and nothing else; nobody looks any more."""
    with here.place.desk.transaction() as session:
        keep(session, holding, here.place.clock())
    here.lookout.due = here.place.clock() + timedelta(days=30)


def test_an_editor_is_mailed_that_a_draft_is_ready_and_by_when_to_approve_it(engine: Engine) -> None:
    """Once: the next look says nothing new; operators have nothing to do with it."""
    here = told(engine)
    here.again()
    here.again(minutes=MINUTES)

    (mail,) = here.post.mails
    assert mail.to == EDITOR
    assert mail.subject.startswith(
        "[Weekly AI Tool Verdicts] The draft of issue 1 (2026-W46) is ready, deadline in 15 h"
    )
    assert "deadline in 15 h (Thu 12 Nov 23:00 UTC). Not approved by then, it waits.\nRead it: newsletter" in mail.text


def test_a_chat_is_told_when_something_begins_and_when_it_is_over(engine: Engine) -> None:
    """Two calls, with ids of their own; nobody is mailed that a draft waits no longer."""
    here = told(engine)
    here.again()
    writing.approve(here.place.desk, "1", by="ada")
    here.again(minutes=MINUTES)

    assert [one["type"] for one in here.chat.said] == ["notice.opened", "notice.resolved"]
    assert [one["data"]["key"] for one in here.chat.said] == ["draft-ready:1"] * 2
    assert len({call.headers["webhook-id"] for call in here.chat.calls}) == 2
    assert len(here.post.mails) == 1


def test_an_operator_hears_by_the_chat_of_a_provider_that_refuses(engine: Engine) -> None:
    """And by mail, once it takes mail again: a minute later, then five, and then never again."""
    here = told(engine)
    here.post.always = "your account is suspended"
    hold(here, DISK)
    said = [here.again(), here.again(seconds=30), here.again(minutes=1)]
    here.post.always = "accept"
    said += [here.again(minutes=5), here.again(minutes=5)]

    assert [one["data"]["kind"] for one in here.chat.said] == ["disk"]
    assert said == [["Notices cannot be told by mail: your account is suspended. It is tried again."], [], [], [], []]
    assert [mail.to for mail in here.post.mails] == [OPERATOR]
    assert len(here.post.calls) == 3


@pytest.mark.parametrize("why", ["later", "your account is suspended"])
def test_the_second_provider_takes_a_notice_that_the_first_certainly_did_not(engine: Engine, why: str) -> None:
    """Away, or the trouble that is to be told: the operator hears of it by mail all the same, once."""
    here, second = told(engine, editors=()), Postbox(name="second")
    here.post.always = why
    here.lookout.desk = replace(here.lookout.desk, fallback=second)
    hold(here, DISK)
    said = [here.again(), here.again(minutes=10)]

    assert said == [[], []]
    assert ([mail.to for mail in second.mails], len(here.post.calls)) == ([OPERATOR], 1)


def test_the_second_provider_is_not_given_a_notice_that_the_first_may_have(engine: Engine) -> None:
    """An answer that was lost is no "not taken"."""
    here, second = told(engine, editors=()), Postbox(name="second")
    here.post.always = "accept, answer lost"
    here.lookout.desk = replace(here.lookout.desk, fallback=second)
    hold(here, DISK)
    here.again()

    assert (second.calls, len(here.post.calls)) == ([], 1)


def test_the_second_provider_tells_that_the_first_has_no_key(engine: Engine) -> None:
    """Nothing can have left by a provider that cannot be made."""
    here, second = told(engine, editors=()), Postbox(name="second")

    def without_key() -> NoReturn:
        raise ProviderError("The key of postmark is missing.")

    here.lookout.desk = replace(here.lookout.desk, provider=Later(without_key), fallback=second)
    hold(here, DISK)
    here.again()

    assert [mail.to for mail in second.mails] == [OPERATOR]


def test_a_chat_that_is_away_holds_up_no_mail_and_has_the_same_id_when_it_is_back(engine: Engine) -> None:
    """So that whoever took the first attempt knows the second."""
    here = told(engine)
    here.chat.status = 0
    hold(here, DISK)
    here.again()
    here.chat.status = 200
    here.again(minutes=1)
    here.again(minutes=1)

    assert [mail.to for mail in here.post.mails] == [OPERATOR]
    assert len(here.chat.calls) == 2
    assert len({call.headers["webhook-id"] for call in here.chat.calls}) == 1


def test_a_way_that_is_gone_is_not_called_for_everything_at_once(engine: Engine) -> None:
    """Ten calls that take ten seconds each would be a minute and a half."""
    here = told(engine, operators=())
    here.chat.status = 0
    hold(here, DISK, *(Holds(Kind.KEY_FILE, str(n), Severity.URGENT, f"{n} is gone.", "Mend it.") for n in range(9)))
    here.again()

    assert len(here.chat.calls) == 1


def test_two_processes_tell_a_thing_once(engine: Engine) -> None:
    """The second finds it claimed while the first is at it."""
    here = told(engine, editors=(), operators=())
    hold(here, DISK)

    class Slow(type(here.chat)):  # type: ignore[misc] # the class of the chat
        def post(self, request: object) -> object:
            tell(here.place.desk, here.chat, here.lookout.environ)
            return super().post(request)

    slow = Slow()
    tell(here.place.desk, slow, here.lookout.environ)

    assert (len(slow.calls), len(here.chat.calls)) == (1, 0)


def test_what_holds_is_told_again_every_day_and_in_one_mail(engine: Engine) -> None:
    """Two things in trouble are one mail, the worst in its subject."""
    here = told(engine)
    hold(here, DISK, Holds(Kind.KEY_FILE, "k", Severity.URGENT, "The key is gone.", "Mend it."))
    here.again()
    here.again(hours=23)
    here.again(hours=1)

    first, second = here.post.mails
    assert first.subject == "[Weekly AI Tool Verdicts] The key is gone (and 1 more)"
    assert second.subject == "[Weekly AI Tool Verdicts] Still: The key is gone (and 1 more)"
    assert second.text.startswith("The key is gone.\nMend it.\n\n400 MB are free.\nMake room.\n\n")


def test_no_address_of_a_reader_leaves_with_a_notice(engine: Engine) -> None:
    """Whatever others said: it is hidden before it is kept."""
    here = told(engine)
    said = "550 <ada@example.org> is unknown; see https://example.org/why"
    hold(here, Holds(Kind.CHORES, "", Severity.WARNING, f"Not done: {said}", "Write to ada%40example.org"))
    here.again()

    everything = f"{here.chat.said} {here.post.mails[0].text} {here.post.mails[0].html} {here.post.mails[0].subject}"
    assert "ada" not in everything
    assert "Not done: 550 (an address) is unknown; see https://example.org/why" in everything


def test_a_provider_that_cannot_even_be_made_is_a_way_that_failed(engine: Engine) -> None:
    """No key: a sentence, and the webhook goes all the same."""
    here = told(engine)

    def broken(_: object) -> object:
        raise ProviderError("There is no key for postmark.")

    here.post.send = broken  # type: ignore[assignment,method-assign]
    hold(here, DISK)

    assert here.again() == ["Notices cannot be told by mail: There is no key for postmark. It is tried again."]
    assert len(here.chat.calls) == 1


def test_a_way_that_failed_three_times_is_told_by_the_others(engine: Engine) -> None:
    """A mailbox that takes nothing is known to nobody but us."""
    here = told(engine, operators=())
    here.post.always = "refuse"
    for _ in range(4):
        here.again(minutes=31)

    assert [one["data"]["key"] for one in here.chat.said] == ["draft-ready:1", "not-told:mail"]


def test_a_webhook_without_a_key_is_a_way_that_failed(engine: Engine) -> None:
    """It is never called unsigned."""
    here = told(engine, editors=(), operators=())
    here.lookout.environ = {}

    (said,) = here.again()[1:]
    assert said.startswith("Notices cannot be told by webhook: The key of telling.webhook must be whsec_ and")
    assert here.chat.calls == []


def test_a_certificate_is_asked_for_four_times_a_day(engine: Engine) -> None:
    """Not at every look: it has nothing new to say."""
    here, asked = told(engine), list[str]()
    here.lookout.ask = asked.append  # type: ignore[assignment]
    for hours in (0, 1, 4, 1, 1):
        here.again(hours=hours)

    assert asked == ["https://news.example.org"] * 2


@pytest.mark.parametrize(("always", "why"), [("accept", ""), ("refuse", "refuse")])
def test_every_way_can_be_tried_without_anything_being_wrong(engine: Engine, always: str, why: str) -> None:
    """Each is named with why it failed; nothing of it is kept."""
    here = told(engine)
    here.post.always = always
    tried = try_ways(here.place.desk, here.chat, here.lookout.environ)

    assert tried == [("webhook", ""), (f"mail:{EDITOR}", why), (f"mail:{OPERATOR}", why)]
    assert here.chat.said[0]["data"]["kind"] == "trying"
