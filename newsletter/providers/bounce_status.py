"""What a mail server's status says of a reader: RFC 3463 ("5.1.1"), in a report or in prose. Pure.

Careful by intention. One hard bounce suppresses, so only a code that means "there is no such mailbox" is hard; what is
about us or about the message is no word on the reader; all other failures are soft, and three of five suppress as well.
"""

import re
from collections.abc import Mapping

from newsletter.providers.hooks import Kind

#: Class, subject and detail; not a part of an IP address or of a number.
_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
#: Permanent ones, by subject and detail. RFC 3463; 5.1.10 is RFC 7505's, 5.7.x are policy (RFC 3463, section 3.8).
_EXACT: Mapping[tuple[int, int], Kind] = {
    (1, 1): Kind.HARD_BOUNCED,  # bad mailbox
    (1, 2): Kind.HARD_BOUNCED,  # bad domain
    (1, 3): Kind.HARD_BOUNCED,  # bad syntax of the address
    (1, 6): Kind.HARD_BOUNCED,  # moved away
    (1, 10): Kind.HARD_BOUNCED,  # the domain takes no mail
    (2, 1): Kind.HARD_BOUNCED,  # mailbox disabled
    (1, 7): Kind.BLOCKED,  # it is the sender's address that is bad
    (1, 8): Kind.BLOCKED,
    (2, 3): Kind.BLOCKED,  # message too long
    (3, 4): Kind.BLOCKED,
}
#: By subject alone: content and policy. 4.7.x is a policy too, that lasted until the server gave up.
_SUBJECTS: Mapping[int, Kind] = {6: Kind.BLOCKED, 7: Kind.BLOCKED}
_ACTIONS: Mapping[str, Kind] = {
    "delayed": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "relayed": Kind.ACCEPTED,
    "expanded": Kind.ACCEPTED,
}


def kind_of(action: str, status: str, diagnostic: str = "") -> tuple[Kind, str]:
    """What a report's Action, Status and Diagnostic-Code say, and the code that it goes by ("5.1.1", or "").

    Where the status says no more than "failed" (5.0.0), the other server's own words may.
    """
    found = _code(status)
    if found is None or found[1:] == (0, 0):
        found = _code(diagnostic) or found
    code = ".".join(str(number) for number in found) if found else ""
    if action == "failed":
        return _failure(found), code
    return _ACTIONS.get(action, Kind.UNKNOWN), code


def kind_of_prose(text: str) -> tuple[Kind, str]:
    """The same of a bounce without a report. Prose is no proof: it is soft where a report would have been hard.

    And a temporary failure may be a warning that it takes longer.
    """
    found = _code(text)
    if found is None or found[0] == 2:  # noqa: PLR2004 - 2: delivered
        return Kind.UNKNOWN, ""
    kind, code = kind_of("delayed" if found[0] == 4 else "failed", "", text)  # noqa: PLR2004 - 4: not now
    return (Kind.SOFT_BOUNCED if kind is Kind.HARD_BOUNCED else kind), code


def _code(text: str) -> tuple[int, int, int] | None:
    """The first that is a failure; "2.0.0" in the words of a failure is some other server's."""
    found = [(int(one[1]), int(one[2]), int(one[3])) for one in _CODE.finditer(text)]
    return next((one for one in found if one[0] != 2), found[0] if found else None)  # noqa: PLR2004 - 2: delivered


def _failure(code: tuple[int, int, int] | None) -> Kind:
    if code is None:
        return Kind.SOFT_BOUNCED
    permanent, subject, detail = code
    exact = _EXACT.get((subject, detail)) if permanent == 5 else None  # noqa: PLR2004 - 5 permanent, 4 given up
    return exact or _SUBJECTS.get(subject, Kind.SOFT_BOUNCED)
