"""Whom a refusal names, and whom it only seems to name. The sentences are the providers' own."""

import pytest
from adapter_suite import NAMES, batch_of

from newsletter.mail.message import Recipient
from newsletter.providers.base import OutgoingBatch
from newsletter.providers.naming import by_address

BATCH = batch_of(*NAMES)


@pytest.mark.parametrize(
    "words",
    [
        "Error parsing 'To': Illegal email mailbox 'bo' in address 'bo@example.org'.",
        "'BO@Example.org' is not a valid address. please check documentation",
        "Invalid recipient <bo@example.org>",
        "invalid_parameter bo@example.org is not valid in to",
        "Malformed address: [bo@example.org], bo@example.org",
    ],
)
def test_an_address_of_ours_that_is_not_valid_is_named(words: str) -> None:
    """In quotes, in brackets, in any case of letters, said twice."""
    assert by_address(BATCH, words) == {1}


@pytest.mark.parametrize(
    "words",
    [
        "'to' parameter is not a valid address. please check documentation",
        "email is not valid in to",
        "to is not valid in messageVersions",
        "Illegal address",
        "Local address contains control or whitespace",
        "Invalid `to` field. The email address needs to follow the `bo@example.org` or `Name <bo@example.org>` format.",
        "You can only send testing emails to your own email address (bo@example.org).",
        "Error parsing 'From': Illegal email address 'bo@example.org'.",
        "Error parsing 'To': Illegal email address 'World'. It must contain the '@' symbol.",
        "Invalid 'reply_to': bo@example.org",
        "'bo@example.org.uk' is not a valid address",
        "'o'bo@example.org' is not a valid address",
        "'bo@example.or' is not a valid address",
        "mailto:bo@example.org is not valid",
        "bo@example.org and cy@example.org are not valid",
        "bo@example.org is not valid; write to support@provider.example",
        "bo@example.org is suppressed",
    ],
)
def test_nobody_is_named_for_sure(words: str) -> None:
    """No address, the sender's, an example, one that only looks like ours, two at once."""
    assert by_address(BATCH, words) == set()


def test_the_senders_address_is_not_a_readers() -> None:
    """Who writes the newsletter reads it as well."""
    address = BATCH.builder.sender.sender.rpartition("<")[2].rstrip(">")
    batch = OutgoingBatch("k", 1, BATCH.builder, [Recipient(address, "key-own", {}), *BATCH.recipients])

    assert by_address(batch, f"{address} is not a valid address") == set()


def test_an_address_that_two_have_names_neither() -> None:
    """In upper and in lower case."""
    people = [Recipient("Bo@example.org", "k1", {}), Recipient("bo@example.org", "k2", {})]

    assert by_address(OutgoingBatch("k", 1, BATCH.builder, people), "bo@example.org is not valid") == set()
