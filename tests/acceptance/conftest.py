"""A folder of its own for every story, and the commands to tell it with."""

import io
import sys
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest
from commands import Done

from newsletter.cli import main
from newsletter.sample import PAGES, SUBSCRIBERS

Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty folder of its own; it must succeed unless `code` says otherwise."""

    def run(*words: str, code: int = 0, typed: str | bytes = "") -> Done:
        content = typed.encode() if isinstance(typed, str) else typed
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        with chdir(tmp_path), pytest.raises(SystemExit) as ended:
            main(words)
        printed = Done(*capsys.readouterr())
        assert (ended.value.code or 0) == code, f"{words}: {ended.value.code}\n{printed}"
        return printed

    return run


@pytest.fixture
def house(run: Run) -> Run:
    """A newsletter with the sample pages on its shelf and the sample list."""
    run("init", "--yes")
    run("comparisons", "import", str(PAGES))
    run("subscribers", "import", str(SUBSCRIBERS), "--consent", "sign-up form at example.org/weekly")
    return run
