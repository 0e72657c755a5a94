"""What providers say of an account: right, wrong, and not at all."""

import json
from typing import Any

import pytest
from loopback import loopback

from newsletter.config import ProviderChoice
from newsletter.errors import ProviderError
from newsletter.providers.checkup import Checkup, Finding, Light, Sending
from newsletter.providers.checkups import CHECKUPS, checkups_of
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.providers.poster import Answered, maybe_sent

OPTIONS: dict[str, dict[str, str | int | float | bool]] = {"ses": {"region": "eu-central-1"}}
SECRETS = {"ses": "AKIDEXAMPLE:wJalrXUtnFEMI"}
SENDING = Sending("weekly.dev", people=2000)
EVERY = [(name, number) for name, (_, makers) in CHECKUPS.items() for number in range(len(makers))]

SERVER = {"TrackOpens": False, "TrackLinks": "None", "DeliveryType": "Live"}
STREAM = {
    "MessageStreamType": "Broadcasts",
    "ArchivedAt": None,
    "SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": "Custom"},
}
QUOTA = {"Max24HourSend": 50_000.0, "SentLast24Hours": 100.0, "MaxSendRate": 14.0}
ACCOUNT = {
    "SendingEnabled": True,
    "ProductionAccessEnabled": True,
    "EnforcementStatus": "HEALTHY",
    "SendQuota": QUOTA,
}
DOMAIN = {"name": "Weekly.dev", "status": "verified", "open_tracking": False, "click_tracking": False}


def checkup(name: str, number: int = 0, address: str = "", **options: str) -> Checkup:
    """One question to this provider."""
    choice = ProviderChoice.model_validate(
        {"name": name, "address": address, "options": {**OPTIONS.get(name, {}), **options}}
    )
    return checkups_of(choice, SECRETS.get(name, "secret-key"), SENDING)[number]


def said(document: Any, status: int = 200, **headers: str) -> Answered:
    """An answer."""
    return Answered(status, headers, json.dumps(document).encode())


def lights(found: Any) -> list[Light]:
    """The lights of these lines."""
    return [one.light for one in found]


def words(found: Any) -> str:
    """All of these lines' words."""
    return " ".join(f"{one.looked_at} {one.found} {one.todo}" for one in found)


@pytest.mark.parametrize(("name", "number"), EVERY)
def test_a_key_that_is_not_accepted_is_red(name: str, number: int) -> None:
    """And the line says where the right one is found."""
    found: list[Finding] = list(checkup(name, number).verdict(said({}, 401)))

    assert lights(found) == [Light.RED]
    assert "not accepted" in found[0].found


@pytest.mark.parametrize(("name", "number"), EVERY)
@pytest.mark.parametrize("status", [429, 500, 302])
def test_an_answer_that_says_nothing_is_yellow(name: str, number: int, status: int) -> None:
    """A provider that is down is not our set-up."""
    assert lights(checkup(name, number).verdict(said("", status))) == [Light.YELLOW]


@pytest.mark.parametrize(("name", "number"), EVERY)
def test_no_answer_is_yellow(name: str, number: int) -> None:
    """No network."""
    assert lights(checkup(name, number).verdict(maybe_sent("ReadTimeout"))) == [Light.YELLOW]


@pytest.mark.parametrize(("name", "number"), EVERY)
@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"data": 1, "scopes": 2, "SendQuota": []}'])
def test_nonsense_is_read_without_an_error(name: str, number: int, body: bytes) -> None:
    """Whatever stands in a 200."""
    assert checkup(name, number).verdict(Answered(200, {}, body))


@pytest.mark.parametrize(
    ("name", "number", "path"),
    [
        ("postmark", 0, "/server"),
        ("postmark", 1, "/message-streams/broadcast"),
        ("ses", 0, "/v2/email/account"),
        ("resend", 0, "/domains?limit=100"),
        ("sendgrid", 0, "/v3/scopes"),
    ],
)
def test_the_question_is_a_get_with_the_key_in_a_header(name: str, number: int, path: str) -> None:
    """Through the real poster, to a server here."""
    with loopback() as server:
        server.answer(path, b"{}", 401)
        one = checkup(name, number, address=f"http://127.0.0.1:{server.port}")
        poster = HttpxPoster()
        found = one.verdict(poster.post(one.question()))
        poster.close()

    asked = server.asked[0].decode()
    assert asked.startswith(f"GET {path} HTTP/1.1\r\n")
    assert ("secret-key" in asked) or ("Credential=AKIDEXAMPLE/" in asked and "wJalrXUtnFEMI" not in asked)
    assert lights(found) == [Light.RED]


