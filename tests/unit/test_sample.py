"""The bundled sample week: what the demo shows has to be consistent."""

import csv
from pathlib import Path

import pytest

from newsletter.comparisons.comparison import Comparison, Verdict
from newsletter.comparisons.page import read_page
from newsletter.issues.readers_said import LEAST
from newsletter.sample import BEFORE, PAGES, SUBSCRIBERS, SUPPRESSIONS, VOTES
from subscribers.address import parse

EVERY_PAGE = [*sorted(PAGES.iterdir()), *sorted(BEFORE.iterdir())]
QUOTES_WITHOUT_NAMES = "lapel-vs-pocket-oracle"  #: the one page in the flavour that loses the reviewers


def read(path: Path) -> Comparison:
    """The comparison in this file."""
    return read_page(path.read_text(encoding="utf-8"), file_name=path.name)


@pytest.mark.parametrize("path", EVERY_PAGE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_sample_page_is_whole_and_does_not_contradict_itself(path: Path) -> None:
    """Percent, counts, verdict words and table agree; file names are the slugs."""
    found = read(path)

    assert found.key == path.stem
    assert [problem.code for problem in found.problems] == ["quotes-unattributed"] * (path.stem == QUOTES_WITHOUT_NAMES)
    for tool in found.tools:
        ships = [review.verdict for review in tool.reviews].count(Verdict.SHIP)
        assert not tool.reviews or tool.panel.percent == round(100 * ships / len(tool.reviews))
        assert all(150 <= len(review.quote or "") <= 500 for review in tool.reviews)


def test_the_sample_shows_every_kind_of_verdict_and_panel() -> None:
    """A tie, skips, a whole-panel skip; panels of three, four and seven; votes and none; a missing review."""
    tools = [tool for path in PAGES.iterdir() for tool in read(path).tools]

    assert {tool.panel.verdict for tool in tools} == set(Verdict)
    assert {0, 25, 50, 67, 71, 75, 86, 100} == {tool.panel.percent for tool in tools}
    assert {len(tool.reviews) for tool in tools} == {0, 3, 4, 7}
    assert {tool.votes is None for tool in tools} == {True, False}
    assert len({tool.slug for tool in tools if tool.name == "Footnote"}) == 2
    assert max(len(tool.name) for tool in tools) >= 54


def test_one_verdict_has_changed_since_the_week_before() -> None:
    """Readers were told ship and are now told mixed; the other page of last week stands unchanged."""
    name, same = "inbox-sherpa-vs-meeting-mirror.txt", "cartographer-vs-doppel.txt"

    assert read(BEFORE / name).verdicts == (Verdict.SHIP, Verdict.SHIP)
    assert read(PAGES / name).verdicts == (Verdict.MIXED, Verdict.SHIP)
    assert read(BEFORE / same).digest == read(PAGES / same).digest


def test_the_sample_votes_are_on_last_week_s_tools_and_show_every_case() -> None:
    """Readers against the panel, readers with it, and too few of them to be shown."""
    with VOTES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = {f"{path.stem}/{tool.slug}" for path in BEFORE.iterdir() for tool in read(path).tools}
    counts = [(int(row["ship"]), int(row["skip"])) for row in rows]

    assert {f"{row['comparison']}/{row['tool']}" for row in rows} == names
    assert min(ship + skip for ship, skip in counts) < LEAST
    assert {ship > skip for ship, skip in counts if ship + skip >= LEAST} == {True, False}


def test_the_sample_people_live_at_example_domains_only() -> None:
    """Nobody real can be mailed by a demo (RFC 2606)."""
    for path, column in ((SUBSCRIBERS, "email"), (SUPPRESSIONS, "address")):
        with path.open(encoding="utf-8", newline="") as file:
            domains = {parse(row[column]).key.rpartition("@")[2] for row in csv.DictReader(file)}
        assert {".".join(domain.split(".")[-2:]) for domain in domains} <= {"example.org", "example.com", "example.net"}
