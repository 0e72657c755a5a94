"""Suppressions in and out as CSV: what moves with a list when the list moves."""

from datetime import datetime
from typing import BinaryIO, TextIO

from sqlmodel import Session

from subscribers.address import fingerprint, parse
from subscribers.errors import BadAddress
from subscribers.report import ImportReport, Outcome
from subscribers.sheet import NO_LIMITS, Limits, Sheet, guard, writer
from subscribers.suppression import Reason, suppress, suppressions

#: What an export writes. An import reads address and reason; a row without a reason is `manual`.
COLUMNS = ("address", "reason", "at", "note", "by")


def import_suppressions(
    session: Session, file: BinaryIO, *, secret: bytes, now: datetime, by: str = "", limits: Limits = NO_LIMITS
) -> ImportReport:
    """Suppress every address of a CSV file; what is suppressed already keeps its reason. Raises BadFile."""
    report, sheet = ImportReport(dry_run=False), Sheet(file, limits)
    where, why = sheet.places["email"], sheet.places.get("reason", -1)
    for line, cells in sheet.rows():
        try:
            address = parse(cells[where] if where < len(cells) else "")
            reason = Reason((cells[why].strip() if 0 <= why < len(cells) else "") or Reason.MANUAL)
        except BadAddress as error:
            report.count(line, Outcome.REFUSED, str(error))
        except ValueError:
            report.count(line, Outcome.REFUSED, f"has an unknown reason; there are {', '.join(Reason)}")
        else:
            print_ = fingerprint(address.key, secret)
            new = suppress(session, print_, reason, now, address=address.display, by=by)
            report.count(line, Outcome.ADDED if new else Outcome.UNCHANGED)
    return report


def export_suppressions(session: Session, out: TextIO, *, raw: bool = False) -> int:
    """Write every suppression that still has its address; how many there were. `raw` leaves formulas alone."""
    sheet, number, last = writer(out), 0, ""
    sheet.writerow(COLUMNS)
    while found := suppressions(session, after=last):
        for one in found:
            if one.address:
                cells = (one.address, one.reason.value, one.at.isoformat(), one.note, one.by)
                sheet.writerow(cells if raw else [guard(cell) for cell in cells])
                number += 1
        last = found[-1].fingerprint
    return number
