"""All rules, and what holds now by them. A rule is pure: facts in, what there is to tell out."""

from collections.abc import Callable, Iterator

from jobs.notices import house, sending, week
from jobs.notices.facts import Facts
from newsletter.desk.notices import Holds

RULES: tuple[Callable[[Facts], Iterator[Holds]], ...] = (
    week.draft,
    week.no_time,
    week.not_sent,
    week.source,
    sending.held,
    sending.stop_file,
    sending.stuck,
    sending.counts,
    sending.missing,
    sending.doubled,
    sending.doubt,
    sending.complaints,
    sending.unsubscribes,
    sending.bounces,
    house.polls,
    house.unread,
    house.disk,
    house.copies,
    house.night,
    house.key_file,
    house.certificate,
    house.expires,
    house.untold,
)


def holding(facts: Facts) -> list[Holds]:
    """Everything that there is to tell now."""
    return [one for rule in RULES for one in rule(facts)]
