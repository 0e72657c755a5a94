"""The outer walls: sizes of rooms, names, and tests that say what they mean."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVERY = (path for name in ("newsletter", "subscribers", "jobs") for path in (ROOT / name).rglob("*.py"))
ROOMS = sorted(path for path in EVERY if path.parent.name != "versions")  # revisions are history, not rooms
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
NOT_NAMES = {"utils", "util", "helpers", "services", "manager", "common", "misc", "core"}


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    """Every function of a file."""
    yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))


def lines(function: ast.FunctionDef) -> int:
    """The length of a function without its docstring."""
    first = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - (first[0].lineno if first else function.lineno) + 1


def test_no_module_is_longer_than_400_lines() -> None:
    """A room that needs more is two rooms."""
    long = {str(path.relative_to(ROOT)) for path in ROOMS if len(path.read_text().splitlines()) > 400}

    assert not long


def test_no_function_is_longer_than_50_lines() -> None:
    """What does not fit on a screen is two things."""
    long = {f"{path.relative_to(ROOT)}:{f.name}" for path in ROOMS for f in functions(path) if lines(f) > 50}

    assert not long


def test_nine_functions_in_ten_are_shorter_than_30_lines() -> None:
    """The norm that the best houses agree on."""
    sizes = sorted(lines(function) for path in ROOMS for function in functions(path))

    assert sizes[len(sizes) * 9 // 10] < 30


def test_modules_are_named_for_what_they_hold() -> None:
    """No drawer for everything."""
    assert not [path for path in ROOMS if path.stem in NOT_NAMES]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_every_test_says_in_a_sentence_what_it_shows(path: Path) -> None:
    """A test without a docstring is a test that nobody can check against the specification."""
    silent = [f.name for f in functions(path) if f.name.startswith("test_") and not ast.get_docstring(f)]

    assert not silent


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_no_test_patches_our_own_code_or_sleeps(path: Path) -> None:
    """Dependencies are arguments, so there is nothing to patch."""
    words = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}

    assert not words & {"patch", "sleep", "setattr"}
