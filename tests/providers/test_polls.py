"""What each provider is asked, and what its answers mean: against its own specification and its own examples."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from provider_openapi import specification

from newsletter.config import ProviderChoice
from newsletter.errors import ConfigError
from newsletter.providers.hooks import Incoming, Kind
from newsletter.providers.pollable import POLLS, has_hook, poll_of
from newsletter.providers.polls import NEVER, Found, Page, Poll, Span, Trouble, read
from newsletter.providers.poster import Answered, Failed, Taken
from newsletter.providers.postmark_hook import PostmarkHook

SINCE, UNTIL = datetime(2026, 11, 12, 9, tzinfo=UTC), datetime(2026, 11, 12, 10, tzinfo=UTC)
SPAN = Span(SINCE, UNTIL)
OPTIONS: Mapping[str, Mapping[str, str]] = {"ses": {"region": "eu-central-1"}}
NAMES = sorted(POLLS)
#: An answer in which nothing happened.
NOTHING = {
    "mailgun": {"items": [], "paging": {"next": "https://api.mailgun.net/v3/example.org/events/x"}},
    "postmark": {"TotalCount": 0, "Bounces": []},
    "brevo": {},
    "sendgrid": [],
    "ses": {"SuppressedDestinationSummaries": []},
    "resend": {"object": "list", "has_more": False, "data": []},
}


def poll(name: str, **environ: str) -> Poll:
    """The provider's, at its usual address."""
    key = {f"NEWSLETTER_{name.upper()}_KEY": "AKIAMADEUP:secret"}
    return poll_of(ProviderChoice(name=name, options=dict(OPTIONS.get(name, {}))), "example.org", {**key, **environ})


