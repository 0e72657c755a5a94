"""What was typed or named and is no text, or not the file that was meant: a sentence, never a traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Done

Run = Callable[..., Done]
ODD = "caf\udce9"  # what Python makes of a Latin-1 byte on the command line
WORDS = {
    "add --consent": ("subscribers", "add", "zoe@example.org", "--consent", ODD),
    "add --name": ("subscribers", "add", "zoe@example.org", "--consent", "asked", "--name", ODD),
    "import --consent": ("subscribers", "import", "list.csv", "--consent", ODD),
    "list --search": ("subscribers", "list", "--search", ODD),
    "suppress --by": ("suppressions", "add", "zoe@example.org", "--by", ODD),
    "suppress --note": ("suppressions", "add", "zoe@example.org", "--note", ODD),
    "a decision --by": ("unknown", "accepted", "1", "--note", "x", "--by", ODD),
    "lift --by": ("suppressions", "remove", "zoe@example.org", "--note", "x", "--by", ODD),
    "lift --note": ("suppressions", "remove", "zoe@example.org", "--note", ODD),
}


@pytest.fixture
def shop(run: Run, tmp_path: Path) -> Run:
    """A newsletter whose list is empty, and a file to import."""
    run("init", "--yes")
    (tmp_path / "list.csv").write_text("email\nada@example.org\n")
    return run


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_words_that_are_not_utf_8_are_refused(shop: Run, words: tuple[str, ...]) -> None:
    """Wrong usage, and the option is named."""
    refused = shop(*words, code=2).stderr

    assert "not UTF-8" in refused
    assert "Nobody" in shop("subscribers", "list").stdout


def test_an_address_that_is_not_utf_8_is_no_address(shop: Run) -> None:
    """Like any other that cannot be mailed."""
    refused = shop("subscribers", "show", f"{ODD}@example.org", code=1).stderr

    assert len(refused.splitlines()) == 1


def test_a_file_may_be_called_what_its_system_allows(shop: Run, tmp_path: Path) -> None:
    """Its name is kept as evidence as far as it can be written."""
    odd = tmp_path / f"{ODD}.csv"
    (tmp_path / "list.csv").rename(odd)
    shop("subscribers", "import", odd.name, "--consent", "asked")

    assert "caf?.csv" in shop("subscribers", "show", "ada@example.org").stdout
    assert "caf?.csv" in shop("subscribers", "export", odd.name).stdout
    assert "caf?.csv" in shop("suppressions", "export", odd.name).stdout


def test_a_report_does_not_write_over_the_list(shop: Run, tmp_path: Path) -> None:
    """The file that is imported stays as it is."""
    before = (tmp_path / "list.csv").read_bytes()

    refused = shop("subscribers", "import", "list.csv", "--consent", "asked", "--report", "list.csv", code=1).stderr

    assert "write over the file" in refused
    assert (tmp_path / "list.csv").read_bytes() == before


def test_the_secret_keys_file_is_not_printed(shop: Run, tmp_path: Path) -> None:
    """Named by mistake, it is refused like any file that is no list."""
    refused = shop("subscribers", "import", "data/secret.key", "--consent", "asked", code=1).stderr

    assert (tmp_path / "data" / "secret.key").read_text()[:6] not in refused


def test_a_file_that_fails_in_the_middle_is_told_in_a_sentence(shop: Run) -> None:
    """Linux gives an error for the unmapped start of a process's memory."""
    if not Path("/proc/self/mem").exists():
        pytest.skip("there is no /proc/self/mem here")

    assert (
        "cannot be read to its end"
        in shop("subscribers", "import", "/proc/self/mem", "--consent", "asked", code=1).stderr
    )
