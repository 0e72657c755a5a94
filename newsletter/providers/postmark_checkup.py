"""What Postmark says of our server, and of the stream that the newsletter leaves by.

Sources: Postmark's developer documentation ("Server API", "Message streams API", "Tracking opens per email": a server's
setting wins over a message's); the handling of unsubscribes: providers reference, fact 4.
"""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote

from newsletter.providers.adapter import Account, checked_options
from newsletter.providers.checkup import Finding, Sending, green, no_verdict, red, yellow
from newsletter.providers.judging import document, member
from newsletter.providers.plain_words import word
from newsletter.providers.poster import Answered, Failed, Request
from newsletter.providers.postmark import ADDRESS, OPTIONS

_KEY = "Servers → your server → API Tokens"


class PostmarkServer:
    """GET /server: does it deliver, does it track?"""

    looked_at = "Postmark server"

    def __init__(self, account: Account, _: Sending) -> None:
        """`account.secret` is the server's API token."""
        self._account = account

    def question(self) -> Request:
        """See Checkup."""
        return _asking(self._account, "/server")

    def verdict(self, said: Answered | Failed) -> Sequence[Finding]:
        """See Checkup."""
        if problem := no_verdict(self.looked_at, said, _KEY):
            return problem
        server = document(said) if isinstance(said, Answered) else None
        if member(server, "DeliveryType") == "Sandbox":
            return [red(self.looked_at, "It is a sandbox: no mail leaves it.", "Use the token of a live server.")]
        opens, links = member(server, "TrackOpens", kind=bool), member(server, "TrackLinks")
        if opens or links not in ("", "None"):
            tracked = " and ".join(what for what, on in (("opens", opens), ("links", links not in ("", "None"))) if on)
            return [
                yellow(
                    self.looked_at,
                    f"It tracks {tracked}. Postmark says that a message cannot switch off tracking of opens.",
                    "Switch tracking off in the server's settings.",
                )
            ]
        return [green(self.looked_at, "The token is accepted; it is live and tracks neither opens nor links.")]


class PostmarkStream:
    """GET /message-streams/{id}: is it for newsletters, and whose is List-Unsubscribe?"""

    def __init__(self, account: Account, _: Sending) -> None:
        """Raises ProviderError for an unknown option."""
        self._account = account
        self._stream = checked_options("Postmark", account, OPTIONS)["message_stream"]
        self.looked_at = f"Postmark stream '{self._stream}'"

    def question(self) -> Request:
        """See Checkup."""
        return _asking(self._account, f"/message-streams/{quote(self._stream, safe='')}")

    def verdict(self, said: Answered | Failed) -> Sequence[Finding]:
        """See Checkup."""
        if isinstance(said, Answered) and said.status == HTTPStatus.NOT_FOUND:
            todo = "Set message_stream in [provider.options] to the id of a broadcast stream."
            return [red(self.looked_at, "There is no such stream on this server.", todo)]
        if problem := no_verdict(self.looked_at, said, _KEY):
            return problem
        stream = document(said) if isinstance(said, Answered) else None
        if member(stream, "ArchivedAt"):
            return [red(self.looked_at, "It is archived: nothing can be sent by it.", "Restore it, or name another.")]
        return [self._kind(member(stream, "MessageStreamType")), self._unsubscribing(stream)]

    def _kind(self, kind: str) -> Finding:
        if kind == "Broadcasts":
            return green(self.looked_at, "It is a broadcast stream.")
        found = f"Its type is {word(kind) or 'not told'}; Postmark wants newsletters on a broadcast stream."
        return red(self.looked_at, found, "Set message_stream in [provider.options] to the id of a broadcast stream.")

    def _unsubscribing(self, stream: object) -> Finding:
        handling = member(stream, "SubscriptionManagementConfiguration", "UnsubscribeHandlingType")
        if handling == "Custom":
            return green(f"{self.looked_at}, unsubscribing", "List-Unsubscribe is ours.")
        if not handling:
            found = "The answer does not say whose List-Unsubscribe is sent."
            todo = "Send yourself a test and read that header."
            return yellow(f"{self.looked_at}, unsubscribing", found, todo)
        found = (
            f"It is set to '{word(handling)}': Postmark may write its own List-Unsubscribe, and readers leave there."
        )
        todo = "Ask Postmark's support to let this stream manage its own unsubscribes, then choose that there."
        return red(f"{self.looked_at}, unsubscribing", found, todo)


def _asking(account: Account, path: str) -> Request:
    headers = {"Accept": "application/json", "X-Postmark-Server-Token": account.secret}
    return Request("GET", f"{(account.address or ADDRESS).rstrip('/')}{path}", headers)
