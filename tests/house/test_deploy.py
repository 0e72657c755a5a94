"""What stands in deploy/ names things that exist, holds no secret, and does what it says."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
import yaml
from typer.core import TyperGroup

from newsletter.cli.app import app

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "newsletter.service").read_text()
GUIDE = (ROOT / "docs" / "running.md").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
RECIPE = (DEPLOY / "Containerfile").read_text()
#: How our programs name the variables that they read.
VARIABLE = re.compile(r"NEWSLETTER_[A-Z_]+")


def known_variables() -> set[str]:
    """Every variable that the code reads: written out, or made of a provider's name."""
    code = "\n".join(path.read_text() for path in (ROOT / "newsletter").rglob("*.py"))
    made = {f"NEWSLETTER_POSTMARK_{what}" for what in ("KEY", "HOOK_SECRETS")}
    found = set(VARIABLE.findall(code)) | made
    return found | {f"{name}_FILE" for name in found}


@pytest.mark.parametrize("name", ["newsletter.service", "Containerfile", "compose.yaml", "newsletter"])
def test_no_file_names_a_variable_that_nothing_reads(name: str) -> None:
    """A misspelt one would be silence. The proxy's own two stand in its own file."""
    proxys = set(VARIABLE.findall((DEPLOY / "Caddyfile").read_text()))

    assert set(VARIABLE.findall((DEPLOY / name).read_text())) <= known_variables() | proxys


