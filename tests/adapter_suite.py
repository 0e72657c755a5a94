"""What every adapter of an HTTP API must do: its own tests inherit these.

A subclass says what its provider's good answer looks like; the rest follows from the port. A poster that behaves stands
where the network is: it keeps the bytes and answers, fails, or lies.
"""

import html
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest
from delivery_samples import NOW, dispatcher_for_ten, recipient, rendered_issue, state_of, token
from fault_matrix import BY_PERSON, FAULTS, NOT_TAKEN, cell
from sqlalchemy import Engine

from newsletter.delivery.flight import Ending
from newsletter.errors import MergeError
from newsletter.mail.message import MessageBuilder, Recipient
from newsletter.mail.rendered import RenderedIssue
from newsletter.providers.adapter import Adapter
from newsletter.providers.api_provider import ApiProvider
from newsletter.providers.base import Answer, Capabilities, Directive, Outcome, OutgoingBatch
from newsletter.providers.poster import Answered, Failed, Request, Taken

BUILDER = MessageBuilder(rendered_issue(), date=NOW)
NAMES = ("ada", "bo", "cy")


@dataclass
class Wire:
    """A poster that keeps what it was given and says what it was told to."""

    says: list[Answered | Failed] = field(default_factory=list)
    posted: list[tuple[Request, bytes]] = field(default_factory=list)

    def post(self, request: Request) -> Answered | Failed:
        """Keep the bytes; the last answer is given again and again."""
        body = b"".join(request.body)
        assert len(body) == request.length
        self.posted.append((request, body))
        return self.says.pop(0) if len(self.says) > 1 else self.says[0]

    def close(self) -> None:
        """Nothing is open."""


def batch_of(*names: str, builder: MessageBuilder = BUILDER, attempt: int = 1) -> OutgoingBatch:
    """A call for these people."""
    return OutgoingBatch("issue:1:batch:1", attempt, builder, [recipient(name) for name in names])


def answered(status: int, document: Any = None, **headers: str) -> Answered:
    """An answer; `retry_after="3"` becomes a header."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Answered(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def call_of(adapter: Adapter, batch: OutgoingBatch) -> tuple[Request, Any]:
    """One call, and the document in its bytes."""
    request = adapter.calls(batch.builder).request(batch)
    return request, json.loads(b"".join(request.body))


def fates(answer: Answer) -> list[Outcome]:
    """What became of everybody, in the recipients' order."""
    assert [receipt.key for receipt in answer.receipts] == [f"key-{name}" for name in NAMES]
    return [receipt.outcome for receipt in answer.receipts]


def issue_saying(words: str) -> MessageBuilder:
    """The sample issue with these words everywhere; in text and HTML also right before and after a value."""
    said = rendered_issue(words)
    around = f"{words}{token('address')}{words}"
    return MessageBuilder(replace(said, html=said.html + around, text=said.text + around), date=NOW)


def issue_quoting(words: str) -> RenderedIssue:
    """An issue with these words in its subject, its text and, escaped, in its HTML."""
    issue = rendered_issue(subject=f"On {words}")
    return replace(issue, html=f"{issue.html}<p>{html.escape(words)}", text=f"{issue.text}\n{words}")


def beyond_ascii() -> MessageBuilder:
    """An issue with a list header that is not ASCII."""
    issue = rendered_issue()
    return MessageBuilder(replace(issue, sender=replace(issue.sender, feedback_id="wöchentlich")), date=NOW)


#: The faults of the matrix, as an API shows them.
SAID: dict[str, Answered | Failed] = {
    "500": answered(500, {"message": "oops"}),
    "429": answered(429, {"message": "slow"}, retry_after="2"),
    "no connection": Failed(Taken.NOT_SENT, "refused"),
    "reset after the body": Failed(Taken.MAYBE_SENT, "reset"),
    "stall": Failed(Taken.MAYBE_SENT, "the time for the whole call is over"),
    "half a document": answered(200, b'[{"half'),
    "page of a proxy": answered(200, b"<html>all is well</html>"),
    "error inside a 200": answered(200, {"error": {"code": 500, "message": "internal error"}}),
}


