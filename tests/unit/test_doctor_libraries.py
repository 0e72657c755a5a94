"""What the doctor says of the libraries that are installed."""

from importlib.metadata import PackageNotFoundError

import pytest

from newsletter.desk.checkup.libraries import FLOORS, findings
from newsletter.providers.checkup import Finding, Light


def found(**installed: str) -> list[Finding]:
    """With these versions, and nothing else."""

    def version(name: str) -> str:
        if name not in installed:
            raise PackageNotFoundError(name)
        return installed[name]

    return findings(version)


def test_what_is_installed_here_is_green() -> None:
    """What the lock file says."""
    assert [one.light for one in findings()] == [Light.GREEN]


@pytest.mark.parametrize(
    "installed", ["1.3.1", "1.3.1.0", "1.3.2.dev1", "1.3.10", "1.10", "2", "1.3.1.post1", "1.4.0rc1"]
)
def test_a_floor_and_all_above_it_are_green(installed: str) -> None:
    """Numbers are compared, not letters."""
    assert [one.light for one in found(starlette=installed)] == [Light.GREEN]


@pytest.mark.parametrize("installed", ["1.3.0", "1.3", "0.45.3", "1.3.1rc1", "1.3.1.dev5", "1.3.1b2", "", "unknown"])
def test_what_is_older_is_red(installed: str) -> None:
    """Also a release before the release, and what is no version."""
    (line,) = found(starlette=installed)

    assert line.light is Light.RED
    assert "CVE-2026-54283" in line.found
    assert "starlette 1.3.1" in line.todo


def test_every_one_that_is_too_old_has_its_line() -> None:
    """And what is not installed has none."""
    assert len(found(starlette="0.1", jinja2="3.1.5", h11="0.16.0")) == 2
    assert [one.light for one in found()] == [Light.GREEN]


def test_every_floor_is_kept_by_its_own_version() -> None:
    """The table holds versions."""
    assert [one.light for one in found(**{name: floor for name, (floor, _) in FLOORS.items()})] == [Light.GREEN]
    assert len(found(**dict.fromkeys(FLOORS, "0.0.1"))) == len(FLOORS)
