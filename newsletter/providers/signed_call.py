"""A signed call to somebody else's webhook, by the Standard Webhooks specification (v1, symmetric).

Whoever takes it knows by the signature over id, time and body that it is from here, and by the id whether it came
before: an attempt that is repeated has the same one. The address may be of a chat's relay or a pager.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from newsletter.errors import ConfigError
from newsletter.providers.poster import Answered, Failed, Request

PREFIX = "whsec_"
AGENT = "weekly-verdicts"
LEAST_BYTES, MOST_BYTES = 24, 64  #: of a secret, by the specification


def secret_of(key: str) -> bytes:
    """The secret behind "whsec_" and base64, several of which may stand with blanks between them: the first signs.

    Raises ConfigError; the sentence does not hold the key.
    """
    first = next(iter(key.split()), "")
    try:
        secret = base64.b64decode(first.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        secret = b""
    if not first.startswith(PREFIX) or not LEAST_BYTES <= len(secret) <= MOST_BYTES:
        raise ConfigError(
            f"The key of telling.webhook must be {PREFIX} and {LEAST_BYTES} to {MOST_BYTES} bytes in base64. "
            f'Make one: echo "{PREFIX}$(openssl rand -base64 32)"; then set NEWSLETTER_WEBHOOK_KEY.'
        )
    return secret


def signed_call(address: str, secret: bytes, id_: str, at: datetime, content: Mapping[str, Any]) -> Request:
    """The call. `id_`: the same at every attempt; `at` (aware): of this attempt.

    Raises ProviderError for an address without TLS that is not on this machine.
    """
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    seconds = str(int(at.timestamp()))
    mac = hmac.new(secret, f"{id_}.{seconds}.".encode("ascii") + body, hashlib.sha256).digest()
    headers = {
        "content-type": "application/json",
        "user-agent": AGENT,
        "webhook-id": id_,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode('ascii')}",
    }
    return Request("POST", address, headers, (body,), len(body))


def why_not(answered: Answered | Failed, who: str) -> str:
    """Why it was not taken; empty where it was. Its own words are not repeated: nobody has asked what is in them."""
    if isinstance(answered, Failed):
        return f"{who} gave no answer ({answered.reason.partition('(')[2].partition(')')[0] or 'nothing'})."
    if 200 <= answered.status < 300:  # noqa: PLR2004 - 2xx; a redirect is not followed
        return ""
    return f"{who} answered {answered.status}."
