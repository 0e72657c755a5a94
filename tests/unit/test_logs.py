"""The log of `serve`: sentences or JSON lines, and nobody's address in either."""

import io
import json
import logging
from typing import Any

import pytest

from newsletter.cli.logs import log, logging_as, news, saying, start
from newsletter.errors import DatabaseError

TOKEN = "pu-1-mfrggzdfmztwq2lknnwg23tpobyxe43u-ovzxi2lcmfrggzdfmztwq2lk"


def logged(kind: str, what: Any) -> list[str]:
    """The lines that this leaves."""
    stream = io.StringIO()
    with logging_as(kind, stream):
        what()
    return stream.getvalue().splitlines()


def test_for_programs_a_line_is_an_object() -> None:
    """Time in UTC, how bad it is, who said it, and what."""
    (line,) = logged("json", lambda: news("telling", "urgent: Nothing has been sent for week 2026-W46."))
    found = json.loads(line)

    assert found.pop("time").endswith("Z")
    assert found == {
        "level": "error",
        "logger": "newsletter.serve",
        "job": "telling",
        "message": "urgent: Nothing has been sent for week 2026-W46.",
    }


def test_for_people_a_line_has_its_minute_and_the_start_has_none() -> None:
    """As it was before there were objects."""
    first, second = logged("text", lambda: (start("Stop with Ctrl-C."), news("weekly", "draft: Issue 1.")))

    assert first == "Stop with Ctrl-C."
    assert second[4:5] + second[16:] == "- draft: Issue 1."


@pytest.mark.parametrize("kind", ["text", "json"])
def test_no_address_no_token_and_no_line_break_is_in_the_log(kind: str) -> None:
    """Whoever logs it: a library's warning goes the same way."""
    (line,) = logged(
        kind, lambda: logging.getLogger("a.library").warning("to <ada@example.org>\nby /u/%s %s", TOKEN, "b\x1b[2Jc")
    )

    assert "ada" not in line
    assert TOKEN[:20] not in line
    assert "to (an address) by /u/(a token) b [2Jc" in line


@pytest.mark.parametrize("kind", ["text", "json"])
def test_of_an_error_that_nobody_foresaw_there_is_its_place_and_no_value(kind: str) -> None:
    """A traceback has values in it; and the service goes on."""

    def broken() -> list[str]:
        raise KeyError("ada@example.org")

    (line,) = logged(kind, saying("weekly", broken))

    assert "weekly failed in a way that nobody foresaw: KeyError in logs.py:" in line
    assert "ada" not in line


def test_a_librarys_traceback_is_its_place_as_well() -> None:
    """The scheduler logs with one."""

    def scheduler() -> None:
        try:
            int("ben@example.org")
        except ValueError:
            logging.getLogger("apscheduler").exception("Job raised an exception")

    (line,) = logged("json", scheduler)

    assert json.loads(line)["message"].startswith("Job raised an exception (ValueError in test_logs.py:")


def test_what_libraries_say_of_their_work_is_not_logged() -> None:
    """Httpx would log every address that it calls, with its key."""
    assert logged("json", lambda: logging.getLogger("httpx").info("GET https://api.example/key")) == []


def test_what_fails_is_said_once_until_it_is_something_else() -> None:
    """Not every half minute."""
    why = iter(["gone", "gone", "busy"])

    def broken() -> list[str]:
        raise DatabaseError(f"The database is {next(why)}.")

    call = saying("weekly", broken)
    lines = logged("json", lambda: [call() for _ in range(3)])

    assert [json.loads(line)["message"] for line in lines] == ["The database is gone.", "The database is busy."]


def test_after_the_log_nothing_of_it_is_left() -> None:
    """The next one begins anew."""
    logged("json", lambda: start("x"))

    assert log.level == logging.NOTSET
    assert not [one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler]