def asked(name: str, place: str = "") -> tuple[str, dict[str, str]]:
    """The address without the query, and the query."""
    request = poll(name).ask(Span(SINCE, UNTIL, place))
    parts = urlsplit(request.url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", {one: v[0] for one, v in parse_qs(parts.query).items()}


def answer(document: Any) -> Answered:
    """A 200."""
    return Answered(200, {"content-type": "application/json"}, json.dumps(document).encode())


def page(name: str, document: Any, place: str = "") -> Page:
    """What this answer says."""
    found = read(poll(name), Span(SINCE, UNTIL, place), answer(document))
    assert isinstance(found, Page), found
    return found


def only(name: str, document: Any, place: str = "") -> Found:
    """The one thing in it."""
    (found,) = page(name, document, place).found
    return found


@pytest.mark.parametrize("name", NAMES)
def test_asking_changes_nothing(name: str) -> None:
    """A GET without a body, over TLS, whose key is in a header and not in the address."""
    request = poll(name).ask(SPAN)

    assert (request.method, request.length, request.url.startswith("https://")) == ("GET", 0, True)
    assert "secret" not in request.url


@pytest.mark.parametrize("name", NAMES)
def test_a_span_in_which_nothing_happened_is_read_to_its_end(name: str) -> None:
    """List by list, where there are several."""
    found, lists = page(name, NOTHING[name]), 0
    while found.place is not None:
        lists += 1
        said = {"TotalCount": 0, "Messages": []} if name == "postmark" else NOTHING[name]
        found = page(name, said, found.place)

    assert (list(found.found), lists) == ([], {"postmark": 1, "sendgrid": 3, "resend": 1}.get(name, 0))


NONSENSE = [
    b"",
    b"<html>",
    b"7",
    b'"x"',
    b"null",
    b"[[]]",
    b'{"a":',
    b"[" * 100_000,
    b'{"items": 7, "data": 7}',
    b"\xff",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("body", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_trouble(name: str, body: bytes) -> None:
    """Never an exception."""
    assert isinstance(read(poll(name), SPAN, Answered(200, {}, body)), Trouble)


LISTS = {
    "mailgun": lambda item: {"items": [item], "paging": {"next": "https://api.mailgun.net/v3/example.org/events/x"}},
    "postmark": lambda item: {"TotalCount": 1, "Bounces": [item]},
    "brevo": lambda item: {"events": [item]},
    "sendgrid": lambda item: [item],
    "ses": lambda item: {"SuppressedDestinationSummaries": [item]},
    "resend": lambda item: {"has_more": False, "data": [{"created_at": "2026-11-12 09:30:00.5+00", **item}]},
}
TEXTS = ("", "x", "5.1.1", "2026-11-12T09:15:00Z", "9999-12-31T23:59:59-14:00", "HardBounce", "\ud800")
PLAIN = st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(TEXTS)
JSON = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(st.sampled_from(TEXTS), PLAIN, max_size=2)
WORDS = st.sampled_from(
    ["event", "id", "timestamp", "Type", "ID", "MessageID", "BouncedAt", "date", "messageId", "created", "email",
     "status", "Reason", "LastUpdateTime", "EmailAddress", "last_event", "user-variables", "Metadata", "reason"]
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@given(item=st.dictionaries(WORDS, JSON, max_size=5))
def test_an_item_of_any_shape_is_an_event(name: str, item: dict[str, Any]) -> None:
    """One odd item must not keep the others from being read, for ever."""
    (found,) = page(name, LISTS[name](item)).found

    assert found.event.at.tzinfo is not None
    assert isinstance(found.event.kind, Kind)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 429, 500, 503])
def test_any_other_status_is_trouble_in_words(name: str, status: int) -> None:
    """With the provider's name, and without what it wrote."""
    said = read(poll(name), SPAN, Answered(status, {}, b"ada@example.org"))

    assert isinstance(said, Trouble)
    assert poll(name).name in said.reason
    assert "@" not in said.reason


def test_no_answer_is_trouble() -> None:
    """Whether it left or not."""
    assert isinstance(read(poll("brevo"), SPAN, Failed(Taken.MAYBE_SENT, "ReadTimeout")), Trouble)


@pytest.mark.parametrize(("place", "again"), [("", False), ("bounces:500", True)])
def test_a_mark_that_is_not_known_any_more_begins_the_span_again(place: str, again: bool) -> None:
    """But a first page that is refused does not begin again by itself."""
    said = read(poll("postmark"), Span(SINCE, UNTIL, place), Answered(422, {}, b""))

    assert isinstance(said, Trouble)
    assert said.again is again


@pytest.mark.parametrize(
    ("headers", "wait"), [({"retry-after": "7"}, 7), ({"ratelimit-reset": "3"}, 3), ({"x-sib-ratelimit-reset": "9"}, 9)]
)
def test_how_long_to_wait_is_read_from_what_the_provider_has(headers: dict[str, str], wait: float) -> None:
    """Retry-After, Resend's, Brevo's."""
    said = read(poll("resend"), SPAN, Answered(429, headers, b""))

    assert isinstance(said, Trouble)
    assert (said.wait, said.throttled) == (wait, True)


def test_a_key_for_polling_alone_is_taken_first() -> None:
    """The one that sends may not read, as a rule."""
    own = poll("resend", NEWSLETTER_RESEND_POLL_KEY="re_reader").ask(SPAN)

    assert own.headers["Authorization"] == "Bearer re_reader"
    with pytest.raises(ConfigError, match="NEWSLETTER_RESEND_KEY"):
        poll_of(ProviderChoice(name="resend"), "example.org", {})


def test_a_webhook_is_set_up_where_something_proves_it() -> None:
    """A secret, or the topic of SES."""
    topic = ProviderChoice(name="ses", options={"topic_arn": "arn:aws:sns:eu-central-1:1:t"})

    assert has_hook(ProviderChoice(name="mailgun"), {"NEWSLETTER_MAILGUN_HOOK_SECRETS": "s"})
    assert has_hook(topic, {})
    assert not has_hook(ProviderChoice(name="mailgun"), {})


# Mailgun


def test_mailgun_is_asked_as_its_openapi_says() -> None:
    """Names of the query, and its limit."""
    where, query = asked("mailgun")
    found = specification("mailgun/openapi.yaml")["paths"]["/v3/{domain_name}/events"]["get"]["parameters"]

    assert where == "https://api.mailgun.net/v3/example.org/events"
    assert set(query) <= {one["name"] for one in found if one["in"] == "query"}
    assert (query["begin"], query["limit"]) == (f"{SINCE.timestamp():.6f}", "300")


def test_mailgun_examples_of_its_openapi_are_read() -> None:
    """Every one of them; the next page is below where we ask, whatever domain the example has."""
    media = specification("mailgun/openapi.yaml")["paths"]["/v3/{domain_name}/events"]["get"]["responses"]["200"]
    examples = media["content"]["application/json"]["examples"]
    kinds = {}
    for name, example in examples.items():
        value = {**example["value"], "paging": {"next": "https://api.mailgun.net/v3/example.org/events/W3siY"}}
        kinds[name] = [one.event.kind for one in page("mailgun", value).found]

    assert kinds["Delivered"] == [Kind.DELIVERED]
    assert kinds["Complained"] == [Kind.COMPLAINED]
    assert set().union(*kinds.values()) > {Kind.DELIVERED, Kind.COMPLAINED, Kind.UNSUBSCRIBED, Kind.ACCEPTED}


ELSEWHERE = [
    "https://evil.example/v3/example.org/events/x",
    "http://api.mailgun.net/v3/example.org/events/x",
    "https://api.mailgun.net:444/v3/example.org/events/x",
    "https://api.mailgun.net@evil.example/v3/example.org/events/x",
    "https://api.mailgun.net/v3/example.org/messages",
    "https://api.mailgun.net/v3/other.org/events/x",
    "//evil.example/v3/example.org/events/x",
    "",
]


@pytest.mark.parametrize("link", ELSEWHERE, ids=range(len(ELSEWHERE)))
def test_mailgun_is_not_followed_elsewhere(link: str) -> None:
    """Nor to another path of its own."""
    said = read(poll("mailgun"), SPAN, answer({"items": [{"event": "delivered"}], "paging": {"next": link}}))

    assert isinstance(said, Trouble)
    assert "somewhere else" in said.reason


# Postmark

BOUNCE = {
    "RecordType": "Bounce",
    "ID": 4323372036854775807,
    "Type": "HardBounce",
    "TypeCode": 1,
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "Description": "The server was unable to deliver your message.",
    "Details": "smtp;550 no such user",
    "Email": "ada@example.org",
    "BouncedAt": "2026-11-12T04:15:30-05:00",
}


def test_postmark_is_asked_in_the_time_of_new_york() -> None:
    """Its API uses Eastern Time."""
    where, query = asked("postmark")

    assert where == "https://api.postmarkapp.com/bounces"
    assert (query["fromdate"], query["todate"]) == ("2026-11-12T04:00:00", "2026-11-12T05:00:00")
    assert asked("postmark", "messages:500")[1]["messagestream"] == "broadcast"


def test_postmark_is_asked_for_an_hour_more_when_the_clock_there_shows_it_twice() -> None:
    """On the first Sunday of November, 01:30 is two moments."""
    twice = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    query = parse_qs(urlsplit(poll("postmark").ask(Span(twice, twice)).url).query)

    assert (query["fromdate"], query["todate"]) == (["2026-11-01T01:30:00"], ["2026-11-01T02:30:00"])


@pytest.mark.parametrize("record", ["Bounce", "SpamComplaint"])
def test_postmark_has_the_same_id_by_hook_and_by_poll(record: str) -> None:
    """So an event that comes both ways is kept once."""
    said = {**BOUNCE, "RecordType": record, "Type": "SpamComplaint" if record == "SpamComplaint" else "HardBounce"}
    (hooked,) = PostmarkHook().parse(Incoming({}, json.dumps(said).encode()))
    found = only("postmark", {"TotalCount": 1, "Bounces": [said]})

    assert (found.event.event_id, found.event.kind, found.event.at) == (hooked.event_id, hooked.kind, hooked.at)
    assert found.provider_id == BOUNCE["MessageID"]


def test_postmark_a_message_that_is_found_was_taken() -> None:
    """It holds our key: evidence after a lost answer."""
    message = {
        "MessageID": "0ac29aee",
        "Status": "Sent",
        "Metadata": {"nl_delivery": "1-k"},
        "ReceivedAt": "2026-11-12T04:10:00-05:00",
    }
    found = only("postmark", {"TotalCount": 1, "Messages": [message]}, "messages:0")

    assert (found.event.kind, found.event.key, found.event.event_id) == (Kind.ACCEPTED, "1-k", "Message:0ac29aee")


def test_postmark_more_than_it_shows_is_asked_for_in_shorter_spans() -> None:
    """10,000 is where its search ends."""
    full = [{"MessageID": str(number)} for number in range(500)]

    assert page("postmark", {"TotalCount": 10_001, "Messages": full}, "messages:0").too_much
    assert page("postmark", {"TotalCount": 10_001, "Messages": full}, "messages:9500").place is None
    assert page("postmark", {"TotalCount": 900, "Messages": full}, "messages:0").place == "messages:500"


# Brevo

BREVO = {"date": "2026-11-12T09:15:00.000+00:00", "email": "ada@example.org", "messageId": "<2@smtp-relay.mailin.fr>"}


def test_brevo_is_asked_for_whole_days_and_the_one_before() -> None:
    """A day begins when the account's does; oldest first, so that an offset stays where it is."""
    where, query = asked("brevo", "2500")

    assert where == "https://api.brevo.com/v3/smtp/statistics/events"
    assert (query["startDate"], query["endDate"]) == ("2026-11-11", "2026-11-12")
    assert (query["sort"], query["offset"]) == ("asc", "2500")


def test_brevo_is_never_asked_for_more_than_90_days() -> None:
    """Also after a long silence."""
    query = parse_qs(urlsplit(poll("brevo").ask(Span(SINCE - timedelta(days=400), UNTIL)).url).query)

    assert UNTIL.date() - datetime.fromisoformat(query["startDate"][0]).date() < timedelta(days=90)


SPELT = {"hardBounces": Kind.HARD_BOUNCED, "softBounces": Kind.SOFT_BOUNCED, "hard_bounce": Kind.HARD_BOUNCED}
SPELT |= {"delivered": Kind.DELIVERED, "requests": Kind.ACCEPTED, "spam": Kind.COMPLAINED, "new": Kind.UNKNOWN}
SPELT |= {"invalid": Kind.HARD_BOUNCED, "blocked": Kind.DROPPED, "loadedByProxy": Kind.OPENED}


@pytest.mark.parametrize(("word", "kind"), SPELT.items())
def test_brevo_words_are_known_in_both_spellings(word: str, kind: Kind) -> None:
    """The message's id leads to the delivery."""
    found = only("brevo", {"events": [{**BREVO, "event": word}]})

    assert (found.event.kind, found.event.key, found.provider_id) == (kind, "", BREVO["messageId"])


def test_brevo_the_same_event_has_the_same_id() -> None:
    """And another one has another."""
    ids = [
        only("brevo", {"events": [{**BREVO, "event": word}]}).event.event_id for word in ("spam", "spam", "delivered")
    ]

    assert (ids[0] == ids[1], ids[1] == ids[2]) == (True, False)


# SendGrid


def test_sendgrid_lists_are_read_one_after_the_other() -> None:
    """In seconds since 1970, by pages of 500."""
    where, query = asked("sendgrid", "blocks:500")
    full = [{"created": 1, "email": "a@example.org"}] * 500

    assert where == "https://api.sendgrid.com/v3/suppression/blocks"
    assert query["start_time"] == str(int(SINCE.timestamp()))
    assert (query["limit"], query["offset"]) == ("500", "500")
    assert [page("sendgrid", some, "bounces:0").place for some in (full, [])] == ["bounces:500", "spam_reports:0"]


STATUSES = {"5.1.1": Kind.HARD_BOUNCED, "5.0.0": Kind.HARD_BOUNCED, "": Kind.HARD_BOUNCED, "5.2.2": Kind.SOFT_BOUNCED}
STATUSES |= {"4.0.0": Kind.SOFT_BOUNCED, "5.7.1": Kind.BLOCKED, "5.4.14": Kind.SOFT_BOUNCED, "5.2.1": Kind.HARD_BOUNCED}


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
def test_sendgrid_a_bounce_is_hard_unless_its_status_says_otherwise(status: str, kind: Kind) -> None:
    """A full mailbox, a block, a server that was away: none of them is gone."""
    found = only("sendgrid", [{"created": 1794474000, "email": "ada@example.org", "reason": "550", "status": status}])

    assert (found.event.kind, found.address, found.event.key) == (kind, "ada@example.org", "")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("spam_reports", Kind.COMPLAINED), ("invalid_emails", Kind.HARD_BOUNCED), ("blocks", Kind.BLOCKED)],
)
def test_sendgrid_each_list_has_a_meaning(name: str, kind: Kind) -> None:
    """The address is in nothing but `address`."""
    found = only("sendgrid", [{"created": 1794474000, "email": "ada@example.org"}], f"{name}:0")

    assert (found.event.kind, found.address) == (kind, "ada@example.org")
    assert "@" not in repr(found)


