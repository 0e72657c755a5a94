"""Messages of Amazon SNS: who signed them, and which certificate is believed."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from adapter_suite import Wire
from hypothesis import given
from hypothesis import strategies as st
from sns_samples import CERTIFICATE, NOW, SUBSCRIBE, TOPIC, Authority, believed, hook, incoming, pem, signed

from newsletter.errors import ProviderError
from newsletter.providers.hooks import Hook, Incoming
from newsletter.providers.poster import Answered, Failed, Taken
from newsletter.providers.ses_hook import SesHook
from newsletter.providers.ses_sns import canonical
from newsletter.providers.sns_certificates import (
    MOST_CERTIFICATES,
    MOST_FETCHES,
    WITHIN,
    Certificates,
    certificate_from,
)


@pytest.mark.parametrize("changes", [{}, {"Subject": "Amazon SES Email Event Notification"}, {"Message": "é\n\n{"}])
def test_what_sns_signed_is_believed(changes: dict[str, str]) -> None:
    """With a subject and without, with several lines."""
    assert believed(signed(**changes))


def test_sha1_is_refused_and_the_log_says_what_to_set(caplog: pytest.LogCaptureFixture) -> None:
    """SignatureVersion 1 is a topic's default; nothing is fetched for it."""
    certificates = Authority()

    assert not believed(signed("1"), certificates)
    assert "SignatureVersion to 2" in caplog.text
    assert not certificates.asked


def test_sha1_is_believed_where_it_is_asked_for() -> None:
    """By an option; a false signature is none the better for it."""
    assert hook(sha1="yes").verify(incoming(signed("1")), (), NOW)
    assert hook(sha1="yes").verify(incoming(signed("2")), (), NOW)
    assert not hook(sha1="yes").verify(incoming(signed("1") | {"Message": "x"}), (), NOW)


def test_one_signature_is_good_for_one_message_only() -> None:
    """Its lines could be divided in another way: the end of a message, told as the beginning of its id."""
    message = signed(Message="a\nMessageId\nm-0")
    divided = message | {"Message": "a", "MessageId": "m-0\nMessageId\nm-1"}
    lines = ["".join(f"{name}\n{one[name]}\n" for name in ("Message", "MessageId")) for one in (message, divided)]

    assert lines[0] == lines[1]
    assert believed(message)
    assert not believed(divided)


@pytest.mark.parametrize("name", ["MessageId", "Subject", "Timestamp", "TopicArn"])
def test_only_the_message_has_several_lines(name: str) -> None:
    """Then there is one way to read what is signed."""
    with pytest.raises(ValueError, match="one line"):
        canonical(signed() | {"Subject": "s", name: "a\nb"})


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_confirmation_has_lines_of_its_own(kind: str) -> None:
    """Its link and its token are signed too."""
    message = signed(Type=kind, Token="t", SubscribeURL=SUBSCRIBE)

    assert believed(message)
    assert not believed(message | {"SubscribeURL": SUBSCRIBE + "3"})
    assert not believed(message | {"Token": "u"})


def test_the_signed_lines_are_the_documented_ones() -> None:
    """Names and values on lines of their own, in the order of the alphabet; the subject only where there is one."""
    common = {"Message": "a\nb", "MessageId": "m", "Timestamp": "t", "TopicArn": "arn"}
    confirm = {**common, "Type": "SubscriptionConfirmation", "SubscribeURL": "u", "Token": "k", "Subject": "no"}

    assert canonical({**common, "Type": "Notification", "Subject": "s"}) == (
        b"Message\na\nb\nMessageId\nm\nSubject\ns\nTimestamp\nt\nTopicArn\narn\nType\nNotification\n"
    )
    assert b"Subject" not in canonical({**common, "Type": "Notification"})
    assert canonical(confirm) == (
        b"Message\na\nb\nMessageId\nm\nSubscribeURL\nu\nTimestamp\nt\nToken\nk\nTopicArn\narn\n"
        b"Type\nSubscriptionConfirmation\n"
    )


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "TopicArn", "Type", "Subject"])
def test_a_changed_message_is_not_believed(name: str) -> None:
    """Whatever of the signed lines was changed."""
    kinds = {"Type": "SubscriptionConfirmation", "Timestamp": "2026-11-12T08:59:31.000Z"}
    message = signed(Subject="s") | {name: kinds.get(name, "x")}

    assert not believed(message)


