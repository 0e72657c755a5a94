"""Webhooks as a provider posts them: over HTTP, to the running server, into a real database."""

import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from delivery_samples import issue_on_its_way
from desk_samples import Place, place
from people import PAGE, SECRET, add, parse
from sqlalchemy import Engine, text
from sqlalchemy.event import listen
from sqlmodel import select
from svix.webhooks import Webhook

from jobs.notices.reading import facts
from jobs.notices.rules import holding
from newsletter.cli.listening import closed
from newsletter.config import parse as parse_config
from newsletter.delivery import claims
from newsletter.delivery.event_tables import ProviderEvent
from newsletter.desk.notices import Kind
from newsletter.providers.brevo import CUSTOM, MARK
from newsletter.providers.brevo_hook import BrevoHook
from newsletter.providers.hooks import Incoming
from newsletter.providers.postmark import METADATA
from newsletter.providers.postmark_hook import PostmarkHook
from newsletter.providers.resend_hook import ResendHook
from newsletter.web.app import app, doors_of, serving
from newsletter.web.hooks import Door, stored_by
from newsletter.web.tally import Tally
from subscribers.subscriber import Subscriber
from subscribers.suppression import Suppression

MOST = 2_000_000
SVIX = "whsec_" + base64.b64encode(b"a made-up secret, 32 bytes long!").decode()
SHARED = {"x-newsletter-secret": "made-up-secret"}


@pytest.fixture
def here(engine: Engine) -> Place:
    """Issue 1 is claimed for Ada."""
    found = place(engine)
    with found.desk.transaction() as session:
        add(session, parse("ada@example.org"), PAGE, secret=SECRET, now=found.clock(), confirmed=True)
        claims.claim(session, issue_on_its_way(session), 10, found.clock(), "postmark")
    return found


@pytest.fixture
def web(here: Place) -> Iterator[httpx.Client]:
    """The server, with one door open and one that has no secret."""
    doors = {
        "postmark": Door(PostmarkHook(), ("old-one", "made-up-secret")),
        "resend": Door(ResendHook(), (SVIX,)),
        "brevo": Door(BrevoHook({"hook_header": "X-Newsletter"}), ("made-up-secret",)),
        "closed": Door(PostmarkHook(), (), "NEWSLETTER_POSTMARK_HOOK_SECRETS", closed=True),
    }
    with serving(app(here.desk, doors), "127.0.0.1", 0) as address, httpx.Client(base_url=address) as client:
        yield client


def key_of(here: Place) -> str:
    """Of Ada's delivery."""
    with here.desk.transaction() as session:
        return f"1-{session.exec(select(Subscriber.ref)).one()}"


def bounce(here: Place, number: int = 42) -> bytes:
    """Ada's mailbox does not exist."""
    event = {"RecordType": "Bounce", "Type": "HardBounce", "ID": number, "BouncedAt": "2026-11-12T09:00:00Z"}
    return json.dumps(event | {"Metadata": {METADATA: key_of(here)}}).encode()


def stored(here: Place) -> tuple[int, int]:
    """How many events, and how many suppressions there are."""
    with here.desk.transaction() as session:
        return len(session.exec(select(ProviderEvent)).all()), len(session.exec(select(Suppression)).all())


def test_a_bounce_is_stored_and_takes_effect_before_it_is_answered(web: httpx.Client, here: Place) -> None:
    """The address is suppressed when the provider has its answer."""
    answer = web.post("/hooks/postmark", content=bounce(here), headers=SHARED)

    assert (answer.status_code, stored(here)) == (200, (1, 1))


def test_the_same_again_changes_nothing(web: httpx.Client, here: Place) -> None:
    """Providers repeat what they got no answer to; the answer is the same."""
    answers = [web.post("/hooks/postmark", content=bounce(here), headers=SHARED).status_code for _ in range(3)]

    assert (answers, stored(here)) == ([200, 200, 200], (1, 1))