# Amazon SES


def test_ses_is_asked_as_its_service_model_says() -> None:
    """Path and names of the query; times in ISO 8601."""
    model = get_session().get_service_model("sesv2").operation_model("ListSuppressedDestinations")
    names = {shape.serialization["name"] for shape in model.input_shape.members.values()}
    where, query = asked("ses", "a+b/c==")

    assert where == f"https://email.eu-central-1.amazonaws.com{model.http['requestUri']}"
    assert set(query) <= names
    assert (query["NextToken"], query["StartDate"]) == ("a+b/c==", "2026-11-12T09:00:00Z")


def test_ses_answers_are_read_as_its_service_model_says() -> None:
    """Every reason that there is has a meaning; the token leads on."""
    members = get_session().get_service_model("sesv2").shape_for("SuppressedDestinationSummary").members
    reasons = get_session().get_service_model("sesv2").shape_for("SuppressionListReason").enum
    items = [{"EmailAddress": "ada@example.org", "Reason": word, "LastUpdateTime": 1794474000.25} for word in reasons]
    found = page("ses", {"SuppressedDestinationSummaries": items, "NextToken": "n"})

    assert set(items[0]) == set(members)
    assert {one.event.kind for one in found.found} == {Kind.HARD_BOUNCED, Kind.COMPLAINED}
    assert (found.place, found.found[0].address) == ("n", "ada@example.org")


