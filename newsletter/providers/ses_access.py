"""Who we are to Amazon, and where: region, key pair, and the signature of a call (Signature Version 4)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from newsletter.errors import ProviderError
from newsletter.providers.adapter import Account, checked_options

OPTIONS = {
    "region": "",  #: as "eu-central-1": no default, because a verified sender lives in one region
    "configuration_set": "",  #: what events need
    "credentials": "secret",  #: or "environment": the usual AWS variables
    "topic_arn": "",  #: whose messages the webhook believes
    "sns_sha1": "no",  #: or "yes": believe also what SNS signs with SHA-1, the SignatureVersion 1 of a topic
}
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class SesAccess:
    """One account in one region."""

    region: str
    base: str  #: of the API's address, without a slash at its end
    options: Mapping[str, str]
    credentials: Credentials = field(repr=False)

    @classmethod
    def of(cls, account: Account, environment: Mapping[str, str]) -> "SesAccess":
        """Raises ProviderError for a missing region or an unusable secret; `environment` is read only if asked for."""
        options = checked_options("ses", account, OPTIONS)
        region = _checked_region(options["region"])
        base = (account.address or f"https://email.{region}.{_domain(region)}").rstrip("/")
        return cls(region, base, options, _credentials(options["credentials"], account.secret, environment))

    def signed(self, method: str, url: str, body: bytes = b"") -> dict[str, str]:
        """The headers of this call, signed now: Amazon takes it for some minutes."""
        unsigned = AWSRequest(method, url, {"Content-Type": "application/json"} if body else {}, body or None)
        SigV4Auth(self.credentials, "ses", self.region).add_auth(unsigned)
        return dict(unsigned.headers.items())


def _checked_region(region: str) -> str:
    if not _REGION.fullmatch(region):
        raise ProviderError(
            "[provider.options]: set region to where your sender is verified at Amazon SES, like region = "
            '"eu-central-1".'
        )
    return region


def _domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def _credentials(where: str, secret: str, environment: Mapping[str, str]) -> Credentials:
    """The key pair, and the session's token with a pair that has one. Raises ProviderError without repeating any."""
    if where == "environment":
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        pair = [environment.get(name, "").strip() for name in names]
        problem = f"credentials is 'environment': set {' and '.join(names)}, or remove the setting."
        token = environment.get("AWS_SESSION_TOKEN", "").strip() or None
    elif where == "secret":
        pair, token = [part.strip() for part in secret.split(":")], None
        problem = "The secret of Amazon SES is the id of an access key, a colon, and its secret key: ID:SECRET."
    else:
        raise ProviderError("[provider.options]: credentials is 'secret' or 'environment'.")
    if len(pair) != 2 or not all(part.isascii() and part.isprintable() and part for part in pair):  # noqa: PLR2004 - a pair
        raise ProviderError(problem)
    return Credentials(pair[0], pair[1], token)
