"""Postmark's adapter, against django-anymail's payloads and the answers that the providers reference names.

The provider publishes no OpenAPI file that knows streams or metadata, so anymail alone is the second opinion.
"""

import json
from dataclasses import replace
from typing import Any

import anymail_samples
import pytest
from adapter_suite import BUILDER, NAMES, AdapterSuite, Wire, answered, batch_of, call_of, fates, rendered_issue_of
from anymail.backends.postmark import EmailBackend
from delivery_samples import NOW, recipient, rendered_issue

from newsletter.errors import MailError, ProviderError
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.providers.adapter import Account
from newsletter.providers.api_provider import ApiProvider
from newsletter.providers.base import Answer, Directive, Outcome, OutgoingBatch
from newsletter.providers.poster import Answered, Request
from newsletter.providers.postmark import Postmark

GO_ON, HALT = Directive.GO_ON, Directive.HALT
ACCEPTED, REFUSED, RETRY, UNKNOWN = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.RETRY, Outcome.UNKNOWN
INACTIVE = {"ErrorCode": 406, "Message": "You tried to send to a recipient that has been marked as inactive."}


def taken(name: str, **other: Any) -> dict[str, Any]:
    """The item of a message that Postmark has."""
    return {
        "To": f"{name}@example.org",
        "SubmittedAt": "2026-11-12T09:00:00Z",
        "MessageID": f"id-key-{name}",
        "ErrorCode": 0,
        "Message": "OK",
    } | other


def refused(code: int, message: str = "no") -> dict[str, Any]:
    """The item of a message that Postmark refused: it has neither To nor MessageID."""
    return {"ErrorCode": code, "Message": message}


class TestPostmark(AdapterSuite):
    """What every adapter must do."""

    own_ids = True

    def adapter(self) -> Postmark:
        """With a made-up token."""
        return Postmark(Account("made-up-secret"))

    def good_answer(self, batch: OutgoingBatch) -> Answered:
        """One item a message."""
        return answered(200, [taken(one.address.partition("@")[0]) for one in batch.recipients])

    def refusing_one(self, batch: OutgoingBatch) -> Answered:
        """Its item has an ErrorCode."""
        names = [one.address.partition("@")[0] for one in batch.recipients]
        return answered(200, [taken(names[0], ErrorCode=406, MessageID="", Message="Inactive"), *map(taken, names[1:])])

    def blaming(self, at: int, name: str) -> Answered:  # noqa: ARG002
        """By address: the sentence of a single message, should it come for a whole call."""
        words = f"Error parsing 'To': Illegal email mailbox '{name}' in address '{name}@example.org'."
        return answered(422, {"ErrorCode": 300, "Message": words})

    def sent_addresses(self, request: Request, body: bytes) -> list[str]:  # noqa: ARG002 - the suite gives it
        """One To a message."""
        return [message["To"] for message in json.loads(body)]

    def sent_keys(self, request: Request, body: bytes) -> list[str]:  # noqa: ARG002 - the suite gives it
        """From the metadata, which holds nothing else."""
        return [key for message in json.loads(body) for key in message["Metadata"].values()]


def sent(batch: OutgoingBatch, **options: str) -> tuple[Request, list[dict[str, Any]]]:
    """The call that leaves, and its messages."""
    return call_of(Postmark(Account("made-up-secret", options)), batch)


def interpreted(*items: Any, names: tuple[str, ...] = NAMES, status: int = 200) -> Answer:
    """What the adapter makes of a list of items."""
    return Postmark(Account("")).interpret(batch_of(*names), answered(status, list(items)))


def by_anymail(person: Recipient) -> dict[str, Any]:
    """What django-anymail posts for the same message."""
    mail = anymail_samples.whole(person)
    mail.metadata = {"nl_delivery": person.key}  # type: ignore[attr-defined]
    mail.track_opens = mail.track_clicks = False  # type: ignore[attr-defined]
    mail.esp_extra = {"MessageStream": "broadcast"}  # type: ignore[attr-defined]
    request = anymail_samples.posted(EmailBackend(server_token="x"), mail, 200, json.dumps(taken("x")).encode())
    return dict(json.loads(request.body or b""))


