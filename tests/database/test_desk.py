"""What an editor and an operator do with an issue, without a door in between."""

from dataclasses import replace

import pytest
from desk_samples import Place, furnished
from fake_provider import Killed
from sqlalchemy import Engine, text

from newsletter.database import transaction
from newsletter.delivery.flight import Ending
from newsletter.delivery.progress import progress
from newsletter.desk import looking, sending, writing
from newsletter.errors import DeliveryError, IllegalStep, IssueError, MergeError, PreflightFailed
from newsletter.issues.approval import approve
from newsletter.issues.edits import with_intro, with_subject
from newsletter.issues.issue import IssueStatus
from newsletter.issues.parts import WHOLE
from newsletter.mail.rendered import dump


@pytest.fixture
def here(engine: Engine) -> Place:
    """A desk with the sample week drafted."""
    place = furnished(engine)
    writing.draft(place.desk)
    return place


def approved(here: Place) -> Place:
    """The same, approved by Mara."""
    writing.approve(here.desk, "1", by="Mara")
    return here


def test_what_is_looked_at_after_approval_is_what_was_approved(here: Place) -> None:
    """The render of an approved issue is the frozen one, digest and all."""
    _, final = writing.approve(here.desk, "1", by="Mara")
    with here.desk.transaction() as session:
        seen = writing.rendered(here.desk, session, here.desk.find(session, "1"))

    assert seen == final.whole


def test_a_setting_changed_after_approval_does_not_change_what_is_sent(here: Place) -> None:
    """Name, sender and postal address are frozen with the words."""
    approved(here)
    before = looking.message_for(here.desk, "1", address="ada@example.org")[1]
    other = here.desk.config.publication.model_copy(update={"sender": "Eve <eve@example.net>", "name": "Other"})
    changed = here.desk.config.model_copy(update={"publication": other})
    desk = type(here.desk)(changed, *(getattr(here.desk, name) for name in list(here.desk.__slots__)[1:]))

    assert looking.message_for(desk, "1", address="ada@example.org")[1] == before


def test_tampered_bytes_are_not_sent(here: Place) -> None:
    """Somebody changed the stored render behind our back: the digest does not match."""
    approved(here)
    with transaction(here.desk.engine) as session:
        session.execute(text("update frozen_issue set content = replace(content, 'SHIP', 'SKIP')"))

    with pytest.raises(IssueError, match="is not what was approved"):
        sending.send(here.desk, "1", by="Mara")
    assert not here.provider.log


def test_an_issue_with_errors_cannot_be_approved(here: Place) -> None:
    """No postal address: the law wants one, so does the preflight."""
    bare = here.desk.config.publication.model_copy(update={"postal_address": ""})
    config = here.desk.config.model_copy(update={"publication": bare})
    desk = type(here.desk)(config, *(getattr(here.desk, name) for name in list(here.desk.__slots__)[1:]))

    with pytest.raises(PreflightFailed, match="postal"):
        writing.approve(desk, "1", by="Mara")


def test_an_issue_is_approved_once(here: Place) -> None:
    """The second approval is refused and changes nothing."""
    approved(here)

    with pytest.raises(IllegalStep, match="is approved already"):
        writing.approve(here.desk, "1", by="Ben")


def test_an_edit_of_an_approved_issue_voids_the_approval_aloud(here: Place) -> None:
    """It is a draft again, and who approved it is named."""
    approved(here)
    issue, lost = writing.edit(here.desk, "1", lambda _s, _i, edits: with_intro(edits, "Hello"), by="Ben")

    assert issue.status is IssueStatus.DRAFT
    assert "Mara" in lost


def test_an_edit_that_is_refused_changes_nothing(here: Place) -> None:
    """A subject of three hundred characters is no subject; the approval stands."""
    approved(here)
    with pytest.raises(IssueError):
        writing.edit(here.desk, "1", lambda _s, _i, edits: with_subject(edits, "a" * 300), by="Ben")

    with here.desk.transaction() as session:
        assert here.desk.find(session, "1").status is IssueStatus.APPROVED


