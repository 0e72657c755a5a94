"""What SendGrid says of our key: GET /v3/scopes, the list of what it may do (API reference, "API key permissions").

Its tracking is switched off in every message (sendgrid.py), so no setting of the account is asked for.
"""

from collections.abc import Sequence

from newsletter.providers.adapter import Account, checked_options
from newsletter.providers.checkup import Finding, Sending, green, no_verdict, red, yellow
from newsletter.providers.judging import document, member
from newsletter.providers.poster import Answered, Failed, Request
from newsletter.providers.sendgrid import OPTIONS, REGIONS

NEEDED = "mail.send"


class SendGridScopes:
    """May the key send, and no more than that?"""

    looked_at = "SendGrid key"

    def __init__(self, account: Account, _: Sending) -> None:
        """Raises ProviderError for an unknown option."""
        options = checked_options("sendgrid", account, OPTIONS)
        self._sandbox = options["sandbox"] == "yes"
        self._base = account.address.rstrip("/") or REGIONS.get(options["region"], REGIONS["global"])
        self._headers = {"Authorization": f"Bearer {account.secret}", "Accept": "application/json"}

    def question(self) -> Request:
        """See Checkup."""
        return Request("GET", f"{self._base}/v3/scopes", self._headers)

    def verdict(self, said: Answered | Failed) -> Sequence[Finding]:
        """See Checkup."""
        if problem := no_verdict(self.looked_at, said, "Settings → API Keys; an EU key needs region = 'eu'"):
            return problem
        scopes = member(document(said), "scopes", kind=list) if isinstance(said, Answered) else []
        if NEEDED not in scopes:
            return [red(self.looked_at, "It is accepted, and may not send.", f"Give it the permission {NEEDED}.")]
        if self._sandbox:
            found = "It may send; but sandbox is on, so SendGrid throws every message away."
            return [yellow(self.looked_at, found, "Remove sandbox from [provider.options].")]
        return [green(self.looked_at, "It is accepted and may send.")]
