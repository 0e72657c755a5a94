"""Feeds as data, to be changed by a test."""

from typing import Any


def tool(slug: str, **facts: Any) -> dict[str, Any]:
    """One side, with as little as is allowed."""
    plain = {
        "slug": slug,
        "name": slug.title(),
        "category": "Models",
        "tagline": "Does it",
        "panel": {"ship": 3, "skip": 1},
    }
    return plain | facts


def entry(one: str = "mo", other: str = "lantern-3", **facts: Any) -> dict[str, Any]:
    """One comparison."""
    return {"tools": [tool(one), tool(other)]} | facts


def feed(*entries: dict[str, Any]) -> dict[str, Any]:
    """The whole feed."""
    return {"format": "weekly-verdicts-feed/1", "comparisons": list(entries)}
