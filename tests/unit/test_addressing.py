"""From subscribers to the recipients of a call."""

from people import NOW, SECRET

from newsletter.delivery.addressing import Addressing, Member
from newsletter.mail.rendered import FIELDS
from subscribers.subscriber import Status, Subscriber
from subscribers.tokens import Keys, Purpose, verify

ADA = Member("adaadaada", "ada@example.org", "Ada", "2026-02-03 04:05:06.000000", "adaadaada-2")
ERASED = Member("nobodynobody", None, "", "2026-11-12", "nobodynobody")
KEYS = Keys(SECRET)
ADDRESSING = Addressing(KEYS, "https://news.example.org", issue_id=12, week="2026-W46")


def test_a_delivery_is_named_by_its_issue_and_its_ref() -> None:
    """Stable, from ids only, without an address, and past a change of that: an event leads back to its subscriber."""
    assert ADDRESSING.columns([ADA]).keys == ["12-adaadaada"]


def test_everybody_gets_links_of_their_own() -> None:
    """The token in a link is theirs, and for that purpose."""
    ada, erased = ADDRESSING.columns([ADA, ERASED])

    token = ada.values["unsubscribe"].removeprefix("https://news.example.org/u/")
    assert verify(KEYS, Purpose.UNSUBSCRIBE, token, now=NOW) == ADA.link == "adaadaada-2"
    token = erased.values["preferences"].removeprefix("https://news.example.org/preferences/")
    assert verify(KEYS, Purpose.PREFERENCES, token, now=NOW) == ERASED.link


def test_a_date_is_written_in_words() -> None:
    """From a time as the database keeps it, or from a day."""
    since = [recipient.values["since"] for recipient in ADDRESSING.columns([ADA, ERASED])]

    assert since == ["3 February 2026", "12 November 2026"]


def test_who_was_erased_has_no_address() -> None:
    """And nobody else's."""
    assert [recipient.address for recipient in ADDRESSING.columns([ADA, ERASED])] == ["ada@example.org", ""]


def test_only_the_fields_of_the_issue_are_made() -> None:
    """What an issue does not use costs nothing."""
    assert list(ADDRESSING.columns([ADA], ("name", "view")).values) == ["name", "view"]


def test_nobody_is_nobody() -> None:
    """A call whose members were all set apart."""
    assert list(ADDRESSING.columns([])) == []


def test_one_subscriber_is_addressed_as_in_a_call() -> None:
    """The preview for a subscriber shows the bytes that they get."""
    ada = Subscriber(
        ref=ADA.ref,
        address=ADA.address,
        fingerprint="f",
        name=ADA.name,
        link_set=2,
        status=Status.ACTIVE,
        signed_up_at=NOW,
        confirmed_at=NOW.replace(month=2, day=3),
        status_since=NOW,
    )

    assert ADDRESSING.recipient(ada) == ADDRESSING.columns([ADA])[0]
    assert set(ADDRESSING.recipient(ada).values) == set(FIELDS)
