"""Calls to somebody else's webhook: signed so that the library of the specification believes them."""

import base64
import ssl
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from misbehaving import CERTIFICATE, Visit, answer, answer_each, serving
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from telling_samples import KEY

from jobs.notices.certificates import certificate_of
from newsletter.errors import ConfigError, ProviderError
from newsletter.providers.httpx_poster import HttpxPoster
from newsletter.providers.poster import Answered, Failed, Limits, Request, not_sent
from newsletter.providers.signed_call import secret_of, signed_call, why_not

OTHER = "whsec_" + base64.b64encode(b"another secret of 32 bytes here!").decode()


def call(url: str = "https://chat.example.org/1", late: timedelta = timedelta()) -> Request:
    """A call, made now or so much earlier."""
    content = {"type": "notice.opened", "text": "Überfällig"}
    return signed_call(url, secret_of(KEY), "notice-1", datetime.now(UTC) - late, content)


def test_the_specifications_library_believes_the_call() -> None:
    """Id, time, body and signature, as they leave."""
    made = call()

    assert Webhook(KEY).verify(b"".join(made.body), dict(made.headers)) == {
        "type": "notice.opened",
        "text": "Überfällig",
    }
    assert made.headers["webhook-id"] == "notice-1"


@pytest.mark.parametrize(
    ("key", "late", "body"),
    [(OTHER, timedelta(), b""), (KEY, timedelta(minutes=6), b""), (KEY, timedelta(), b" ")],
    ids=["another key", "stale", "another body"],
)
def test_the_library_does_not_believe_anything_else(key: str, late: timedelta, body: bytes) -> None:
    """So the three are under the signature."""
    made = call(late=late)

    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(b"".join(made.body) + body, dict(made.headers))


@pytest.mark.parametrize("key", ["", "a-secret", "whsec_c2hvcnQ=", "whsec_%%%", KEY.removeprefix("whsec_")])
def test_a_key_that_is_none_is_said_without_it(key: str) -> None:
    """What it must look like, and how to make one."""
    with pytest.raises(ConfigError, match="must be whsec_ and 24 to 64 bytes in base64") as error:
        secret_of(key)

    assert not key or key not in str(error.value)


def test_the_first_of_several_keys_signs() -> None:
    """So that a key can be changed: the new one first, here and there, then the old one goes."""
    assert secret_of(f"{OTHER} {KEY}") == secret_of(OTHER)


def test_nothing_is_posted_in_clear_to_another_machine() -> None:
    """Http is for this one."""
    with pytest.raises(ProviderError):
        call("http://chat.example.org/1")


@pytest.mark.parametrize(
    ("answered", "why"),
    [
        (Answered(204, {}, b""), ""),
        (Answered(307, {"location": "http://127.0.0.1/"}, b""), "The chat answered 307."),
        (Answered(500, {}, b"the key is ..."), "The chat answered 500."),
        (not_sent("ConnectError"), "The chat gave no answer (ConnectError)."),
    ],
)
def test_only_a_2xx_has_taken_it_and_its_words_are_not_repeated(answered: Answered | Failed, why: str) -> None:
    """What stands in a stranger's answer is nobody's business."""
    assert why_not(answered, "The chat") == why


def test_a_redirect_is_not_followed() -> None:
    """A chat that is told where to go could be told to go inside."""

    def elsewhere(visit: Visit) -> None:
        while visit.read():
            visit.say(answer(b"", 307, "Location: /inside"))

    with serving(elsewhere) as server, closing(HttpxPoster(Limits(whole=2.0))) as poster:
        said = poster.post(call(server.url))

    assert why_not(said, "The chat") == "The chat answered 307."
    assert len(server.taken) == 1


def test_a_certificate_is_read_as_a_reader_sees_it() -> None:
    """Trusted: until when. Not: why. Nobody there, or no https: nothing."""
    trusting = ssl.create_default_context(cafile=CERTIFICATE)
    with serving(answer_each, tls=True) as server:
        seen, distrusted = certificate_of(server.url, trusting), certificate_of(server.url)

    assert seen is not None
    assert seen.until == datetime(2126, 10, 29, 0, 4, 43, tzinfo=UTC)
    assert distrusted is not None
    assert (distrusted.until, distrusted.trouble) == (None, "self-signed certificate")
    assert certificate_of(server.url, trusting) is certificate_of("http://localhost:1") is None