def test_ses_signs_the_query() -> None:
    """In another span the signature is another."""
    later = Span(SINCE, UNTIL + timedelta(hours=1))

    assert poll("ses").ask(SPAN).headers["Authorization"] != poll("ses").ask(later).headers["Authorization"]
    assert "host;x-amz-date" in poll("ses").ask(SPAN).headers["Authorization"]


# Resend

EMAIL = {
    "id": "4ef9a417",
    "to": ["ada@example.org"],
    "created_at": "2026-11-12 09:13:42.674981+00",
    "last_event": "sent",
}


def resend_schema(name: str) -> Any:
    """A schema of Resend's OpenAPI."""
    return specification("resend/resend.yaml")["components"]["schemas"][name]


def test_resend_is_asked_as_its_openapi_says() -> None:
    """At most 100, and the id after which to go on."""
    parameters = specification("resend/resend.yaml")["components"]["parameters"]
    where, query = asked("resend", "emails:4ef9a417")

    assert where == "https://api.resend.com/emails"
    assert set(query) == {parameters["PaginationLimit"]["name"], parameters["PaginationAfter"]["name"]}
    assert int(query["limit"]) == parameters["PaginationLimit"]["schema"]["maximum"]


def test_resend_every_last_event_of_its_openapi_but_one_has_a_meaning() -> None:
    """A message that somebody cancelled is kept as unknown."""
    words = resend_schema("Email")["properties"]["last_event"]["enum"]
    kinds = {word: only("resend", {"data": [{**EMAIL, "last_event": word}]}).event.kind for word in words}

    assert [word for word, kind in kinds.items() if kind is Kind.UNKNOWN] == ["canceled"]


