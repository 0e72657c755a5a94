"""A reader's time zone on their settings page: where it matters, and nowhere else."""

from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import httpx
import pytest
from desk_samples import Place
from lxml import html
from readers_web import dump, open_web, token, who

from newsletter.web.time_zone import places
from subscribers.signals import last_signal
from subscribers.tokens import Purpose


@pytest.fixture
def everywhere(here: Place) -> Iterator[httpx.Client]:
    """The server of a newsletter that leaves at eight by everybody's own clock."""
    local = {"local_time": True, "send_day": "wednesday", "send_time": "08:00"}
    schedule = here.desk.config.schedule.model_copy(update=local)
    here.desk = replace(here.desk, config=here.desk.config.model_copy(update={"schedule": schedule}))
    with open_web(here) as client:
        yield client


def link(here: Place, name: str = "ada") -> str:
    """The link in their mail."""
    return f"/preferences/{token(here, Purpose.PREFERENCES, name)}"


def chosen(page: httpx.Response) -> list[str]:
    """What stands in the form."""
    return [str(one) for one in html.fromstring(page.text).xpath("//select[@id='zone']//option[@selected]/@value")]


def test_a_zone_is_chosen_and_taken_back(everywhere: httpx.Client, here: Place) -> None:
    """The page says so, and shows it from then on."""
    assert chosen(everywhere.get(link(here))) == [""]
    page = everywhere.post(f"{link(here)}/zone", data={"zone": "America/Argentina/Buenos_Aires"})
    assert ("Your time zone is saved." in page.text, chosen(page)) == (True, ["America/Argentina/Buenos_Aires"])
    assert who(here, "ada").zone == "America/Argentina/Buenos_Aires"
    with here.desk.reading() as session:
        assert last_signal(session, who(here, "ada").id or 0) == here.clock()  # who sets their clock is still there

    everywhere.post(f"{link(here)}/zone", data={"zone": ""})
    assert who(here, "ada").zone == ""


def test_where_all_get_it_at_one_moment_no_zone_is_shown(web: httpx.Client, here: Place) -> None:
    """A setting that changes nothing would be a promise."""
    assert "<select" not in web.get(link(here)).text


def test_a_form_that_cannot_be_read_takes_no_zone_away(everywhere: httpx.Client, here: Place) -> None:
    """None is chosen by an empty field, and not by no field."""
    path = f"{link(here)}/zone"
    everywhere.post(path, data={"zone": "Asia/Tokyo"})
    answers = [everywhere.post(path), everywhere.post(path, data={"zone": "", **{f"f{n}": "1" for n in range(99)}})]

    assert ({one.status_code for one in answers}, who(here, "ada").zone) == ({422}, "Asia/Tokyo")


@pytest.mark.parametrize("zone", ["x", "Europe", "../etc/passwd", "Europe/Berlin\0", "EUROPE/BERLIN", "Factory", "<b>"])
def test_what_is_no_place_of_the_list_is_not_kept(everywhere: httpx.Client, here: Place, zone: str) -> None:
    """No file of this machine is looked for."""
    path, before = f"{link(here)}/zone", dump(here)

    assert everywhere.post(path, data={"zone": zone}).status_code == 422
    assert dump(here) == before


def test_a_zone_of_an_import_that_is_not_in_the_list_stays_until_another_is_chosen(
    everywhere: httpx.Client, here: Place
) -> None:
    """An old name of a zone is a zone too."""
    with here.desk.transaction() as session:
        session.merge(who(here, "ada")).zone = "US/Eastern"

    assert chosen(everywhere.get(link(here))) == ["US/Eastern"]


def test_every_place_of_the_list_is_a_zone() -> None:
    """And there are those where most people live."""
    assert {ZoneInfo(name).key for name in places()} == places()
    assert {"Europe/Berlin", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"} <= places()
