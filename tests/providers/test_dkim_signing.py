"""Signatures: dkimpy verifies what a mail server received, and nothing that was added on the way."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from delivery_samples import batch_of, recipient
from smtp_server import mail_server, provider

from newsletter.errors import MailError, ProviderError
from newsletter.providers.dkim_signing import HEADERS, DkimSigner

PLAIN = NoEncryption()


@cache
def key() -> rsa.RSAPrivateKey:
    """An RSA key, the same in every test."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(form: PrivateFormat = PrivateFormat.PKCS8, lock: KeySerializationEncryption = PLAIN) -> bytes:
    """The key as a file holds it."""
    return key().private_bytes(Encoding.PEM, form, lock)


def published(name: bytes, timeout: int = 5) -> bytes | None:
    """What DNS has: the public key, below the selector."""
    assert name == b"news1._domainkey.example.org."
    public = key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + b"".join(public.splitlines()[1:-1])


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The private key in a file."""
    path = tmp_path / "dkim.pem"
    path.write_bytes(pem())
    return path


@pytest.fixture
def received(key_file: Path) -> bytes:
    """One message as a real server got it."""
    dkim_options = {"dkim_selector": "news1", "dkim_domain": "example.org", "dkim_key_file": key_file}
    with mail_server() as server, provider(server, **dkim_options) as smtp:
        assert smtp.send(batch_of("ada")).is_plain
    return server.letters[0].content


def verified(content: bytes) -> bool:
    """What a receiver finds."""
    return bool(dkim.verify(content, dnsfunc=published))


def test_what_the_server_received_verifies(received: bytes) -> None:
    """Relaxed and relaxed, and nothing else of the message has changed."""
    header, _, rest = received.partition(b"\r\nFrom: ")

    assert verified(received)
    assert b"c=relaxed/relaxed" in header
    assert b"From: " + rest == batch_of("ada").builder.mime(recipient("ada"))


@pytest.mark.parametrize("name", HEADERS)
def test_a_second_header_in_front_breaks_the_signature(received: bytes, name: bytes) -> None:
    """Readers and programs go by the first one that they find."""
    assert not verified(name + b": <https://evil.example/u/1>\r\n" + received)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/unsubscribe/ada>", b"/unsubscribe/bob>"),
        (b"One-Click", b"Two-Click"),
        (b"</a>", b"<!a>"),
        (b"Subject: ", b"Subject: Re: "),
    ],
)
def test_a_changed_message_does_not_verify(received: bytes, old: bytes, new: bytes) -> None:
    """Links, words, headers."""
    assert old in received
    assert not verified(received.replace(old, new, 1))


def test_blanks_that_a_relay_changes_do_not_matter(received: bytes) -> None:
    """That is what relaxed is for."""
    assert verified(received.replace(b"Subject: ", b"subject:   ", 1))


def test_both_unsubscribe_headers_are_signed_twice() -> None:
    """RFC 8058, section 4."""
    assert {b"list-unsubscribe", b"list-unsubscribe-post"} < set(HEADERS)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize(
    "lines", [lambda text: text, lambda text: text.replace(b"\n", b"\r\n"), lambda text: b"\n" + text]
)
def test_a_key_is_read_however_it_was_written(
    tmp_path: Path, form: PrivateFormat, lines: Callable[[bytes], bytes]
) -> None:
    """By old and new openssl, on Windows, with a blank line."""
    path = tmp_path / "key.pem"
    path.write_bytes(lines(pem(form)))

    signed = DkimSigner.from_file("news1", "example.org", path).signed(batch_of().builder.mime(recipient("ada")))

    assert verified(signed)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a private key"),
        (b"canary", "is not a private key"),
        (pem(lock=BestAvailableEncryption(b"canary")), "without a password"),
        (
            ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, PLAIN),
            "is not an RSA key",
        ),
        (
            rsa.generate_private_key(65537, 1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, PLAIN),  # noqa: S505
            "of 2048 bits or more",
        ),
    ],
    ids=["empty", "nonsense", "locked", "Ed25519", "short"],
)
def test_a_file_that_is_no_usable_key_is_said_when_it_is_read(tmp_path: Path, content: bytes, words: str) -> None:
    """With its path, and nothing of what is in it."""
    path = tmp_path / "key.pem"
    path.write_bytes(content)

    with pytest.raises(ProviderError, match=words) as caught:
        DkimSigner.from_file("news1", "example.org", path)

    assert "canary" not in str(caught.value)


def test_a_message_that_cannot_be_signed_is_not_sent_unsigned(key_file: Path) -> None:
    """It is an error of that message."""
    with pytest.raises(MailError, match="could not be signed"):
        DkimSigner.from_file("news1", "example.org", key_file).signed(b"no header here\r\n\r\nx")


def test_the_key_is_not_in_a_repr(key_file: Path) -> None:
    """Nor in a log."""
    assert "PRIVATE" not in repr(DkimSigner.from_file("news1", "example.org", key_file))