def test_a_test_copy_is_marked_and_holds_nobodys_token(here: Place) -> None:
    """It goes through the provider; the ledger stays empty, so the issue can still be reopened."""
    assert sending.send_test(here.desk, "1", ["mara@example.org", "ben@example.org"]) == WHOLE

    with here.desk.transaction() as session:
        assert here.desk.find(session, "1").status is IssueStatus.DRAFT
    assert sorted(here.provider.log.values()) == [1, 1]


def test_a_test_copy_that_is_not_taken_is_an_error(here: Place) -> None:
    """The editor must not wait for a mail that will never come."""
    here.provider.next_answers = ["refuse"]

    with pytest.raises(DeliveryError, match="was not accepted"):
        sending.send_test(here.desk, "1", ["mara@example.org"])


def test_a_scheduled_issue_waits_for_its_hold_and_can_be_undone(here: Place) -> None:
    """Ten minutes in which 'reopen' works; then it is due."""
    approved(here)
    sending.schedule(here.desk, "1", at=None, by="Mara")
    before = sending.due(here.desk)
    here.clock.forward(minutes=10)

    assert (before, sending.due(here.desk)) == ([], ["1"])
    assert writing.reopen(here.desk, "1", by="Mara").status is IssueStatus.DRAFT
    assert sending.due(here.desk) == []


def test_approving_after_the_planned_time_does_not_mean_now(here: Place) -> None:
    """A time that is past is refused."""
    approved(here)
    past = here.clock()
    here.clock.forward(hours=1)

    with pytest.raises(IssueError, match="is past"):
        sending.schedule(here.desk, "1", at=past, by="Mara")


def test_a_paused_issue_waits_and_goes_on(here: Place) -> None:
    """Pause, resume, send: Ada gets one message."""
    approved(here)
    sending.start(here.desk, "1", by="Mara")
    sending.pause(here.desk, "1", by="Mara")
    waiting = sending.due(here.desk)
    sending.resume(here.desk, "1", by="Mara")
    done = sending.send(here.desk, "1", by="Mara")

    assert waiting == []
    assert (done.ending, done.issue.status) == (Ending.DONE, IssueStatus.SENT)
    assert list(here.provider.log.values()) == [1]


def test_only_a_paused_issue_is_resumed(here: Place) -> None:
    """Anything else is refused in words."""
    with pytest.raises(IllegalStep, match="not paused"):
        sending.resume(here.desk, "1", by="Mara")


def test_a_cancelled_issue_of_which_nobody_got_anything_can_be_reopened(here: Place) -> None:
    """One wrong key must not cost the week its issue."""
    approved(here)
    writing.cancel(here.desk, "1", by="Mara")

    assert writing.reopen(here.desk, "1", by="Mara").status is IssueStatus.DRAFT


def test_an_issue_that_somebody_got_stays_cancelled(here: Place) -> None:
    """One delivery was claimed: it is not drafted, and not sent, a second time."""
    approved(here)
    here.provider.next_answers = ["later"] * 3
    assert sending.send(here.desk, "1", by="Mara").ending is Ending.REFUSING
    writing.cancel(here.desk, "1", by="Mara")

    with pytest.raises(IllegalStep, match="stays cancelled"):
        writing.reopen(here.desk, "1", by="Mara")


def test_an_issue_with_somebody_unknown_ends_partial(here: Place) -> None:
    """It says so in its status."""
    approved(here)
    here.provider.remembers, here.provider.next_answers = False, ["accept, answer lost"]

    assert sending.send(here.desk, "1", by="Mara").issue.status is IssueStatus.PARTIAL


def test_the_audience_is_told_before_sending(here: Place) -> None:
    """One to be mailed, four not, each with the reason."""
    with here.desk.transaction() as session:
        would = sending.audience(here.desk, session)

    assert would.eligible == 1
    assert would.excluded == {"pending": 1, "paused": 1, "unsubscribed": 1, "suppressed": 1}


