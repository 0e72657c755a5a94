"""A provider that is handed several parts of an issue in turn."""

from adapter_suite import Wire
from delivery_samples import NOW, rendered_issue

from newsletter.mail.message import MessageBuilder
from newsletter.providers import api_provider
from newsletter.providers.adapter import Account, Calls
from newsletter.providers.api_provider import ApiProvider
from newsletter.providers.postmark import Postmark


class Counting(Postmark):
    """Notes which contents it prepares."""

    def __init__(self) -> None:
        super().__init__(Account(""))
        self.made: list[str] = []

    def calls(self, builder: MessageBuilder) -> Calls:
        """As Postmark."""
        self.made.append(builder.subject)
        return super().calls(builder)


def test_each_part_of_an_issue_is_prepared_once() -> None:
    """Calls of several parts are under way at once, and take turns; what was prepared long ago is let go."""
    adapter = Counting()
    provider = ApiProvider(adapter, Wire())
    parts = [MessageBuilder(rendered_issue(f"Part {number}"), date=NOW) for number in range(api_provider.KEPT)]
    for one in (*parts[:3], *parts[:3]):
        provider.fits(one)
    assert adapter.made == ["Part 0", "Part 1", "Part 2"]

    for one in (*parts, MessageBuilder(rendered_issue("One more"), date=NOW), parts[0]):
        provider.fits(one)
    assert (adapter.made.count("Part 1"), adapter.made.count("Part 0")) == (1, 2)
