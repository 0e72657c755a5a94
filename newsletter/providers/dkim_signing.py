"""Signing messages with DKIM (RFC 6376), for a server that does not do it itself.

Every header that readers and mailbox providers go by is signed once more than it is there ("oversigned"), so that a
second one in front of it breaks the signature; RFC 8058, section 4, wants both unsubscribe headers signed. RSA only:
dkimpy signs with Ed25519 by another package, which is not among ours. Not called dkim.py: that is the library's name.
"""

from dataclasses import dataclass, field
from pathlib import Path

import dkim  # type: ignore[import-untyped]
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from newsletter.errors import MailError, ProviderError

HEADERS = (
    b"from", b"reply-to", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type",
    b"list-unsubscribe", b"list-unsubscribe-post", b"list-id", b"feedback-id",
)  # fmt: skip
FEWEST_BITS = 2048  #: RFC 8301, section 3.2, asks signers for that


@dataclass(frozen=True, slots=True)
class DkimSigner:
    """Signs for one domain. The key is not in its repr."""

    selector: str
    domain: str
    _key: bytes = field(repr=False)  #: RSA, PEM as dkimpy reads it

    @classmethod
    def from_file(cls, selector: str, domain: str, path: Path) -> "DkimSigner":
        """A signer with the private key of this PEM file. Raises ProviderError for a file that is not such a key."""
        if not (selector.isascii() and domain.isascii()):
            raise ProviderError("The DKIM selector and domain are plain ASCII; write a domain as xn--….")
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise ProviderError(f"The DKIM key {path} cannot be read: {error.strerror}. Mend dkim_key_file.") from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ProviderError(
                f"{path} is not a private key in PEM without a password. See docs/providers/smtp.md."
            ) from None
        if not isinstance(key, RSAPrivateKey) or key.key_size < FEWEST_BITS:
            raise ProviderError(
                f"{path} is not an RSA key of {FEWEST_BITS} bits or more; 'openssl genrsa 2048' makes one."
            )
        return cls(selector, domain, key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))

    def signed(self, content: bytes) -> bytes:
        """The message with its signature in front. Raises MailError for one that cannot be signed."""
        try:
            header: bytes = dkim.sign(
                content,
                self.selector.encode("ascii"),
                self.domain.encode("ascii"),
                self._key,
                canonicalize=(b"relaxed", b"relaxed"),
                include_headers=[name for name in HEADERS for _ in range(2)],
            )
        except dkim.DKIMException as error:
            raise MailError(f"The message could not be signed ({type(error).__name__}).") from None
        return header + content