def in_order(message: dict[str, Any]) -> dict[str, Any]:
    """The same with its headers sorted: their order says nothing."""
    return message | {"Headers": sorted(message["Headers"], key=lambda header: header["Name"])}


def test_each_message_is_what_anymail_would_send() -> None:
    """Field by field, with the same names; text and HTML merged by two different paths."""
    _, messages = sent(batch_of(*NAMES))

    assert [in_order(one) for one in messages] == [in_order(by_anymail(recipient(name))) for name in NAMES]


def test_the_call_names_its_token_and_goes_to_the_batch_address() -> None:
    """In a header, never in the address."""
    request, _ = sent(batch_of("ada"))

    assert request.url == "https://api.postmarkapp.com/email/batch"
    assert request.headers["X-Postmark-Server-Token"] == "made-up-secret"


def test_tracking_is_switched_off_in_every_message() -> None:
    """The server's own setting does not matter then."""
    _, messages = sent(batch_of(*NAMES))

    assert {(message["TrackOpens"], message["TrackLinks"]) for message in messages} == {(False, "None")}


def test_the_stream_is_broadcast_unless_told_otherwise() -> None:
    """Newsletters on a transactional stream are against Postmark's rules."""
    assert {message["MessageStream"] for message in sent(batch_of(*NAMES))[1]} == {"broadcast"}
    assert sent(batch_of("ada"), message_stream="weekly")[1][0]["MessageStream"] == "weekly"


def test_an_unknown_option_is_an_error() -> None:
    """A misspelt setting must not be silence."""
    with pytest.raises(ProviderError, match="message_stream"):
        Postmark(Account("", {"stream": "broadcast"}))


def test_metadata_is_one_string_and_there_is_no_tag() -> None:
    """What a provider keeps for ever is an opaque key."""
    _, messages = sent(batch_of("ada"))

    assert messages[0]["Metadata"] == {"nl_delivery": "key-ada"}
    assert "Tag" not in messages[0]


def test_a_key_too_long_for_metadata_is_refused_before_the_call() -> None:
    """Postmark takes 80 characters; cut, it would lead back to nobody."""
    long = Recipient("bo@example.org", "k" * 81, recipient("bo").values)
    wire = Wire([answered(200, [taken("ada")])])
    answer = ApiProvider(Postmark(Account("")), wire).send(replace(batch_of(), recipients=[recipient("ada"), long]))

    assert {receipt.key: receipt.outcome for receipt in answer.receipts} == {"key-ada": ACCEPTED, "k" * 81: REFUSED}


def test_an_issue_too_large_for_postmark_is_an_error() -> None:
    """5 MB for the HTML."""
    with pytest.raises(MailError, match="5 MB"):
        Postmark(Account("")).calls(MessageBuilder(rendered_issue_of(5_000_001), date=NOW))


def test_500_people_of_a_small_issue_and_fewer_of_a_large_one_fit_a_call() -> None:
    """By number first, and then by the 50 MB of a call."""
    provider = ApiProvider(Postmark(Account("")), Wire())

    assert provider.fits(BUILDER) == 500
    assert provider.fits(MessageBuilder(rendered_issue_of(200_000), date=NOW)) == pytest.approx(247, abs=3)


def test_what_looks_like_a_template_reaches_the_reader_unchanged() -> None:
    """/email/batch merges nothing, so nothing has to be neutralised."""
    issue = rendered_issue("{{ship}} it")
    builder = MessageBuilder(replace(issue, html=issue.html + "{{{x}}}"), date=NOW)
    _, (message,) = sent(batch_of("ada", builder=builder))

    assert message["Subject"] == "{{ship}} it"
    assert message["HtmlBody"].endswith("{{{x}}}")