def test_the_service_and_the_command_run_the_same_program_with_the_same_settings() -> None:
    """Else an operator looks at one newsletter while another one sends."""
    command = (DEPLOY / "newsletter").read_text()

    for same in ("/opt/newsletter/venv/bin/newsletter", "/var/lib/newsletter/config.toml"):
        assert same in UNIT
        assert same in command
    assert (DEPLOY / "newsletter").stat().st_mode & 0o111 == 0o111


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_finds_no_fault_with_the_service_and_little_exposed(tmp_path: Path) -> None:
    """Its own two checks; a program that exists stands in for ours. 2.0 of 10 is the most that we allow."""
    unit = tmp_path / "newsletter.service"
    unit.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT, flags=re.MULTILINE))
    checks = (["verify", "--man=no"], ["security", "--no-pager", "--offline=true", "--threshold=20"])

    for check in checks:
        done = subprocess.run(  # noqa: S603 - systemd's own
            ["systemd-analyze", *check, str(unit)],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_what_the_service_runs_stops_when_it_is_asked_to(tmp_path: Path) -> None:
    """ExecStart, its signal and its end: 0, well before TimeoutStopSec, so that no restart follows."""
    words = re.findall(r"^ExecStart=\S+/newsletter (.*)$", UNIT, flags=re.MULTILINE)[0].split()
    environment = {**os.environ, "NEWSLETTER_CONFIG": str(tmp_path / "config.toml")}
    newsletter = [sys.executable, "-m", "newsletter"]
    subprocess.run([*newsletter, "init", "--yes"], check=True, cwd=ROOT, env=environment, capture_output=True)  # noqa: S603
    config = tmp_path / "config.toml"
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    config.write_text(config.read_text().replace("port = 8000", f"port = {port}"))
    with subprocess.Popen(  # noqa: S603
        [*newsletter, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout
        first, second = served.stdout.readline(), served.stdout.readline()
        served.send_signal(signal.SIGTERM)
        _, said = served.communicate(timeout=60)

    assert first.startswith("The weekly job runs every Thursday")
    assert second.startswith(f"Listening on http://127.0.0.1:{port}")
    assert (served.returncode, said) == (0, "Stopping after the calls under way … (again: at once)\n")


def test_the_container_is_made_of_what_is_here_and_runs_as_nobody() -> None:
    """A COPY of what is not there fails late; a container of root's is one break-out from the host."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", RECIPE, flags=re.MULTILINE)
    last = RECIPE.rpartition("FROM ")[2]

    assert copied
    assert all((ROOT / source).exists() for line in copied for source in line.split())
    assert re.search(r"^USER 10001:10001$", last, flags=re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert 'ENTRYPOINT ["newsletter"]\nCMD ["serve"]' in last


def test_the_build_of_the_container_sees_no_secret_and_no_data() -> None:
    """Whatever an operator has lying in the folder stays out of the image."""
    kept_out = set((ROOT / ".dockerignore").read_text().split())

    assert kept_out >= {".git", "data", "outbox", "deploy/secrets", "deploy/state", "deploy/.env"}


def test_the_container_installs_what_the_package_asks_for_by_hash() -> None:
    """A file of versions that lacks one of ours would fetch whatever is newest."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=\[ ]", line)[0].lower() for line in wanted}
    pinned = (ROOT / "requirements" / "run.txt").read_text()

    assert "--require-hashes" in RECIPE
    assert {name for name in names if not re.search(rf"^{name}==", pinned, flags=re.MULTILINE)} == set()


def typed(page: str) -> list[list[str]]:
    """Every command of ours in the code of a page, as words."""
    code = "".join(re.findall(r"^```\w*\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL))
    return [shlex.split(line, comments=True)[1:] for line in code.splitlines() if line.startswith("newsletter ")]


def known(words: list[str]) -> bool:
    """Whether there is such a command, with these options."""
    command = typer.main.get_command(app)
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return False
        command, words = command.commands[words[0]], words[1:]
    options = {name for one in command.params for name in one.opts}
    return all(word in options for word in words if word.startswith("--"))


def test_every_command_of_the_guide_exists() -> None:
    """A newcomer types what stands there."""
    words = typed(GUIDE)

    assert len(words) > 25
    assert [one for one in words if not known(one)] == []
    assert not known(["issue", "send", "latest", "--now"])


def test_every_file_and_page_that_the_guide_names_is_there() -> None:
    """Links, chapters of pages, and what is installed from deploy/."""
    links = re.findall(r"\]\(([^)#]+?)(?:#([^)]+))?\)", GUIDE)
    missing = [page for page, _ in links if "://" not in page and not (ROOT / "docs" / page).exists()]
    installed = set(re.findall(r"deploy/\w[\w.]*", GUIDE))

    assert missing == []
    assert {path for path in installed if not (ROOT / path).exists()} == set()
    assert installed >= {"deploy/newsletter", "deploy/newsletter.service", "deploy/Caddyfile"}
    for page, chapter in links:
        if chapter and "://" not in page:
            titles = re.findall(r"^#+ (.+)$", (ROOT / "docs" / page).read_text(), flags=re.MULTILINE)
            assert chapter in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles], page


def test_every_service_of_the_compose_file_is_fenced_in() -> None:
    """No new rights, the database on no network that leads out, and only the proxy is reached from outside."""
    services = COMPOSE["services"]

    assert all("no-new-privileges:true" in one["security_opt"] for one in services.values())
    assert [name for name, one in services.items() if "ports" in one] == ["proxy"]
    assert services["database"]["networks"].keys() == {"back"}
    assert COMPOSE["networks"]["back"]["internal"] is True


def test_the_compose_file_holds_no_secret_itself() -> None:
    """Passwords and keys come from files that git does not take."""
    environment = [pair for one in COMPOSE["services"].values() for pair in one.get("environment", {}).items()]
    secret = [(name, value) for name, value in environment if re.search("KEY|PASSWORD|SECRET", name)]

    assert secret
    assert all(name.endswith("_FILE") and value.startswith("/run/secrets/") for name, value in secret)
    assert all(one["file"].startswith("./secrets/") for one in COMPOSE["secrets"].values())
    assert "deploy/secrets/" in (ROOT / ".gitignore").read_text().split()


def test_the_driver_of_postgresql_is_the_one_that_the_tests_run_with() -> None:
    """Two files of versions that `make lock` writes, one after the other."""
    pins = [
        set(re.findall(r"^psycopg\S*==\S+", (ROOT / "requirements" / name).read_text(), flags=re.MULTILINE))
        for name in ("postgres.txt", "dev.txt")
    ]

    assert pins[0] == pins[1]
    assert len(pins[0]) == 2
