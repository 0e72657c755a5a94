"""What is installed from a wheel is all that it needs: no checkout stands behind it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Where the wheel keeps what the checkout keeps elsewhere.
MOVED = {"templates": "newsletter/templates", "config.toml": "newsletter/config.default.toml"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, unpacked as an installer does it."""
    made, unpacked = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own
    zipfile.ZipFile(next(made.glob("*.whl"))).extractall(unpacked)
    return unpacked


def files(folder: Path) -> set[str]:
    """Every file below, by its path from there."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix() for path in found}


def test_the_wheel_holds_every_file_of_ours_and_no_other(wheel: Path) -> None:
    """Migrations, templates, the sample, the feed's schema, the default settings; nothing of this machine."""
    ours = {f"{room}/{name}" for room in ("newsletter", "subscribers", "jobs") for name in files(ROOT / room)}
    ours |= {f"{MOVED['templates']}/{name}" for name in files(ROOT / "templates")} | {MOVED["config.toml"]}

    assert {name for name in files(wheel) if ".dist-info/" not in name} == ours


def test_the_whole_weekly_job_runs_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """In a folder of its own, with nothing of the checkout on the path."""
    before = {name: value for name, value in os.environ.items() if not name.startswith(("NEWSLETTER_", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "newsletter", "demo"],
        cwd=tmp_path,
        env=before | {"PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "outbox" / "new").iterdir())) > 20
