"""Whether a library with a known gap is installed: a floor for each that meets strangers' bytes (S-65).

No audit: it knows what its table says. What is locked in requirements/ is above every floor; an installation made some
other way need not be.
"""

import re
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version

from newsletter.providers.checkup import Finding, green, red

LOOKED_AT = "Libraries"
#: Name → the first version without the gap, and what the gap is. Only what is installed counts.
FLOORS: Mapping[str, tuple[str, str]] = {
    "starlette": ("1.3.1", "limits of forms are ignored (CVE-2026-54283)"),
    "python-multipart": ("0.0.30", "a form can keep the processor busy (CVE-2026-53539)"),
    "jinja2": ("3.1.6", "a template can leave its sandbox (CVE-2025-27516)"),
    "h11": ("0.16.0", "two requests can be made of one (CVE-2025-43859)"),
    "idna": ("3.7", "a long domain can keep the processor busy (CVE-2024-3651)"),
}
_VERSION = re.compile(r"(\d{1,9}(?:\.\d{1,9}){0,5})((?:\.?dev|a|b|rc)\d*)?", re.ASCII)


def findings(installed: Callable[[str], str] = version) -> list[Finding]:
    """A line for each that is too old, or one for all. `installed` gives a version, or raises PackageNotFoundError."""
    old = [line for name, (floor, gap) in FLOORS.items() if (line := _finding(name, floor, gap, installed))]
    return old or [green(LOOKED_AT, "None of those with a known gap is older than its mended version.")]


def _finding(name: str, floor: str, gap: str, installed: Callable[[str], str]) -> Finding | None:
    try:
        found = installed(name)
    except PackageNotFoundError:
        return None
    if _release(found) >= _release(floor):
        return None
    todo = f"Install {name} {floor} or newer, best by the locked requirements/run.txt, and start again."
    return red(LOOKED_AT, f"{name} is {found or 'of an unknown version'}: {gap}.", todo)


def _release(text: str) -> tuple[tuple[int, ...], bool]:
    """In the order of versions: what comes before a release is less than it, and what is no version less than all."""
    read = _VERSION.match(text)
    if not read:
        return (), False
    numbers = tuple(map(int, read[1].split(".")))
    return numbers[: max((at for at, number in enumerate(numbers, 1) if number), default=0)], not read[2]
