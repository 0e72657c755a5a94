"""The model checker spin, where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest


def build(folder: Path, model: Path, define: str, *options: str) -> None:
    """Compile the checker of this model in this folder. `define`: names, " -D" between them. Skips without spin."""
    if not (shutil.which("spin") and shutil.which("gcc")):
        pytest.skip("spin or gcc is not installed (apt-get install spin gcc)")
    compiler = ["gcc", "-O0", "-w", "-DCOLLAPSE", *options, "-o", "pan", "pan.c"]
    for command in (["spin", "-a", *f"-D{define}".split(), str(model)], compiler):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603


def holds(folder: Path, *options: str) -> bool:
    """Whether the compiled checker finds nothing broken; every state was visited, or it is an error."""
    command = ["./pan", "-n", *options]
    told = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout  # noqa: S603
    assert "errors:" in told, told
    assert "max search depth too small" not in told
    return "errors: 0" in told
