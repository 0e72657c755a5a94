"""What Resend says of our domain: GET /domains (Resend's OpenAPI file, `domains/list`; its list of errors).

A key that may only send is answered 401 `restricted_api_key`: it is a good key. A wrong one is answered 403.
"""

from collections.abc import Sequence

from newsletter.providers.adapter import Account
from newsletter.providers.checkup import Finding, Sending, green, no_verdict, not_accepted, red, yellow
from newsletter.providers.judging import document, member
from newsletter.providers.plain_words import word
from newsletter.providers.poster import Answered, Failed, Request
from newsletter.providers.resend import ADDRESS

_KEY = "resend.com, API Keys"
_WRONG = {"invalid_api_key", "invalid_api_Key", "missing_api_key"}
MOST = 100  #: domains in an answer (`PaginationLimit`)


class ResendDomains:
    """Is the domain of From verified?"""

    def __init__(self, account: Account, sending: Sending) -> None:
        """`account.secret` is an API key."""
        self._account, self._domain = account, sending.domain
        self.looked_at = f"Resend domain {sending.domain}"

    def question(self) -> Request:
        """See Checkup."""
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {self._account.secret}",
            "User-Agent": "newsletter",  # without one Resend answers 403
        }
        return Request("GET", f"{(self._account.address or ADDRESS).rstrip('/')}/domains?limit={MOST}", headers)

    def verdict(self, said: Answered | Failed) -> Sequence[Finding]:
        """See Checkup."""
        found = document(said) if isinstance(said, Answered) else None
        name = member(found, "name")
        if isinstance(said, Answered) and name in _WRONG:
            return [not_accepted(self.looked_at, said.status, _KEY)]
        if name == "restricted_api_key":
            only = "The key may only send, which is right; so the domain cannot be asked about."
            return [yellow(self.looked_at, only, "Look at resend.com/domains: its status must be 'verified'.")]
        return no_verdict(self.looked_at, said, _KEY) or self._judged(found)

    def _judged(self, found: object) -> list[Finding]:
        domains = member(found, "data", kind=list)
        ours = next((one for one in domains if member(one, "name").lower() == self._domain), None)
        if ours is None and member(found, "has_more", kind=bool):
            return [yellow(self.looked_at, f"It is not among the first {MOST}.", "Look at resend.com/domains.")]
        if ours is None:
            return [red(self.looked_at, "The account has no such domain.", "Add it at resend.com/domains.")]
        status = member(ours, "status")
        if status != "verified":
            todo = "Set the DNS records that resend.com/domains shows, then verify it there."
            return [red(self.looked_at, f"Its status is '{word(status)}'.", todo)]
        tracked = [what for what in ("open", "click") if member(ours, f"{what}_tracking", kind=bool)]
        if tracked:
            on = f"It is verified, and tracks: {' and '.join(f'{what}s' for what in tracked)}."
            return [yellow(self.looked_at, on, "Switch tracking off in the domain's settings.")]
        return [green(self.looked_at, "It is verified, and nothing is tracked.")]
