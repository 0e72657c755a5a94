"""What Amazon SES says of our account in this region: GET /v2/email/account (GetAccount in the service model)."""

import os
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from newsletter.providers.adapter import Account
from newsletter.providers.checkup import Finding, Light, Sending, green, no_verdict, not_accepted, red, yellow
from newsletter.providers.judging import document, member
from newsletter.providers.poster import Answered, Failed, Request
from newsletter.providers.ses_access import SesAccess

PATH = "/v2/email/account"
_MOST = 10**15  #: no quota; NaN and infinity are not less
_WRONG = (
    "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
    "ExpiredTokenException", "MissingAuthenticationTokenException",
)  # fmt: skip


class SesAccount:
    """Is it out of the sandbox, may it send, and how much?"""

    def __init__(self, account: Account, sending: Sending, environment: Mapping[str, str] = os.environ) -> None:
        """Raises ProviderError for a missing region or an unusable secret."""
        self._access, self._people = SesAccess.of(account, environment), sending.people
        self.looked_at = f"Amazon SES account in {self._access.region}"

    def question(self) -> Request:
        """See Checkup; signed now, and good for some minutes."""
        url = self._access.base + PATH
        return Request("GET", url, self._access.signed("GET", url))

    def verdict(self, said: Answered | Failed) -> Sequence[Finding]:
        """See Checkup."""
        if isinstance(said, Answered) and said.status == HTTPStatus.FORBIDDEN:
            return [self._forbidden(said)]
        if problem := no_verdict(self.looked_at, said, "the access key's id, a colon, its secret"):
            return problem
        account = document(said) if isinstance(said, Answered) else None
        if not isinstance(account, dict):
            return [yellow(self.looked_at, "The answer could not be read.", "Try again later.")]
        found = [self._standing(account), self._quota(account)]
        return [one for one in found if one.light is not Light.GREEN] or [
            green(self.looked_at, f"It may send to anybody. {found[1].found}")
        ]

    def _forbidden(self, said: Answered) -> Finding:
        told = said.headers.get("x-amzn-errortype", "") or member(document(said), "__type")
        if any(name in told for name in _WRONG):
            return not_accepted(self.looked_at, said.status, "the access key's id, a colon, its secret")
        todo = "Allow ses:GetAccount to its user, or look at the account's dashboard yourself."
        return yellow(self.looked_at, "The key may not ask about the account.", todo)

    def _standing(self, account: dict[str, object]) -> Finding:
        status = member(account, "EnforcementStatus")
        if not account.get("SendingEnabled", True) or status == "SHUTDOWN":
            return red(self.looked_at, "Sending is switched off.", "Amazon's mails and the dashboard say why.")
        if account.get("ProductionAccessEnabled") is False:
            todo = "Request production access in the console of Amazon SES."
            return red(self.looked_at, "It is in the sandbox: only verified addresses are mailed.", todo)
        if status == "PROBATION":
            todo = "Look at bounces and complaints in the dashboard before the next issue."
            return yellow(self.looked_at, "Amazon reviews the account (PROBATION).", todo)
        return green(self.looked_at, "It may send.")

    def _quota(self, account: dict[str, object]) -> Finding:
        day, sent, rate = (_number(account, name) for name in ("Max24HourSend", "SentLast24Hours", "MaxSendRate"))
        if day is None or sent is None or rate is None or sent < 0 or rate < 0:
            return green(self.looked_at, "Its quota is not told.")
        if day < 0:  # -1: no limit
            return green(self.looked_at, f"No daily limit, {rate:,} a second.")
        left = max(0, day - sent)
        found = f"{left:,} of {day:,} messages left in these 24 hours, {rate:,} a second."
        if self._people is not None and left < self._people:
            todo = f"Ask for a larger quota: the list has {self._people:,} who would be mailed now."
            return yellow(self.looked_at, found, todo)
        return green(self.looked_at, found)


def _number(account: dict[str, object], name: str) -> int | None:
    """A number of the quota; None for what is none: JSON as Python reads it has NaN and 1e999."""
    found = member(account, "SendQuota", name, kind=object)
    told = isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < _MOST
    return round(found) if told and isinstance(found, int | float) else None
