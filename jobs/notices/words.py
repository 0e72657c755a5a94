"""Words that the rules share: spans and moments as a person wants to read them."""

from datetime import datetime, timedelta

from jobs.notices.facts import Facts


def lasting(span: timedelta) -> str:
    """Like "20 h", "45 min", "3 days": what a person wants to know of a span."""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 100:  # noqa: PLR2004 - "1 h" would be too rough for 99 minutes
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 72 * 60 else f"{minutes // (24 * 60)} days"


def at(facts: Facts, moment: datetime) -> str:
    """Like "Thu 19 Nov 14:00 UTC", in the publication's own time."""
    return f"{moment.astimezone(facts.config.publication.tz):%a %d %b %H:%M %Z}"
