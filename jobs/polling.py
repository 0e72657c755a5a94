"""Asking providers for events when it is time: beside the tick, for an issue on its way must not wait for it."""

import time
from collections.abc import Callable

from newsletter.delivery.polling import PARTLY, Told
from newsletter.desk.desk import Desk
from newsletter.desk.polling import Polled, next_poll, poll, polled
from newsletter.issues.wording import numbered


def poll_due(
    desk: Desk, enough: Callable[[], bool] = lambda: False, pause: Callable[[float], object] = time.sleep
) -> list[str]:
    """Ask every provider whose time has come; what is worth a line: news, and trouble that was not said yet."""
    return [line for one in polled(desk.config) for line in _poll_if_due(desk, one, enough, pause)]


def _poll_if_due(desk: Desk, one: Polled, enough: Callable[[], bool], pause: Callable[[float], object]) -> list[str]:
    due = next_poll(desk, one)
    if due is None or due > desk.clock():
        return []
    return story(one.name, poll(desk, one, enough=enough, pause=pause))


def story(name: str, told: Told) -> list[str]:
    """What a poll that nobody watches has to say."""
    lines = [f"{name}: {numbered(told.kept.new, 'new event', 'new events')}."] if told.kept.new else []
    if told.partly:
        lines.append(f"{name}: {PARTLY}")
    if told.trouble and told.news:
        lines.append(f"{name}: {told.trouble} Nothing is lost; it goes on next time.")
    return lines