class Troubled(ApiProvider):
    """A provider with the trouble of the first call of all; the rest is good. It notes what it took, and how often."""

    def __init__(self, suite: "AdapterSuite", fault: str, *, takes: bool) -> None:
        super().__init__(suite.adapter(), self)  # type: ignore[arg-type]
        self.suite, self.fault, self.takes = suite, fault, takes
        self.posts, self.mailed, self.taken = list[str](), Counter[str](), set[str]()

    def send(self, batch: OutgoingBatch) -> Answer:
        """One call."""
        self.batch = batch
        return super().send(batch)

    def post(self, request: Request) -> Answered | Failed:
        """The wire: the whole body comes, whatever is answered."""
        body, first = b"".join(request.body), not self.posts
        self.posts.append(self.batch.key)
        known = self.adapter.capabilities.remembers_keys_for and self.batch.key in self.taken
        if not known and (self.takes or not first):
            self.taken.add(self.batch.key)
            self.mailed.update(self.suite.sent_keys(request, body)[first and self._but_one :])
        return self._trouble if first else self.suite.good_answer(self.batch)

    @property
    def _but_one(self) -> bool:
        """Whether the first one of the call is refused, and the others are taken."""
        return self.fault == "error inside a 200" and self.adapter.capabilities.name in BY_PERSON

    @property
    def _trouble(self) -> Answered | Failed:
        if self.fault == "a bad key":
            return answered(401, {"message": "who are you"})
        return self.suite.refusing_one(self.batch) if self._but_one else SAID[self.fault]


class Picky(ApiProvider):
    """A provider that refuses every call with this reader in it, and names them. It notes whom it took."""

    def __init__(self, suite: "AdapterSuite", name: str) -> None:
        super().__init__(suite.adapter(), self)  # type: ignore[arg-type]
        self.suite, self.name = suite, name
        self.calls, self.mailed = 0, list[str]()

    def send(self, batch: OutgoingBatch) -> Answer:
        """One call."""
        self.batch = batch
        return super().send(batch)

    def post(self, request: Request) -> Answered | Failed:
        """The wire."""
        self.calls += 1
        addresses = self.suite.sent_addresses(request, b"".join(request.body))
        if (bad := f"{self.name}@example.org") in addresses:
            return self.suite.blaming(addresses.index(bad), self.name)
        self.mailed += addresses
        return self.suite.good_answer(self.batch)


@dataclass
class Unwritable:
    """An adapter whose calls of more than one recipient cannot be written."""

    adapter: Adapter

    @property
    def capabilities(self) -> Capabilities:
        """As the adapter's."""
        return self.adapter.capabilities

    def calls(self, builder: MessageBuilder) -> "Unwritable":
        """Itself."""
        self.whole = self.adapter.calls(builder)
        return self

    @property
    def most(self) -> int:
        """As the adapter's."""
        return self.whole.most

    def request(self, batch: OutgoingBatch) -> Request:
        """One alone can be written to."""
        if len(batch.recipients) > 1:
            raise MergeError("The issue has text that this provider would take for its own.")
        return self.whole.request(batch)

    def interpret(self, batch: OutgoingBatch, said: Answered | Failed) -> Answer:
        """As the adapter."""
        return self.adapter.interpret(batch, said)