def test_a_live_server_without_tracking_is_green() -> None:
    """Postmark's answer as its documentation shows it."""
    assert lights(checkup("postmark").verdict(said(SERVER))) == [Light.GREEN]


@pytest.mark.parametrize(
    ("change", "light", "word"),
    [
        ({"DeliveryType": "Sandbox"}, Light.RED, "sandbox"),
        ({"TrackOpens": True}, Light.YELLOW, "tracks opens."),
        ({"TrackLinks": "HtmlOnly"}, Light.YELLOW, "tracks links."),
    ],
)
def test_a_server_that_tracks_or_delivers_nothing_is_seen(change: dict[str, Any], light: Light, word: str) -> None:
    """A server's tracking of opens wins over what a message says."""
    found = checkup("postmark").verdict(said(SERVER | change))

    assert lights(found) == [light]
    assert word in found[0].found


def test_a_broadcast_stream_with_our_own_unsubscribing_is_green() -> None:
    """Both lines."""
    assert lights(checkup("postmark", 1).verdict(said(STREAM))) == [Light.GREEN, Light.GREEN]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"MessageStreamType": "Transactional"}, [Light.RED, Light.GREEN]),
        ({"SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": "Postmark"}}, [Light.GREEN, Light.RED]),
        ({"SubscriptionManagementConfiguration": None}, [Light.GREEN, Light.YELLOW]),
        ({"ArchivedAt": "2026-01-01T00:00:00Z"}, [Light.RED]),
    ],
)
def test_a_stream_that_takes_our_header_away_is_red(change: dict[str, Any], expected: list[Light]) -> None:
    """Postmark's own List-Unsubscribe goes past our list, and no error tells (providers reference, fact 4)."""
    assert lights(checkup("postmark", 1).verdict(said(STREAM | change))) == expected


def test_a_stream_that_is_not_there_is_red() -> None:
    """By the name in the options."""
    found = checkup("postmark", 1, message_stream="weekly").verdict(said({}, 404))

    assert lights(found) == [Light.RED]
    assert "'weekly'" in found[0].looked_at


def test_an_account_of_amazon_that_may_send_is_green() -> None:
    """With what is left of its quota."""
    found = checkup("ses").verdict(said(ACCOUNT))

    assert lights(found) == [Light.GREEN]
    assert "49,900 of 50,000" in found[0].found


@pytest.mark.parametrize(
    ("change", "light"),
    [
        ({"ProductionAccessEnabled": False}, Light.RED),
        ({"SendingEnabled": False}, Light.RED),
        ({"EnforcementStatus": "SHUTDOWN"}, Light.RED),
        ({"EnforcementStatus": "PROBATION"}, Light.YELLOW),
        ({"SendQuota": QUOTA | {"SentLast24Hours": 48_001.0}}, Light.YELLOW),
        ({"SendQuota": QUOTA | {"Max24HourSend": -1.0}}, Light.GREEN),
    ],
)
def test_an_account_of_amazon_that_may_not_send_to_all_is_seen(change: dict[str, Any], light: Light) -> None:
    """Sandbox, a stop, a review, a quota smaller than the list."""
    assert lights(checkup("ses").verdict(said(ACCOUNT | change))) == [light]


@pytest.mark.parametrize("name", list(QUOTA))
@pytest.mark.parametrize("number", ["NaN", "1e999", "-1e999", "-5", "1" + 400 * "0", "true", '"5"', "null"])
def test_a_quota_that_is_no_number_is_no_exception(name: str, number: str) -> None:
    """JSON as Python reads it has NaN and infinity; what can be told is told."""
    body = json.dumps(ACCOUNT).replace(f'"{name}": {QUOTA[name]}', f'"{name}": {number}')
    found = checkup("ses").verdict(Answered(200, {}, body.encode()))

    assert number in body
    assert lights(found) == [Light.GREEN]
    assert not any(odd in words(found).lower() for odd in ("nan", "inf", "-5", "000,000,000,000"))