@pytest.mark.parametrize(
    "headers", [{}, {"x-newsletter-secret": "wrong"}, {"x-newsletter-secret": ""}, {"authorization": "Basic Og=="}]
)
def test_who_does_not_know_the_secret_changes_nothing(
    web: httpx.Client, here: Place, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Invariant 11. The refusal is written down, without the secret and without an address."""
    caplog.set_level(logging.WARNING)
    answer = web.post("/hooks/postmark", content=bounce(here), headers=headers)

    assert (answer.status_code, stored(here)) == (401, (0, 0))
    assert "Nothing was taken" in caplog.text
    assert "made-up-secret" not in caplog.text


def test_a_door_without_a_secret_is_closed(web: httpx.Client, here: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever forgot to set one believes nobody, and reads in the log what is missing."""
    caplog.set_level(logging.WARNING)

    assert web.post("/hooks/closed", content=bounce(here), headers=SHARED).status_code == 401
    assert stored(here) == (0, 0)
    assert "/hooks/closed: NEWSLETTER_POSTMARK_HOOK_SECRETS is not set." in caplog.text


def test_the_service_says_at_its_start_which_webhooks_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is missing, in the right table; those that can be believed are not spoken of."""
    monkeypatch.setenv("NEWSLETTER_RESEND_HOOK_SECRETS", SVIX)
    first = parse_config('[provider]\nname = "postmark"\n[fallback]\nname = "ses"\noptions.region = "eu-west-1"')
    second = parse_config('[provider]\nname = "resend"')

    assert [line.partition(":")[0] for line in closed(doors_of(first))] == [
        "Webhooks of postmark are refused, for NEWSLETTER_POSTMARK_HOOK_SECRETS is not set",
        "Webhooks of ses are refused, for topic_arn in [fallback.options] is not set",
    ]
    assert closed(doors_of(second)) == []


def test_head_is_answered_and_changes_nothing(web: httpx.Client, here: Place) -> None:
    """Some providers look whether we are there (invariant 10)."""
    assert web.head("/hooks/postmark").status_code == 200
    assert web.get("/hooks/postmark").status_code == 405
    assert stored(here) == (0, 0)


def test_a_provider_that_is_not_configured_has_no_door(web: httpx.Client) -> None:
    """Whatever stands in the path."""
    assert {web.post(f"/hooks/{name}").status_code for name in ("sendgrid", "..%2Fhealthz", "%00", "é")} == {404}


def test_a_body_that_is_too_long_is_not_read(web: httpx.Client, here: Place) -> None:
    """Two megabytes are thousands of events."""
    answer = web.post("/hooks/postmark", content=b"x" * (MOST + 1), headers=SHARED)

    assert (answer.status_code, stored(here)) == (413, (0, 0))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 50_000])
def test_nonsense_is_refused_and_nothing_breaks(web: httpx.Client, here: Place, body: bytes) -> None:
    """The next request is answered as ever."""
    assert web.post("/hooks/postmark", content=body, headers=SHARED).status_code == 400
    assert web.post("/hooks/postmark", content=bounce(here), headers=SHARED).status_code == 200


def test_a_damaged_event_among_others_is_kept_and_told_and_they_are_stored(
    web: httpx.Client, here: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """Answered with 200, so that the provider does not send all of them again for days; operators hear of it."""
    caplog.set_level(logging.WARNING)
    event = {"event": "hard_bounce", "ts_epoch": 1794475800, CUSTOM: json.dumps({MARK: key_of(here)})}
    body = json.dumps([{"event": "delivered"}, event])
    answers = [web.post("/hooks/brevo", content=body, headers={"x-newsletter": "made-up-secret"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert stored(here) == (2, 1)
    assert "1 of 2 events in a request of brevo could not be read" in caplog.text
    assert [(one.kind, one.about) for one in holding(facts(here.desk))] == [(Kind.UNREAD, "brevo")]
    here.clock.forward(days=2)
    assert Kind.UNREAD not in [one.kind for one in holding(facts(here.desk))]


def test_a_flood_of_unproved_requests_writes_a_few_lines(
    web: httpx.Client, here: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """And of what is left out, how many it was; another door is heard as before."""
    caplog.set_level(logging.WARNING)
    for _ in range(20):
        web.post("/hooks/postmark", content=b"x")
    web.post("/hooks/resend", content=b"x")
    here.clock.forward(minutes=1)
    web.post("/hooks/postmark", content=b"x")

    lines = [line for line in caplog.messages if "/hooks/" in line]
    assert [("Nothing was taken" in line, line.split("/hooks/")[1][:4]) for line in lines] == [
        *[(True, "post")] * 5, (False, "post"), (True, "rese"), (False, "post"), (True, "post"),
    ]  # fmt: skip
    assert "15 more such lines in the minute from 2026-11-12 08:00:00 UTC" in lines[-2]


def test_half_a_character_in_a_signed_body_is_stored_without_it(web: httpx.Client, here: Place) -> None:
    """JSON can hold lone surrogates, and no database takes them."""
    body = r'{"type":"email.\ud800","data":{"tags":{"nl_delivery":"\ud800"}},"created_at":"\ud800"}'
    at = here.clock()
    signature = Webhook(SVIX).sign("m", at, body)
    signed = {"svix-id": "m", "svix-timestamp": f"{at.timestamp():.0f}", "svix-signature": signature}

    assert web.post("/hooks/resend", content=body, headers=signed).status_code == 200
    assert stored(here) == (1, 0)


def test_what_could_not_be_stored_is_not_acknowledged(web: httpx.Client, here: Place) -> None:
    """The provider will send it again."""
    body = bounce(here)
    with here.desk.transaction() as session:
        session.execute(text("alter table provider_event rename to away"))

    assert web.post("/hooks/postmark", content=body, headers=SHARED).status_code == 503


def test_the_server_says_that_it_is_alive(web: httpx.Client) -> None:
    """And not what it is made of."""
    answer = web.get("/healthz")

    assert (answer.status_code, answer.text) == (200, "alive\n")
    assert "server" not in answer.headers


def test_fifty_requests_together_cost_as_many_statements_as_one(here: Place) -> None:
    """Most providers post one event a request."""
    store, (event,) = stored_by(here.desk), PostmarkHook().parse(Incoming({}, bounce(here)))
    ran: list[str] = []
    listen(here.desk.engine, "before_cursor_execute", lambda *details: ran.append(details[2]))
    store([("postmark", [replace(event, event_id="first")])])
    one = len(ran)
    store([("postmark", [replace(event, event_id=f"m-{number}")]) for number in range(50)])

    assert stored(here)[0] == 51
    assert len(ran) - one <= one + 5


def test_answers_are_counted_for_those_who_are_known(here: Place) -> None:
    """Nobody makes a new name by asking for it."""
    tally, doors = Tally(), {"postmark": Door(PostmarkHook(), ("made-up-secret",))}
    made = app(here.desk, doors, tally=tally)
    with serving(made, "127.0.0.1", 0) as address, httpx.Client(base_url=address) as client:
        for name, headers in (("postmark", SHARED), ("postmark", {}), ("postmark", {}), ("nobody", {})):
            client.post(f"/hooks/{name}", content=bounce(here), headers=headers)
        client.head("/hooks/postmark")

    assert tally.counts() == {("postmark", "200"): 1, ("postmark", "401"): 2}
