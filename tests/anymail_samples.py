"""django-anymail as an independent writer of our calls: mails made for it, and a transport that keeps what it posts."""

from typing import Any

import requests
from adapter_suite import BUILDER
from delivery_samples import rendered_issue, token
from django.conf import settings

from newsletter.mail.message import Recipient

if not settings.configured:
    settings.configure(USE_TZ=True, ANYMAIL={})
from django.core.mail import EmailMultiAlternatives


class Keeping(requests.adapters.BaseAdapter):
    """Stands where anymail's network is: it keeps what it is given, and says that it was taken."""

    def __init__(self, status: int, said: bytes) -> None:
        super().__init__()
        self.status, self.said, self.kept = status, said, list[requests.PreparedRequest]()

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        """Keep it."""
        self.kept.append(request)
        response = requests.Response()
        response.status_code, response._content, response.request = self.status, self.said, request
        return response

    def close(self) -> None:
        """Nothing is open."""


def posted(backend: Any, mail: EmailMultiAlternatives, status: int, said: bytes) -> requests.PreparedRequest:
    """The one request that this backend makes of a mail, if it is answered so."""
    kept, session = Keeping(status, said), requests.Session()
    session.mount("https://", kept)
    backend.session = session
    backend.send_messages([mail])
    (request,) = kept.kept
    return request


def whole(person: Recipient) -> EmailMultiAlternatives:
    """One recipient's message, merged by us."""
    message = BUILDER.message(person)
    mail = EmailMultiAlternatives(
        message.subject,
        message.text,
        message.header("From"),
        [message.to],
        reply_to=[message.header("Reply-To")],
        headers=dict(message.list_headers),
    )
    mail.attach_alternative(message.html, "text/html")
    return mail


def to_merge(people: list[Recipient], placeholder: str) -> EmailMultiAlternatives:
    """One mail for all of them with everybody's values beside it; `placeholder` is like "%recipient.{}%"."""
    parts = [rendered_issue().text, rendered_issue().html]
    for name in BUILDER.rendered.fields:
        parts = [part.replace(token(name), placeholder.format(name)) for part in parts]
    mail = EmailMultiAlternatives(
        "Patchwork ships", parts[0], BUILDER.sender.sender, [one.address for one in people],
        reply_to=[BUILDER.sender.reply_to],
    )  # fmt: skip
    mail.attach_alternative(parts[1], "text/html")
    mail.track_clicks = mail.track_opens = False  # type: ignore[attr-defined]
    mail.merge_metadata = {one.address: {"nl_delivery": one.key} for one in people}  # type: ignore[attr-defined]
    mail.merge_headers = {  # type: ignore[attr-defined]
        one.address: BUILDER.list_headers(one.values["unsubscribe"], one.key) for one in people
    }
    mail.merge_data = {  # type: ignore[attr-defined]
        one.address: {name: {**one.values, "address": one.address}[name] for name in BUILDER.rendered.fields}
        for one in people
    }
    return mail