@pytest.mark.parametrize(
    "changes",
    [
        {"Signature": ""},
        {"Signature": "AAAA"},
        {"Signature": "ünïcode"},
        {"Signature": None},
        {"Signature": 7},
        {"SignatureVersion": "3"},
        {"SignatureVersion": None},
        {"SigningCertURL": None},
        {"Timestamp": "yesterday"},
        {"Timestamp": 1},
        {"TopicArn": None},
        {"MessageId": None},
        {"Message": "\ud800"},
        {"Type": "Other"},
        {"Type": ["Notification"]},
    ],
    ids=str,
)
def test_a_malformed_message_is_not_believed_and_raises_nothing(changes: dict[str, Any]) -> None:
    """Whatever the fields hold."""
    assert not believed(signed() | changes)


@given(st.binary(max_size=60))
def test_any_body_is_answered_without_an_exception(body: bytes) -> None:
    """A stranger's bytes."""
    assert not hook().verify(Incoming({}, body), (), NOW)


def test_a_signature_of_the_other_version_is_not_believed() -> None:
    """SHA-1 where the message says SHA-256."""
    assert not believed(signed("1") | {"SignatureVersion": "2"})


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
        "https://evil.example#sns.eu-west-1.amazonaws.com/a.pem",
        "https://evil.example\\@sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:444/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem?x=.pem",
        "https://sns.eu-west-1.amazonaws.com/a/b.pem",
        "https://sns.eu-west-1.amazonaws.com/a.txt",
        "https://sns.a.b.amazonaws.com/a.pem",
        "https://s3.amazonaws.com/evil/a.pem",
        "https://xsns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com\n.evil.example/a.pem",
        "https://[sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem#b",
        "https://sns.eu-west-1.amazonaws.com/a\n.pem",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(url: str) -> None:
    """The host decides who can sign for Amazon."""
    certificates = Authority()

    assert not believed(signed(SigningCertURL=url), certificates)
    assert not certificates.asked


@pytest.mark.parametrize("host", ["sns.us-gov-west-1.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn"])
def test_a_certificate_of_another_partition_is_believed(host: str) -> None:
    """Amazon's hosts, all of them."""
    assert believed(signed(SigningCertURL=f"https://{host}/SimpleNotificationService-ab.pem"))


def test_a_certificate_is_fetched_once() -> None:
    """And kept by its address."""
    certificates = Authority()
    ours = hook(certificates)

    assert all(ours.verify(incoming(signed(MessageId=f"m-{n}")), (), NOW) for n in range(3))
    assert certificates.asked == [CERTIFICATE]


def test_no_more_than_a_few_certificates_are_kept() -> None:
    """A stranger who knows the topic cannot fill the memory."""
    kept = Certificates(Authority())
    for number in range(2 * MOST_CERTIFICATES):
        kept.at(CERTIFICATE.replace(".pem", f"{number}.pem"), NOW + number * WITHIN)

    assert len(kept._kept) == MOST_CERTIFICATES


def test_a_stranger_makes_us_fetch_nothing() -> None:
    """Another's topic, or an old message: refused before the certificate is asked for."""
    certificates = Authority()

    assert not believed(signed(TopicArn=TOPIC + "2"), certificates)
    assert not believed(signed(), certificates, now=NOW + timedelta(days=1))
    assert not certificates.asked


@pytest.mark.parametrize(
    "answer", [b"", b"no certificate", pem(-1), pem(elliptic=True)], ids=["none", "junk", "old", "ec"]
)
def test_an_unusable_certificate_is_doubt_and_not_an_exception(answer: bytes) -> None:
    """Not to be had, not one, no longer good, or of another kind of key: SNS will post again."""
    certificates = Authority(answer)

    assert not believed(signed(), certificates)
    assert certificates.asked


