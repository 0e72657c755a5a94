"""What was approved besides the whole issue: its parts by their digests, and who gets which.

Kept with the frozen issue. Where there are parts the digest of the approval is the manifest's, so that it covers the
whole, every part and the table; an issue that has none keeps the digest of the whole.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from newsletter.issues.parts import WHOLE, Asked
from subscribers.choice import Choice


@dataclass(frozen=True, slots=True)
class Manifest:
    """The parts of a frozen issue. The empty one is that of an issue which everybody gets whole."""

    whole: str = ""  #: the digest of the whole
    parts: Mapping[str, str] = field(default_factory=dict)  #: name → digest
    topics: tuple[str, ...] = ()  #: the slugs that there were
    table: Mapping[str, str | None] = field(default_factory=dict)  #: what is asked → name; None: nothing of it

    @property
    def text(self) -> str:
        """For keeping."""
        return json.dumps(asdict(self), sort_keys=True) if self.table else ""

    @property
    def digest(self) -> str:
        """What an approval binds to, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest() if self.parts else self.whole

    def binding(self, whole: str) -> str:
        """The digest of an approval of this manifest with a whole of this digest; empty: they do not fit."""
        return whole if not self.parts else self.digest if whole == self.whole else ""

    def part_for(self, choice: Choice, *, changes_too: bool = False) -> str | None:
        """The name of the part that this choice gets, "" for the whole; None: there is nothing of it in this issue.

        Topics that this issue does not know are left out; where none is left, or all are wanted, it is everything.
        """
        if not self.table:
            return WHOLE
        wanted = [slug for slug in choice.topics if slug in self.topics]
        known = () if len(wanted) == len(self.topics) else wanted
        return self.table[Asked(Choice.of(known, choice.frequency), changes_too).key]


def load(text: str) -> Manifest:
    """What `Manifest.text` wrote. Raises ValueError for anything else."""
    if not text:
        return Manifest()
    try:
        parts = json.loads(text)
        return Manifest(parts["whole"], parts["parts"], tuple(parts["topics"]), parts["table"])
    except (KeyError, TypeError) as error:
        raise ValueError("not a manifest") from error