def test_ids_are_kept_in_the_recipients_order() -> None:
    """One MessageID a message."""
    answer = interpreted(*map(taken, NAMES))

    assert [receipt.provider_id for receipt in answer.receipts] == ["id-key-ada", "id-key-bo", "id-key-cy"]


def test_an_error_inside_a_200_is_one_readers() -> None:
    """Error items lack To, MessageID and SubmittedAt; the others are accepted."""
    answer = interpreted(taken("ada"), INACTIVE, taken("cy"))

    assert (fates(answer), answer.directive) == ([ACCEPTED, REFUSED, ACCEPTED], GO_ON)


def test_ok_but_not_to_an_inactive_address_is_a_refusal() -> None:
    """ErrorCode 0 and a MessageID, for a message that its only reader will not get."""
    words = "Message OK, but will not deliver to these inactive addresses: bo@example.org. Inactive recipients are ..."
    answer = interpreted(taken("ada"), taken("bo", Message=words), taken("cy"))

    assert fates(answer) == [ACCEPTED, REFUSED, ACCEPTED]
    assert "bo@example.org" not in answer.receipts[1].reason


def test_a_delayed_message_without_an_error_code_is_accepted() -> None:
    """Its item has a MessageID, which no refused message has."""
    late = taken("bo", Message="Message accepted, but delivery may be delayed.")
    del late["ErrorCode"]

    assert fates(interpreted(taken("ada"), late, taken("cy"))) == [ACCEPTED, ACCEPTED, ACCEPTED]


@pytest.mark.parametrize("code", [10, 400, 401, 402, 403, 405, 409, 412, 413])
def test_the_accounts_fault_in_one_item_halts(code: int) -> None:
    """Credits may end in the middle of a call: nobody is refused for it, and a person has to look."""
    answer = interpreted(taken("ada"), refused(code), taken("cy"))

    assert (fates(answer), answer.directive) == ([ACCEPTED, RETRY, ACCEPTED], HALT)


@pytest.mark.parametrize("status", [401, 422])
def test_the_accounts_fault_for_the_whole_call_halts(status: int) -> None:
    """The status alone would be read as "split", and the halves as refused."""
    said = answered(status, {"ErrorCode": 405, "Message": "Not allowed to send"})
    answer = Postmark(Account("")).interpret(batch_of(*NAMES), said)

    assert (set(fates(answer)), answer.directive) == ({RETRY}, HALT)


def test_too_many_messages_in_a_call_are_split() -> None:
    """ErrorCode 410, should the limit fall below 500."""
    answer = Postmark(Account("")).interpret(batch_of(*NAMES), answered(422, {"ErrorCode": 410, "Message": "no"}))

    assert (set(fates(answer)), answer.directive) == ({REFUSED}, Directive.SPLIT)


@pytest.mark.parametrize(("status", "code"), [(503, 100), (422, 429)])
def test_maintenance_and_its_rate_limit_are_tried_again(status: int, code: int) -> None:
    """Both codes say that nothing was taken; a 503 without one says nothing."""
    answer = Postmark(Account("")).interpret(batch_of(*NAMES), answered(status, refused(code), retry_after="4"))

    assert (set(fates(answer)), answer.directive, answer.wait) == ({RETRY}, Directive.SLOW_DOWN, 4.0)


def test_an_account_code_in_a_server_error_stays_doubt() -> None:
    """Only a refusal refuses."""
    answer = Postmark(Account("")).interpret(batch_of(*NAMES), answered(500, refused(405)))

    assert set(fates(answer)) == {UNKNOWN}


def test_one_sentence_that_refuses_everybody_is_our_fault() -> None:
    """An unverified sender is 300 like a bad address: five hundred readers must not be refused for it."""
    answer = interpreted(*[refused(300, "Invalid metadata content.")] * 3)

    assert (set(fates(answer)), answer.directive) == ({RETRY}, HALT)


