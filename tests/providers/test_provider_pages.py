"""The pages say what the adapters do."""

import pytest
from provider_table import AGAINST, PAGE, page

from newsletter.providers.catalogue import APIS


def test_the_table_of_providers_is_as_the_adapters_say() -> None:
    """After a change: python tests/provider_table.py."""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("name", [*APIS, "smtp"])
def test_every_provider_has_a_page_that_says_what_matters(name: str) -> None:
    """Where its key belongs, its limits, and what is not guaranteed."""
    text = (PAGE.parent / f"{name}.md").read_text(encoding="utf-8").casefold()

    assert f"newsletter_{name}_key" in text
    assert "lost answer" in text or "lost connection" in text
    assert "limit" in text
    assert name in AGAINST
