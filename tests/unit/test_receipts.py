"""What a provider's answer says of each recipient."""

import pytest
from delivery_samples import batch_of

from newsletter.providers.base import Alike, Answer, Directive, Outcome, Receipt, all_alike

BATCH = batch_of("ada", "bo", "cy")


def test_receipts_that_are_alike_read_like_a_list_of_them() -> None:
    """In the order of the recipients."""
    alike = all_alike(BATCH, Outcome.REFUSED, "HTTP 400")

    assert list(alike) == [Receipt(f"key-{name}", Outcome.REFUSED, "", "HTTP 400") for name in ("ada", "bo", "cy")]


def test_the_providers_ids_go_with_their_recipients() -> None:
    """Also in a part of them."""
    alike = all_alike(BATCH, Outcome.ACCEPTED, provider_ids=("p1", "p2", "p3"))

    assert [(receipt.key, receipt.provider_id) for receipt in alike[1:]] == [("key-bo", "p2"), ("key-cy", "p3")]


@pytest.mark.parametrize(
    ("answer", "plain"),
    [
        (Answer(all_alike(BATCH, Outcome.ACCEPTED)), True),
        (Answer(all_alike(BATCH, Outcome.REFUSED)), False),
        (Answer(all_alike(BATCH, Outcome.ACCEPTED), Directive.SLOW_DOWN, 3.0), False),
        (Answer([Receipt("key-ada", Outcome.ACCEPTED)]), False),
        (Answer(Alike([], Outcome.UNKNOWN)), False),
    ],
)
def test_an_answer_is_plain_where_there_is_nothing_to_look_at(answer: Answer, plain: bool) -> None:
    """Everybody accepted, go on: only then the numbers that breakers watch cannot have become worse."""
    assert answer.is_plain is plain
