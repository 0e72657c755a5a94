"""Look-ups that a test has written down itself, without any server."""

from newsletter.desk.checkup.resolving import Look, Looked

FAILED = Looked(unknown="the name server failed")


def table(*lines: tuple[str, str, str], failing: tuple[str, ...] = ()) -> Look:
    """Records as (name, type, value); the names in `failing` cannot be looked up, others do not exist."""

    def look(name: str, kind: str) -> Looked:
        if name in failing:
            return FAILED
        values = tuple(value for each, of, value in lines if (each, of) == (name, kind))
        return Looked(values, no_name=not any(each == name for each, _, _ in lines))

    return look


def texts(**records: str) -> list[tuple[str, str, str]]:
    """TXT records by name, with two underscores for each dot."""
    return [(name.replace("__", "."), "TXT", value) for name, value in records.items()]