def test_latest_is_the_newest_issue(here: Place) -> None:
    """The word that an editor types most."""
    with here.desk.transaction() as session:
        assert here.desk.find(session, "latest").number == 1


def changed(here: Place, **publication: object) -> Place:
    """The same desk with other settings, as after an edit of config.toml."""
    other = here.desk.config.publication.model_copy(update=publication)
    config = here.desk.config.model_copy(update={"publication": other})
    return replace(here, desk=replace(here.desk, config=config))


def test_the_base_of_all_links_is_frozen_with_the_approval(here: Place) -> None:
    """A changed setting does not send everybody's tokens elsewhere."""
    approved(here)
    elsewhere = changed(here, base_url="https://evil.example")
    message, _ = looking.message_for(elsewhere.desk, "1", address="ada@example.org")

    assert "evil.example" not in message.html + message.text + str(message.headers)


def test_an_issue_that_can_be_mailed_to_nobody_does_not_begin(here: Place) -> None:
    """A base that is no https link was frozen somehow: the issue stays approved, nobody is refused."""
    wrong = changed(here, base_url="http://192.168.1.5:8000")
    with wrong.desk.transaction() as session:
        issue = wrong.desk.find(session, "1")
        final = writing.rendered(wrong.desk, session, issue)
        approve(session, issue, digest=final.digest, content=dump(final), by="Eve", now=wrong.clock())

    with pytest.raises(MergeError):
        sending.send(wrong.desk, "1", by="Mara")
    with wrong.desk.transaction() as session:
        assert wrong.desk.find(session, "1").status is IssueStatus.APPROVED


def test_damaged_bytes_are_found_before_anything_begins(here: Place) -> None:
    """The issue stays approved and can be reopened and approved again."""
    approved(here)
    with transaction(here.desk.engine) as session:
        session.execute(text("update frozen_issue set content = '{}'"))

    with pytest.raises(IssueError, match="Reopen the issue"):
        sending.send(here.desk, "1", by="Mara")
    writing.reopen(here.desk, "1", by="Mara")
    approved(here)
    assert sending.send(here.desk, "1", by="Mara").issue.status is IssueStatus.SENT


def test_an_issue_killed_before_its_first_claim_can_begin_anew(here: Place) -> None:
    """Started, cancelled, reopened, changed, approved: the ledger of the first start is forgotten."""
    approved(here)
    sending.start(here.desk, "1", by="Mara")
    writing.cancel(here.desk, "1", by="Mara")
    writing.reopen(here.desk, "1", by="Mara")
    writing.edit(here.desk, "1", lambda _s, _i, edits: with_intro(edits, "Hello"), by="Mara")
    approved(here)

    assert sending.send(here.desk, "1", by="Mara").issue.status is IssueStatus.SENT


def test_a_cancelled_issue_leaves_nothing_under_way(here: Place) -> None:
    """What was parked is called off: its doubt is closed, its numbers add up."""
    approved(here)
    here.provider.next_answers = ["later"] * 3
    sending.send(here.desk, "1", by="Mara")
    writing.cancel(here.desk, "1", by="Mara")

    with here.desk.transaction() as session:
        state = progress(session, 1)
    assert (state.under_way, state.refused) == (0, 1)


def test_a_cancelled_issue_asks_the_provider_about_its_doubts(here: Place) -> None:
    """Killed after the provider took the batch, then cancelled: it was accepted, and the ledger says so."""
    approved(here)
    here.provider.remembers, here.provider.answers_look_ups = False, True
    here.provider.next_answers = ["accept, die after"]
    with pytest.raises(Killed):
        sending.send(here.desk, "1", by="Mara")
    here.clock.forward(hours=1)
    writing.cancel(here.desk, "1", by="Mara")

    with here.desk.transaction() as session:
        assert progress(session, 1).accepted == 1
