"""Two documents as providers want them: one body with values beside it, and one full message per recipient."""

from typing import Any

from newsletter.mail.json_message import JsonMessage, Slots
from newsletter.mail.message import MessageBuilder


def personalized(builder: MessageBuilder) -> JsonMessage:
    """The HTML once, with the provider's placeholder in each slot; per recipient the values."""
    fields = dict.fromkeys((*builder.rendered.fields, "address"))

    def whole(slots: Slots) -> Any:
        return {
            "subject": builder.subject,
            "html": slots.html_with(lambda name: f"%html_{name}%"),
            "text": slots.text_with(lambda name: f"%{name}%"),
            "to": [slots.each],
        }

    def entry(slots: Slots) -> Any:
        plain = {f"%{name}%": slots.value(name) for name in fields}
        in_html = {f"%html_{name}%": slots.html_value(name) for name in fields}
        leave = f"<{slots.value('unsubscribe')}>, <mailto:leave@example.org?subject=unsubscribe%20{slots.key}>"
        return {"email": slots.to, "key": slots.key, "values": plain | in_html, "headers": {"List-Unsubscribe": leave}}

    return JsonMessage(builder, whole=whole, entry=entry)


def full(builder: MessageBuilder) -> JsonMessage:
    """Everything for each recipient; the document is the array."""

    def entry(slots: Slots) -> Any:
        return {
            "To": slots.to,
            "Subject": builder.subject,
            "HtmlBody": slots.html,
            "TextBody": slots.text,
            "Metadata": {"key": slots.key},
        }

    return JsonMessage(builder, whole=lambda slots: [slots.each], entry=entry)