def test_a_reader_alone_is_not_refused_for_our_own_address() -> None:
    """The last call of an issue may hold one."""
    answer = interpreted(refused(300, "Invalid 'From' address: 'a@example.org'."), names=("ada",))

    assert ([receipt.outcome for receipt in answer.receipts], answer.directive) == ([RETRY], HALT)


def test_a_reader_alone_is_refused_for_their_own_address() -> None:
    """One sentence for one reader is not one sentence for everybody."""
    answer = interpreted(refused(300, "Invalid 'To' address: 'ada@example.org'."), names=("ada",))

    assert ([receipt.outcome for receipt in answer.receipts], answer.directive) == ([REFUSED], GO_ON)


def test_an_item_may_be_throttled_alone() -> None:
    """Not taken, and nobody's fault."""
    answer = interpreted(taken("ada"), refused(429), taken("cy"))

    assert (fates(answer), answer.directive) == ([ACCEPTED, RETRY, ACCEPTED], Directive.SLOW_DOWN)


def test_everybody_inactive_is_everybodys_own_fault() -> None:
    """Three people who bounced before are three refusals."""
    answer = interpreted(*[INACTIVE] * 3)

    assert (set(fates(answer)), answer.directive) == ({REFUSED}, GO_ON)


def test_bad_addresses_are_refused_one_by_one() -> None:
    """Each sentence names another address, and no reason repeats it."""
    answer = interpreted(*[refused(300, f"Invalid 'To' address: '{name}@example.org'.") for name in NAMES])

    assert (set(fates(answer)), answer.directive) == ({REFUSED}, GO_ON)
    assert not any("@" in receipt.reason for receipt in answer.receipts)


def test_too_few_items_account_only_for_whom_they_name() -> None:
    """Without one item each there is no order to rely on; an error item names nobody."""
    answer = interpreted(taken("CY"), INACTIVE)

    assert fates(answer) == [UNKNOWN, UNKNOWN, ACCEPTED]


def test_an_address_is_known_again_in_another_case() -> None:
    """Postmark writes some addresses in lower case."""
    ada = Recipient("Ada@Example.org", "key-ada", recipient("ada").values)
    batch = replace(batch_of(*NAMES), recipients=[ada, recipient("bo"), recipient("cy")])
    answer = Postmark(Account("")).interpret(batch, answered(200, [taken("ada")]))

    assert fates(answer) == [ACCEPTED, UNKNOWN, UNKNOWN]


def test_an_item_that_names_somebody_else_is_doubt() -> None:
    """The order is what receipts hang on, so it is checked."""
    answer = interpreted(taken("bo"), taken("ada"), taken("cy"))

    assert fates(answer) == [UNKNOWN, UNKNOWN, ACCEPTED]


@pytest.mark.parametrize(
    "item",
    [
        None,
        [],
        "OK",
        {},
        taken("bo", MessageID=""),
        taken("bo", MessageID=7),
        taken("bo", ErrorCode="0") | {"MessageID": ""},
    ],
)
def test_an_item_that_is_none_of_postmarks_is_doubt(item: Any) -> None:
    """For one reader; nobody is accepted without an id."""
    assert fates(interpreted(taken("ada"), item, taken("cy"))) == [ACCEPTED, UNKNOWN, ACCEPTED]


def test_it_claims_no_memory_and_no_look_ups() -> None:
    """A lost answer stays doubt until an event or a person closes it (providers reference, 0.2)."""
    can = Postmark(Account("")).capabilities

    assert (can.remembers_keys_for, can.answers_look_ups) == (None, False)


def test_another_address_takes_the_place_of_the_usual_one() -> None:
    """A mock on this machine."""
    request = Postmark(Account("", address="http://127.0.0.1:9/")).calls(BUILDER).request(batch_of("ada"))

    assert request.url == "http://127.0.0.1:9/email/batch"
