"""Looking at the certificate of our own pages: readers' mail programs refuse to leave by a link whose one ran out."""

import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from jobs.notices.facts import Certificate
from newsletter.providers.poster import Limits
from newsletter.providers.wire import Wire, deadline

LIMITS = Limits(whole=5.0, connect=3.0)


def certificate_of(base_url: str, context: ssl.SSLContext | None = None) -> Certificate | None:
    """The certificate at this address; None where there is none to see: no https, or nobody answers.

    `context` says whom to trust; without one, the usual authorities.
    """
    parts = urlsplit(base_url)
    if parts.scheme != "https" or not parts.hostname:
        return None
    left = deadline(LIMITS.whole)
    try:
        plain = Wire.to(parts.hostname, parts.port or 443, left, LIMITS)
        secured = plain.secured(context or ssl.create_default_context(), parts.hostname, left)
    except ssl.SSLCertVerificationError as error:
        return Certificate(None, error.verify_message)
    except OSError:
        return None  # whoever is away has no certificate to look at; that we are reached is another matter
    said = secured.sock.getpeercert() if isinstance(secured.sock, ssl.SSLSocket) else None
    secured.close()
    until = str((said or {}).get("notAfter", ""))
    return Certificate(datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC)) if until else None
