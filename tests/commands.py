"""Running our commands in this process, as a shell would."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """What a command printed."""

    stdout: str
    stderr: str
