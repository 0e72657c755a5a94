"""What Prometheus is told, and that the dashboard and the alerts ask for nothing else."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from people import NOW
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine
from telling_samples import EDITOR, OPERATOR, Told, told

from jobs.metrics import Metrics
from jobs.notices.facts import Certificate
from jobs.rounds import Rounds
from newsletter.desk import sending, writing

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
NAME = re.compile(r"\b(?:newsletter|process)_[a-z_]+\b")


def measured(here: Told) -> dict[str, dict[tuple[str, ...], float]]:
    """Every number by name and labels, read as Prometheus does."""
    rounds = Rounds.of(here.place.clock, ("weekly", "telling"))
    rounds.watched("telling", here.lookout)()
    text = Metrics(here.place.desk, here.lookout, rounds).text().decode()
    return {
        family.name: {tuple(one.labels.values()): one.value for one in family.samples}
        for family in text_string_to_metric_families(text)
    }


def sent(engine: Engine) -> Told:
    """Issue 1 went to Ada."""
    here = told(engine, expires={"The Postmark key": (NOW + timedelta(days=90)).date()})
    here.lookout.ask = lambda _: Certificate(NOW + timedelta(days=60))
    writing.approve(here.place.desk, "1", by="ada")
    sending.send(here.place.desk, "1", by="ada")
    return here


def test_an_issue_is_told_with_everybodys_fate(engine: Engine) -> None:
    """The sum is the list; times are Unix times."""
    found = measured(sent(engine))
    fates = {outcome: count for (_, outcome), count in found["newsletter_deliveries"].items()}

    assert fates == {"accepted": 1, "refused": 0, "unknown": 0, "under_way": 0, "to_claim": 0, "skipped": 4}
    assert found["newsletter_issue_list_size"] == {("1",): 5}
    assert found["newsletter_issue_status"] == {("1", "sent"): 1}
    assert found["newsletter_issue_finished_timestamp_seconds"] == {("1",): NOW.timestamp()}


def test_the_list_the_house_and_the_jobs_are_told(engine: Engine) -> None:
    """As the last look saw them."""
    found = measured(sent(engine))

    assert found["newsletter_subscribers"][("active",)] == 2
    assert found["newsletter_expiry_timestamp_seconds"][("certificate",)] == (NOW + timedelta(days=60)).timestamp()
    assert found["newsletter_round_last_success_timestamp_seconds"] == {("telling",): NOW.timestamp()}
    assert found["newsletter_round_failed"] == {("telling",): 0, ("weekly",): 0}
    assert found["newsletter_disk_free_bytes"][()] > 0


def test_how_webhooks_were_answered_is_counted(engine: Engine) -> None:
    """By provider and status: a wrong secret is a row of refusals."""
    here, rounds = told(engine), Rounds.of(lambda: NOW, ())
    text = Metrics(here.place.desk, here.lookout, rounds, lambda: {("resend", "401"): 3}).text().decode()

    assert 'newsletter_webhook_requests_total{provider="resend",status="401"} 3.0' in text


def test_what_is_to_be_told_is_counted_as_long_as_it_holds(engine: Engine) -> None:
    """By kind and severity, without a word of it."""
    here = told(engine)
    before = measured(here)["newsletter_notices"]
    writing.approve(here.place.desk, "1", by="ada")
    here.place.clock.forward(minutes=5)

    assert before == {("draft-ready", "info"): 1}
    assert measured(here)["newsletter_notices"] == {}


def test_no_address_and_no_secret_is_in_the_metrics(engine: Engine) -> None:
    """Not even of those who are told."""
    here = sent(engine)
    text = Metrics(here.place.desk, here.lookout, Rounds.of(here.place.clock, ())).text().decode()

    assert "@" not in text
    assert not [who for who in (EDITOR, OPERATOR, "ada", "example") if who in text.casefold()]


def asked_for() -> Iterator[str]:
    """Every name in the dashboard and in the alert rules."""
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    yield from (one["expr"] for one in dashboard["annotations"]["list"])
    yield from (rule["expr"] for group in rules["groups"] for rule in group["rules"])


def test_every_number_that_is_asked_for_is_told(engine: Engine) -> None:
    """A misspelt name is an alert that never fires."""
    names = {name.removesuffix("_total") for expr in asked_for() for name in NAME.findall(expr)}

    assert len(names) > 15
    assert names - set(measured(sent(engine))) == set()


def test_a_worker_tells_of_itself_alone(engine: Engine) -> None:
    """Issues that two processes told of would be counted twice, and a rate over both be an error."""
    here = sent(engine)
    text = Metrics(here.place.desk, None, Rounds.of(here.place.clock, ("worker",))).text().decode()

    assert {line.partition("{")[0] for line in text.splitlines() if line.startswith("newsletter")} == {
        "newsletter_info",
        "newsletter_round_failed",
    }


def test_every_rule_says_how_bad_it_is_and_what_to_do() -> None:
    """At night nobody looks it up."""
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]

    assert all({"summary", "todo"} == set(rule["annotations"]) for rule in rules)
    assert {rule["labels"]["severity"] for rule in rules} == {"warning", "urgent"}


def test_the_rules_fire_on_what_they_are_for_and_on_nothing_else() -> None:
    """By Prometheus' own tool, where it is installed."""
    if not (promtool := shutil.which("promtool")):
        pytest.skip("promtool is not here (Debian: prometheus)")
    done = subprocess.run(  # noqa: S603 - the tool that was found
        [promtool, "test", "rules", "alerts.test.yml"], cwd=MONITORING, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