def test_resend_bounced_is_not_yet_hard() -> None:
    """Only the list of suppressions tells that it was for good."""
    entry = {"id": "e1", "email": "ada@example.org", "origin": "bounce", "source_id": "4ef9a417"}
    entry["created_at"] = "2026-11-12 09:47:56.678+00"
    Draft202012Validator(resend_schema("ListSuppressionsResponseSuccess")).validate({"data": [entry]})
    found = only("resend", {"data": [entry]}, "suppressions:")

    assert only("resend", {"data": [{**EMAIL, "last_event": "bounced"}]}).event.kind is Kind.SOFT_BOUNCED
    assert (found.event.kind, found.provider_id, found.address) == (Kind.HARD_BOUNCED, "4ef9a417", "ada@example.org")
    assert list(page("resend", {"data": [{**entry, "origin": "manual"}]}, "suppressions:").found) == []


def test_resend_is_read_until_it_is_older_than_the_span() -> None:
    """It knows no times to ask for; the newest come first."""
    old = {**EMAIL, "id": "old", "created_at": "2026-11-12 08:59:59+00"}
    newer = page("resend", {"has_more": True, "data": [EMAIL]})
    older = page("resend", {"has_more": True, "data": [EMAIL, old]})

    assert (newer.place, older.place, len(older.found)) == ("emails:4ef9a417", "suppressions:", 1)


def test_a_time_that_cannot_be_read_is_never() -> None:
    """So it is never newer than anybody's yes."""
    assert only("sendgrid", [{"created": "soon", "email": "ada@example.org"}]).event.at == NEVER


def test_a_mark_that_is_too_long_to_keep_is_trouble() -> None:
    """It would go into the database, page by page."""
    said = read(poll("ses"), SPAN, answer({"SuppressedDestinationSummaries": [], "NextToken": "n" * 4_001}))

    assert isinstance(said, Trouble)
    assert "too long" in said.reason
