"""The fast core of the crash campaign: the real dispatcher dies in every way, and the provider's log is asked.

`make crashes KILLS=1000` does the same at length.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import cast

import pytest
from crashes.checker import Verdict, judge
from crashes.tracing import traced
from crashes.trial import Trial

ADAPTERS = "ses,postmark,sendgrid,mailgun,resend,brevo,smtp"
CAMPAIGN = Path(__file__).parents[2] / "benchmarks" / "crashes" / "campaign.py"
HERE = "any instant, statement"
TRACED = "system call, lost answers, disk full, power cut"


def campaign(
    tmp_path: Path, provider: str, *, only: str, kills: int, mutant: str = "", minutes: float = 2
) -> tuple[int, Verdict, dict[str, int]]:
    """Run some kinds of it: how it ended, what became of everybody, how many faults each provider had (and "all")."""
    report = tmp_path / "rows.json"
    options = ["--kills", str(kills), "--only", only, "--minutes", str(minutes), "--json", str(report)]
    options += ["--provider", provider, "--mutant", mutant, "--seed", "7"]
    command = [sys.executable, str(CAMPAIGN), *options]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)  # noqa: S603
    assert report.exists(), ended.stdout + ended.stderr
    *rows, total = json.loads(report.read_text())
    faults = Counter[str]()
    for row in rows:
        faults[row["capability"]] += row["kills"]
    return ended.returncode, Verdict(**total["verdict"]), {**faults, "all": total["kills"]}


def requires_strace() -> None:
    """Skip with a sentence where strace is absent."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed (apt-get install strace)")


class Asleep:
    """A sender that does nothing for a minute."""

    def start(self, _prepare: object, *, wait_for: int) -> int:  # noqa: ARG002 - as a trial is started
        """Its process id."""
        return os.posix_spawn("/bin/sleep", ["sleep", "60"], {})


def test_a_sender_that_hangs_under_strace_is_ended_with_a_sentence() -> None:
    """A campaign of hours must not stand still where nobody looks."""
    requires_strace()

    with pytest.raises(TimeoutError, match=r"did not end in 0\.5 seconds; both were stopped"):
        traced(cast("Trial", Asleep()), ["-e", "trace=fsync"], patience=0.5)


def test_whoever_kills_it_nobody_is_mailed_twice_or_lost(tmp_path: Path) -> None:
    """SIGKILL at random instants of a send to hundreds, and at SQL statements."""
    ended, verdict, kills = campaign(tmp_path, "neither", only=HERE, kills=12)

    assert (ended, verdict.doubled, verdict.lost, verdict.lied) == (0, 0, 0, 0)
    assert kills["all"] >= 4


def test_whatever_call_fails_nobody_is_mailed_twice_or_lost(tmp_path: Path) -> None:
    """SIGKILL at system calls, answers that are cut off, a full disk, power cuts that lose what was not synced."""
    requires_strace()
    ended, verdict, kills = campaign(tmp_path, "key,outbox", only=TRACED, kills=16)

    assert (ended, verdict.doubled, verdict.lost, verdict.lied) == (0, 0, 0, 0)
    assert kills["all"] >= 8


def test_whichever_adapter_sends_nobody_is_mailed_twice_or_lost(tmp_path: Path) -> None:
    """A handful of deaths through each: at statements, in pieces, between the answers for single people."""
    ended, verdict, kills = campaign(tmp_path, ADAPTERS, only="statement, pieces, partial", kills=20)

    assert (ended, verdict.doubled, verdict.lost, verdict.lied) == (0, 0, 0, 0)
    assert all(kills[name] >= 2 for name in ADAPTERS.split(","))


def test_the_campaign_sees_a_lease(tmp_path: Path) -> None:
    """With stale claims given back, as a queue would do it, people are mailed twice, and it says so.

    One kill in eight falls between a post and its receipt: so many kills as there are statements, or nearly.
    """
    ended, verdict, _ = campaign(tmp_path, "neither", only="statement", kills=90, mutant="lease")

    assert ended == 1
    assert verdict.doubled


def test_the_campaign_sees_a_database_that_syncs_too_little(tmp_path: Path) -> None:
    """With `synchronous=normal` a power cut takes back claims, and people are mailed twice."""
    requires_strace()
    ended, verdict, _ = campaign(tmp_path, "neither", only="power cut", kills=12, mutant="normal")

    assert ended == 1
    assert verdict.doubled


def test_the_judge_counts_people() -> None:
    """One case of each."""
    ledger = {"a": "accepted", "b": "accepted", "c": "refused", "d": "unknown", "e": "sending", "f": "accepted"}
    mailed = {"a": 1, "b": 2, "c": 1, "d": 1, "x": 1}

    found = judge(ledger, mailed, ended=True, adds_up=True)

    assert found == Verdict(doubled=1, lost=1, lied=3, held=1)  # lies: c was mailed, f was not, x is not in the ledger
    assert judge({}, {}, ended=False, adds_up=False) == Verdict(lost=1, lied=1)
