"""/metrics: who may ask."""

import httpx
import pytest

from newsletter.errors import ConfigError, DatabaseError
from newsletter.web.app import serving
from newsletter.web.measuring import metrics_app

KEY = "a-key-of-the-metrics"


def asked(key: str = "", **headers: str) -> int:
    """The status that somebody gets."""
    made = metrics_app(lambda: b"newsletter_info 1\n", "text/plain", "127.0.0.1", key)
    with serving(made, "127.0.0.1", 0) as address:
        given = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = httpx.get(f"{address}/metrics", headers=given)
    assert (answer.text == "newsletter_info 1\n") is (answer.status_code == 200)
    return answer.status_code


def test_prometheus_on_this_machine_is_answered() -> None:
    """Without a key, by a name of this machine."""
    assert asked() == 200


@pytest.mark.parametrize("host", ["news.example.org", "127.0.0.1.example.org", "", "[::1", "é"])
def test_a_page_in_a_browser_here_is_not(host: str) -> None:
    """A name of theirs may lead to 127.0.0.1."""
    assert asked(host=host) in (400, 403)


@pytest.mark.parametrize(
    ("given", "status"),
    [(f"Bearer {KEY}", 200), ("", 401), ("Bearer", 401), (f"Bearer {KEY}x", 401), (KEY, 401), ("Bearer é", 401)],
)
def test_where_a_key_is_set_it_is_asked_for(given: str, status: int) -> None:
    """Compared as bytes: a header may hold anything."""
    assert asked(KEY, authorization=given, host="metrics.example.org") == status


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.3", "::"])  # noqa: S104 - that is what is refused
def test_others_are_never_answered_without_a_key(host: str) -> None:
    """It does not start."""
    with pytest.raises(ConfigError, match="NEWSLETTER_METRICS_KEY"):
        metrics_app(bytes, "text/plain", host, "")


def test_a_database_that_does_not_answer_is_said_without_where_it_is() -> None:
    """503: Prometheus knows it as down."""

    def gone() -> bytes:
        raise DatabaseError("The database postgresql://user@host does not answer.")

    with serving(metrics_app(gone, "text/plain", "127.0.0.1", ""), "127.0.0.1", 0) as address:
        answer = httpx.get(f"{address}/metrics")

    assert (answer.status_code, answer.text) == (503, "the database does not answer\n")