HOSTILE = "\x1b[31mred\r\n\u202eada@example.org \ud83d"


@pytest.mark.parametrize(
    ("name", "number", "document"),
    [
        ("postmark", 1, STREAM | {"MessageStreamType": HOSTILE}),
        ("postmark", 1, STREAM | {"SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": HOSTILE}}),
        ("resend", 0, {"data": [DOMAIN | {"status": HOSTILE}]}),
        ("ses", 0, ACCOUNT | {"EnforcementStatus": HOSTILE}),
    ],
)
def test_a_providers_word_cannot_paint_the_screen(name: str, number: int, document: Any) -> None:
    """Controls, marks of direction, lone surrogates and addresses are not shown."""
    shown = words(checkup(name, number).verdict(said(document)))

    assert shown.isprintable()
    assert "@" not in shown


@pytest.mark.parametrize(
    ("kind", "light"), [("UnrecognizedClientException", Light.RED), ("AccessDeniedException:http", Light.YELLOW)]
)
def test_a_wrong_key_of_amazon_is_told_from_one_that_may_not_ask(kind: str, light: Light) -> None:
    """Both are answered 403; a key that may only send is a good one."""
    assert lights(checkup("ses").verdict(said({}, 403, **{"x-amzn-errortype": kind}))) == [light]


@pytest.mark.parametrize(
    ("domains", "light"),
    [
        ([DOMAIN], Light.GREEN),
        ([DOMAIN | {"status": "pending"}], Light.RED),
        ([DOMAIN | {"click_tracking": True}], Light.YELLOW),
        ([DOMAIN | {"name": "else.dev"}], Light.RED),
        ([], Light.RED),
    ],
)
def test_the_domain_must_be_verified_at_resend(domains: list[Any], light: Light) -> None:
    """Names have no case."""
    assert lights(checkup("resend").verdict(said({"data": domains}))) == [light]


def test_a_domain_beyond_the_first_hundred_is_not_missing() -> None:
    """Resend says that there are more."""
    assert lights(checkup("resend").verdict(said({"data": [], "has_more": True}))) == [Light.YELLOW]


@pytest.mark.parametrize(
    ("status", "name", "light"),
    [
        (401, "restricted_api_key", Light.YELLOW),
        (403, "invalid_api_key", Light.RED),
        (401, "missing_api_key", Light.RED),
    ],
)
def test_a_key_of_resend_that_may_only_send_is_a_good_one(status: int, name: str, light: Light) -> None:
    """It is answered 401, and a wrong one 403 (Resend's list of errors)."""
    assert lights(checkup("resend").verdict(said({"name": name}, status))) == [light]


@pytest.mark.parametrize(
    ("scopes", "sandbox", "light"),
    [
        (["mail.send", "user.read"], "no", Light.GREEN),
        (["user.read"], "no", Light.RED),
        (["mail.send"], "yes", Light.YELLOW),
    ],
)
def test_a_key_of_sendgrid_must_be_allowed_to_send(scopes: list[str], sandbox: str, light: Light) -> None:
    """And the sandbox throws everything away."""
    assert lights(checkup("sendgrid", sandbox=sandbox).verdict(said({"scopes": scopes}))) == [light]


@pytest.mark.parametrize(("name", "number"), EVERY)
def test_no_line_repeats_the_key(name: str, number: int) -> None:
    """Not even when the provider does."""
    found = checkup(name, number).verdict(said({"Message": "secret-key", "message": "secret-key"}, 401))

    assert "secret-key" not in words(found)


def test_an_unknown_option_is_said() -> None:
    """As the adapter says it."""
    with pytest.raises(ProviderError, match="strem"):
        checkup("postmark", strem="x")


def test_a_provider_without_a_question_is_not_asked() -> None:
    """The outbox has no account."""
    assert checkups_of(ProviderChoice(), "", SENDING) == []