class AdapterSuite:
    """Inherit it, name the class Test..., and fill in what is the provider's."""

    #: (status, Outcome, Directive) that this provider's documentation gives another meaning than judging.STATUSES
    other_meanings: ClassVar[dict[int, tuple[Outcome, Directive]]] = {}
    own_ids: ClassVar[bool] = False  #: good_answer gives everybody "id-" and their key
    merges: ClassVar[bool] = False  #: the provider puts values into one text, instead of taking full messages

    def adapter(self) -> Adapter:
        """The adapter, with a made-up account."""
        raise NotImplementedError

    def good_answer(self, batch: OutgoingBatch) -> Answered:
        """What the provider says when it has everybody."""
        raise NotImplementedError

    def sent_addresses(self, request: Request, body: bytes) -> list[str]:
        """Whom a call goes to, read from its bytes."""
        raise NotImplementedError

    def sent_keys(self, request: Request, body: bytes) -> list[str]:
        """The delivery keys in a call, in the order of its recipients, read from its bytes."""
        raise NotImplementedError

    def blaming(self, at: int, name: str) -> Answered:  # noqa: ARG002 - who is named by their place needs no name
        """A refusal of the whole call that names this recipient, at this place of it, as this provider does."""
        return answered(400, {"message": f"'{name}@example.org' is not a valid address."})

    def refusing_one(self, batch: OutgoingBatch) -> Answered:
        """A 200 in which the first recipient is refused and the others are accepted, where there is such a thing."""
        raise NotImplementedError

    def send(self, *says: Answered | Failed, batch: OutgoingBatch | None = None) -> tuple[Answer, Wire]:
        """One call through the port."""
        wire = Wire(list(says))
        return ApiProvider(self.adapter(), wire).send(batch or batch_of(*NAMES)), wire

    def outcomes(self, *says: Answered | Failed) -> tuple[set[Outcome], Directive, int]:
        """What became of everybody, what is next, and how many requests it took."""
        answer, wire = self.send(*says)
        assert {receipt.key for receipt in answer.receipts} == {f"key-{name}" for name in NAMES}
        return {receipt.outcome for receipt in answer.receipts}, answer.directive, len(wire.posted)

    def test_a_good_answer_accepts_everybody_in_one_call(self) -> None:
        """In the recipients' order, with nothing more to say."""
        answer, wire = self.send(self.good_answer(batch_of(*NAMES)))

        assert [receipt.key for receipt in answer.receipts] == [f"key-{name}" for name in NAMES]
        assert answer.is_plain
        assert len(wire.posted) == 1

    def test_everybody_has_the_providers_id(self) -> None:
        """In the recipients' order, where there is one for each; else the call's."""
        answer, _ = self.send(self.good_answer(batch_of(*NAMES)))
        ids = [receipt.provider_id for receipt in answer.receipts]

        assert all(ids)
        assert ids == [f"id-key-{name}" for name in NAMES] if self.own_ids else len(set(ids)) == 1

    def test_the_call_goes_to_each_recipient_once_with_their_key(self) -> None:
        """Read back from the bytes that leave."""
        _, wire = self.send(self.good_answer(batch_of(*NAMES)))

        assert self.sent_addresses(*wire.posted[0]) == [f"{name}@example.org" for name in NAMES]
        assert self.sent_keys(*wire.posted[0]) == [f"key-{name}" for name in NAMES]

    def test_a_further_attempt_is_the_same_call(self) -> None:
        """Byte for byte, and with the same headers: the number of the attempt is nobody's business."""
        first, second = (
            self.send(self.good_answer(batch_of(*NAMES)), batch=batch_of(*NAMES, attempt=n)) for n in (1, 2)
        )

        assert first[1].posted[0][1] == second[1].posted[0][1]

    def test_everybody_has_their_own_way_out(self) -> None:
        """Each reader's unsubscribe link is in the call, and one-click beside it."""
        _, wire = self.send(self.good_answer(batch_of(*NAMES)))
        body = wire.posted[0][1].decode()

        assert all(f"/unsubscribe/{name}" in body for name in NAMES)
        assert "List-Unsubscribe=One-Click" in body or "List-Unsubscribe%3DOne-Click" in body

    @pytest.mark.parametrize(
        ("said", "outcome"),
        [
            (Failed(Taken.NOT_SENT, "no connection"), Outcome.RETRY),
            (Failed(Taken.MAYBE_SENT, "reset after the whole body"), Outcome.UNKNOWN),
            (answered(500, {"message": "oops"}), Outcome.UNKNOWN),
            (answered(502, b"<html>bad gateway</html>"), Outcome.UNKNOWN),
            (answered(302, b""), Outcome.UNKNOWN),
            (answered(200, b"<html>welcome</html>"), Outcome.UNKNOWN),
            (answered(200, b'{"half'), Outcome.UNKNOWN),
            (answered(200, []), Outcome.UNKNOWN),
            (answered(200, {}), Outcome.UNKNOWN),
            (answered(200, None), Outcome.UNKNOWN),
            (answered(200, b"\xff\xfe\x00"), Outcome.UNKNOWN),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_doubt_is_doubt_and_one_post(self, said: Answered | Failed, outcome: Outcome) -> None:
        """What is not a documented answer says nothing about anybody; nothing is posted a second time."""
        assert self.outcomes(said) == ({outcome}, Directive.GO_ON, 1)

    @pytest.mark.parametrize(
        ("status", "outcome", "directive"),
        [
            (400, Outcome.REFUSED, Directive.SPLIT),
            (401, Outcome.RETRY, Directive.HALT),
            (403, Outcome.RETRY, Directive.HALT),
            (413, Outcome.REFUSED, Directive.SPLIT),
            (422, Outcome.REFUSED, Directive.SPLIT),
            (429, Outcome.RETRY, Directive.SLOW_DOWN),
        ],
    )
    def test_a_refusal_of_the_whole_call_is_read_as_documented(
        self, status: int, outcome: Outcome, directive: Directive
    ) -> None:
        """Refused for its content, for the account, or for now (providers reference, A.2)."""
        outcome, directive = self.other_meanings.get(status, (outcome, directive))

        assert self.outcomes(answered(status, {"message": "no"})) == ({outcome}, directive, 1)

    @pytest.mark.parametrize("at", range(len(NAMES)))
    def test_who_is_named_is_refused_and_the_others_may_be_sent_at_once(self, at: int) -> None:
        """One bad address costs one reader the issue, and nobody a wait."""
        answer, _ = self.send(self.blaming(at, NAMES[at]))

        refused = [receipt.key for receipt in answer.receipts if receipt.outcome is Outcome.REFUSED]
        assert refused == [f"key-{NAMES[at]}"]
        assert [receipt.outcome for receipt in answer.receipts].count(Outcome.RETRY) == len(NAMES) - 1
        assert (answer.directive, answer.wait) == (Directive.GO_ON, 0.0)
        assert all(receipt.reason and "@" not in receipt.reason for receipt in answer.receipts)

    def test_one_bad_address_costs_one_reader_and_one_more_call(self, engine: Engine) -> None:
        """Through the real dispatcher: ten readers in three calls, the third one of them is refused by name."""
        provider = Picky(self, "reader2")
        dispatcher = replace(dispatcher_for_ten(engine), provider=provider)

        assert dispatcher.run(1)[0] is Ending.DONE
        assert (state_of(dispatcher).accepted, state_of(dispatcher).refused, provider.calls) == (9, 1, 4)
        assert sorted(provider.mailed) == [f"reader{number}@example.org" for number in range(10) if number != 2]

    @pytest.mark.parametrize(("at", "name"), [(3, "dov"), (99_999, "b"), (10**30, "o'bo"), (-1, "bo.")])
    def test_who_is_not_of_the_call_is_nobody(self, at: int, name: str) -> None:
        """A lying place, an address that only looks like one of ours: nobody is refused on a guess."""
        answer, _ = self.send(self.blaming(at, name))

        assert answer.directive is Directive.SPLIT
        assert len({receipt.outcome for receipt in answer.receipts}) == 1

    def test_a_name_in_a_batch_in_doubt_proves_nothing(self) -> None:
        """An earlier attempt may have been taken: the others must not be sent under another key."""
        answer, _ = self.send(self.blaming(1, "bo"), batch=replace(batch_of(*NAMES), doubtful=True))

        assert answer.directive is Directive.SPLIT

    def test_who_is_alone_in_a_call_is_not_told_apart(self) -> None:
        """The call is theirs, and the dispatcher refuses them."""
        answer, _ = self.send(self.blaming(0, "ada"), batch=batch_of("ada"))

        assert answer.directive is Directive.SPLIT

    @pytest.mark.parametrize(
        ("header", "wait"),
        [("7", 7.0), ("Thu, 12 Nov 2026 09:00:30 GMT", 30.0), ("soon", 0.0), ("-5", 0.0), ("9e9", 0.0)],
    )
    def test_a_provider_that_names_a_time_is_given_it(self, header: str, wait: float) -> None:
        """Retry-After in seconds or as a date, counted from the answer's own."""
        said = answered(429, {"message": "slow"}, retry_after=header, date="Thu, 12 Nov 2026 09:00:00 GMT")

        assert self.send(said)[0].wait == wait

    @pytest.mark.parametrize("fault", FAULTS)
    def test_one_fault_is_one_post_where_repeating_is_unsafe(self, fault: str, engine: Engine) -> None:
        """Through the real dispatcher: nobody twice, and the ledger ends as the table in docs/providers says."""
        provider = Troubled(self, fault, takes=fault not in NOT_TAKEN)
        dispatcher = replace(dispatcher_for_ten(engine), provider=provider)
        can = provider.capabilities
        expected = cell(can.name, fault, keyed=can.remembers_keys_for is not None)

        assert dispatcher.run(1)[0] is Ending.DONE
        state = state_of(dispatcher)
        assert provider.posts.count("issue:1:batch:1") == expected.posts
        assert sorted(provider.mailed.values()) == [1] * (10 - expected.refused)
        assert (state.accepted, state.refused, state.unknown, state.under_way) == (
            expected.accepted,
            expected.refused,
            expected.unknown,
            0,
        )

    def test_a_bad_key_halts_the_issue(self, engine: Engine) -> None:
        """One call, nobody mailed, nobody lost."""
        provider = Troubled(self, "a bad key", takes=False)
        dispatcher = replace(dispatcher_for_ten(engine), provider=provider)

        assert dispatcher.run(1)[0] is Ending.HALTED
        assert (len(provider.posts), state_of(dispatcher).under_way) == (1, 4)

    def test_an_unusable_recipient_is_refused_and_the_others_are_sent(self) -> None:
        """Found before anything leaves; the same at every attempt."""
        people = [recipient("ada"), Recipient("bo@example.org\r\nBcc: x@example.org", "key-bo", {}), recipient("cy")]
        good = self.good_answer(batch_of("ada", "cy"))
        answer, wire = self.send(good, batch=OutgoingBatch("issue:1:batch:1", 1, BUILDER, people))

        fates = {receipt.key: receipt.outcome for receipt in answer.receipts}
        assert fates == {"key-ada": Outcome.ACCEPTED, "key-bo": Outcome.REFUSED, "key-cy": Outcome.ACCEPTED}
        assert [self.sent_keys(*posted) for posted in wire.posted] == [["key-ada", "key-cy"]]

    def test_an_issue_that_cannot_be_written_halts_and_calls_nobody(self) -> None:
        """Nobody alone is at fault: a person has to look."""
        wire = Wire([answered(200)])
        provider = ApiProvider(Unwritable(self.adapter()), wire)

        answer = provider.send(batch_of(*NAMES))

        assert ({one.outcome for one in answer.receipts}, answer.directive) == ({Outcome.RETRY}, Directive.HALT)
        assert wire.posted == []

    def test_the_calls_length_is_known_before_it_leaves(self) -> None:
        """And it is streamed in pieces."""
        request = self.adapter().calls(BUILDER).request(batch_of(*NAMES))

        assert sum(map(len, request.body)) == request.length
        assert max(map(len, request.body)) <= 250_000

    def test_a_call_holds_what_the_provider_takes(self) -> None:
        """By number and by bytes: an issue of a megabyte makes smaller calls, or full ones where it is sent once."""
        can = self.adapter().capabilities
        large = MessageBuilder(rendered_issue_of(1_000_000), date=NOW)
        fits = ApiProvider(self.adapter(), Wire()).fits(large)

        assert 1 <= fits <= can.batch_size
        if can.batch_bytes and not self.merges:
            assert fits <= can.batch_bytes // 1_000_000

    def test_no_secret_shows_in_what_is_printed(self) -> None:
        """Neither of the adapter nor of a request."""
        adapter = self.adapter()
        request = adapter.calls(BUILDER).request(batch_of("ada"))

        assert "made-up-secret" not in repr(adapter) + repr(request)

    def test_a_reason_repeats_no_address(self) -> None:
        """What a provider says of our call ends in logs and on screens (S-60)."""
        answer, _ = self.send(answered(400, {"message": "ada@example.org is wrong", "error": "ada@example.org"}))

        assert not any("ada@example.org" in receipt.reason for receipt in answer.receipts)

    @pytest.mark.parametrize("body", ["null", "0", '"x"', "[[]]", '{"a":[]}', "[null,null,null]", '[{"a":1}]'])
    @pytest.mark.parametrize("status", [200, 202, 400, 429, 500])
    def test_no_answer_makes_an_exception(self, status: int, body: str) -> None:
        """A receipt for everybody, whatever comes."""
        answer, _ = self.send(Answered(status, {}, body.encode()))

        assert len(answer.receipts) == len(NAMES)
        assert all(receipt.outcome is not Outcome.ACCEPTED for receipt in answer.receipts) or status == 202


def rendered_issue_of(size: int) -> Any:
    """The sample issue with so many bytes of HTML."""
    issue = rendered_issue()
    return replace(issue, html=issue.html + "<p>" + "x" * size)