def test_a_certificate_that_could_not_be_had_is_asked_for_again_after_a_minute() -> None:
    """The network was away; until then every message is refused, and SNS posts it again."""
    certificates = Authority(b"")
    ours = hook(certificates)

    assert not any(ours.verify(incoming(signed()), (), NOW + timedelta(seconds=later)) for later in (0, 1, 59))
    assert certificates.asked == [CERTIFICATE]
    certificates.answer = pem()
    assert ours.verify(incoming(signed()), (), NOW + timedelta(seconds=60))


def test_a_stranger_who_knows_the_topic_makes_us_fetch_little() -> None:
    """Ten addresses in ten minutes, whatever he names; afterwards there are ten more."""
    certificates = Authority(b"")
    ours = hook(certificates)
    for number in range(50):
        ours.verify(incoming(signed(SigningCertURL=CERTIFICATE.replace(".pem", f"{number}.pem"))), (), NOW)
    assert len(certificates.asked) == MOST_FETCHES

    certificates.answer = pem()
    assert ours.verify(incoming(signed()), (), NOW + WITHIN)


def test_nobody_waits_for_a_slow_certificate_host() -> None:
    """Who comes while one is being fetched is refused at once: the server's threads stay free."""
    asked, told = threading.Event(), threading.Event()

    def slow(_: str) -> bytes:
        asked.set()
        assert told.wait(10)
        return pem()

    kept = Certificates(slow)
    first = threading.Thread(target=kept.at, args=(CERTIFICATE, NOW))
    first.start()
    assert asked.wait(10)
    with pytest.raises(ValueError, match="busy"):
        kept.at(CERTIFICATE, NOW)
    told.set()
    first.join(10)

    assert kept.at(CERTIFICATE, NOW)


@pytest.mark.parametrize(
    ("late", "taken"),
    [
        (timedelta(minutes=-6), False),
        (timedelta(minutes=-4), True),
        (timedelta(minutes=64), True),
        (timedelta(minutes=66), False),
    ],
)
def test_a_message_may_be_as_old_as_sns_goes_on_trying(late: timedelta, taken: bool) -> None:
    """An hour of retries keeps the first Timestamp; whoever replays one inside it is known by its MessageId."""
    assert believed(signed(Timestamp="2026-11-12T09:00:00.000Z"), now=NOW + late) is taken


def test_without_a_topic_the_hook_is_closed() -> None:
    """Also to a message that names none (S-50)."""
    closed = hook(topic="")

    assert not closed.verify(incoming(signed()), (), NOW)
    assert not closed.verify(incoming(signed(TopicArn="")), ("",), NOW)


def test_a_second_topic_is_taken_while_the_first_is_replaced() -> None:
    """Given as a secret."""
    other = TOPIC + "-new"

    assert hook().verify(incoming(signed(TopicArn=other)), (other,), NOW)
    assert not hook().verify(incoming(signed(TopicArn=other)), ("another secrét",), NOW)


def test_an_unknown_option_is_refused() -> None:
    """As the adapter does."""
    with pytest.raises(ProviderError, match="topic"):
        SesHook({"topic": "x"})
    with pytest.raises(ProviderError, match="sns_sha1"):
        hook(sha1="true")


def test_an_honest_sns_tries_again_after_a_refusal() -> None:
    """It gives up at once for a 4xx."""
    port: Hook = hook()

    assert port.refusal == 503


@pytest.mark.parametrize(
    "said", [Answered(404, {}, b"x"), Answered(302, {}, b"x"), Failed(Taken.NOT_SENT, "no")], ids=["404", "302", "no"]
)
def test_only_a_whole_answer_is_a_certificate(said: Answered | Failed) -> None:
    """A redirect is not followed, and an error page is none."""
    with pytest.raises(ProviderError):
        certificate_from(Wire([said]), CERTIFICATE)


def test_a_certificate_is_what_its_address_gives() -> None:
    """Through any poster."""
    wire = Wire([Answered(200, {}, b"pem")])

    assert certificate_from(wire, CERTIFICATE) == b"pem"
    assert [posted[0].url for posted in wire.posted] == [CERTIFICATE]
