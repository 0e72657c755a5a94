"""What was approved besides the whole issue: its parts by their digests, and who gets which.

Kept with the frozen issue. The digest of an approval is the manifest's, so that it covers the whole, every part and the
table, also where the table has no part in it: it then still says who gets nothing. Two kinds of older approvals stay
valid, those of issues without parts: the digest was that of the whole, with the table beside it or, before there were
parts, with none.
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
        """What an approval binds to, in hexadecimal: this table with all that stands in it."""
        return hashlib.sha256(self.text.encode()).hexdigest() if self.table else self.whole

    def is_approved_by(self, digest: str, whole: str) -> bool:
        """Whether an approval with this digest is one of this manifest, and of a whole with that digest."""
        older = not self.parts and digest == whole
        return self.whole in {whole, ""} and (digest == self.digest or older)

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
    """What `Manifest.text` wrote. Raises ValueError for anything else, and where the table names a part it has not."""
    if not text:
        return Manifest()
    try:
        kept = json.loads(text)
        found = Manifest(kept["whole"], kept["parts"], tuple(kept["topics"]), kept["table"])
        lacking = set(found.table.values()) - {None, WHOLE} - set(found.parts)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a manifest") from error
    if lacking:
        raise ValueError(f"the manifest has no digest of {len(lacking)} of the parts that it names")
    return found
