"""How a CSV file is read and written: encoding, delimiter, columns, limits, formulas (security reference, S-43, S-44).

Reading is streaming: nothing is held but the row at hand. A file that cannot be trusted as a whole (another encoding,
too large, a quote that never closes) is refused with one sentence; a single bad row is the importer's matter.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

from subscribers.errors import BadFile

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
LONGEST_HEADER = 40  #: characters of a column's name that is shown in a message
LONGEST_LINE = 64_000  #: characters of one row, line breaks in quotes included


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is read of a file; None is no limit."""

    size: int | None = None  #: bytes
    rows: int | None = None


UPLOAD = Limits(20_000_000, 500_000)  #: for a file that comes through a web page
NO_LIMITS = Limits()  #: for a file that its operator names on the command line

#: Columns that are known, and the headers (letters and digits only, case-folded) by which each is guessed.
HEADERS: dict[str, frozenset[str]] = {
    "email": frozenset({"email", "emailaddress", "mail", "mailaddress", "address", "subscriberemail", "emails"}),
    "name": frozenset({"name", "fullname", "displayname", "subscribername"}),
    "first_name": frozenset({"firstname", "first", "givenname", "fname", "forename"}),
    "last_name": frozenset({"lastname", "last", "surname", "familyname", "lname"}),
    "status": frozenset({"status"}),
    "signed_up_at": frozenset({"signedupat", "signupdate", "createdat", "optintime", "subscribedat"}),
    "confirmed_at": frozenset({"confirmedat", "confirmtime", "optinconfirmedat"}),
    "status_since": frozenset({"statussince"}),
    "paused_until": frozenset({"pauseduntil"}),
    "source": frozenset({"source"}),
    "zone": frozenset({"zone", "timezone", "tz"}),
    "topics": frozenset({"topics"}),
    "frequency": frozenset({"frequency"}),
    "reason": frozenset({"reason"}),
    "at": frozenset({"at", "since", "date"}),
    "note": frozenset({"note", "notes"}),
}

_SIGNATURES = {b"PK\x03\x04": "a workbook or an archive", b"\x1f\x8b": "compressed", b"\xd0\xcf\x11\xe0": "a workbook"}
#: What no column is called: a long run of letters and digits, as keys and hashes are.
_TOKEN = re.compile(r"[0-9a-fA-F]{12}|(?=[\w+/=-]*\d)[\w+/=-]{16}")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
#: OWASP "CSV injection", with the full-width forms that some programs fold to ASCII.
FORMULA = r"'*[=+\-@\t\r\n\0＝＋－＠]"
_FORMULA = re.compile(FORMULA)
_GUARDED = re.compile(r"''*[=+\-@\t\r\n\0＝＋－＠]")


def guard(cell: str) -> str:
    """The cell as a spreadsheet will not calculate it: a ' before what could begin a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguard(cell: str) -> str:
    """The cell as it was before `guard`."""
    return cell[1:] if _GUARDED.match(cell) else cell


class Sheet:
    """A CSV file being read: the header first, then its rows, one at a time."""

    def __init__(self, file: BinaryIO, limits: Limits = NO_LIMITS, columns: Mapping[str, str] | None = None) -> None:
        """Read the header. `columns` names headers for our columns ("" leaves one out); the rest is guessed.

        Raises BadFile.
        """
        counted = io.BufferedReader(_Counted(file, limits.size))
        _refuse_other_formats(counted.peek(8)[:8])
        self._text = io.TextIOWrapper(counted, encoding="utf-8-sig", newline="")
        self._limits, self._span, self._line = limits, 0, 0
        self._reader, self.header, self.delimiter = self._begin()
        self.places = _places(self.header, columns or {})

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of every row that is not blank. Raises BadFile."""
        for number, (line, cells) in enumerate(self._cells(), start=1):
            if self._limits.rows is not None and number > self._limits.rows:
                raise BadFile(f"The file has more than {self._limits.rows:,} rows. Split it, or use the command line.")
            yield line, cells

    def _begin(self) -> tuple[Iterator[list[str]], list[str], str]:
        lines = self._lines()
        first = next((line for line in lines if line.strip()), "")
        if first.lower().startswith(("sep=,", "sep=;", "sep=\t")):  # Excel's own way to name the delimiter
            delimiter, first = first[4:5], next(lines, "")
        else:
            bare = re.sub(r'"[^"]*"', "", first)
            delimiter = max(DELIMITERS, key=bare.count)
        header = next(csv.reader([first], delimiter=delimiter), [])
        return csv.reader(lines, delimiter=delimiter), [cell.strip() for cell in header], DELIMITERS[delimiter]

    def _lines(self) -> Iterator[str]:
        while True:
            try:
                line = self._text.readline(LONGEST_LINE + 1)
            except UnicodeDecodeError:
                where = f", somewhere below line {self._line}" if self._line else ""
                raise BadFile(f"The file is not UTF-8{where}. Save it as 'CSV UTF-8' and import it again.") from None
            if not line:
                return
            self._span += len(line)
            if self._span > LONGEST_LINE:
                raise BadFile(
                    f"The row that ends in line {self._line + 1} is longer than {LONGEST_LINE:,} characters. "
                    "Probably a quotation mark above it is never closed."
                )
            self._line += 1
            yield line

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        while True:
            line, self._span = self._line + 1, 0
            if (cells := next(self._reader, None)) is None:
                return
            if any(cells):
                yield line, cells


def writer(out: TextIO) -> Any:
    """What writes our CSV files: commas, quotes where needed, one line feed a row."""
    return csv.writer(out, lineterminator="\n")


def lines(rows: Sequence[Sequence[str]]) -> str:
    """The same rows as `writer` writes them. Where nothing needs quotes they are only joined, which is much faster."""
    joined = "\n".join(map(",".join, rows)) + "\n"
    commas, wide = sum(map(len, rows)) - len(rows), min(map(len, rows), default=0) > 1
    plain = joined.count(",") == commas and joined.count("\n") == len(rows) and '"' not in joined and "\r" not in joined
    if wide and plain:
        return joined
    out = io.StringIO()
    writer(out).writerows(rows)
    return out.getvalue()


class _Counted(io.RawIOBase):
    """A file that is refused once more than `limit` bytes of it were read."""

    def __init__(self, file: BinaryIO, limit: int | None) -> None:
        self._file, self._limit, self._seen = file, limit, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        try:
            data = self._file.read(len(buffer))
        except OSError as error:
            raise BadFile(f"The file cannot be read to its end ({error.strerror or error}). Try again.") from None
        buffer[: len(data)] = data
        self._seen += len(data)
        if self._limit is not None and self._seen > self._limit:
            raise BadFile(f"The file is larger than {self._limit // 1_000_000} MB. Split it, or use the command line.")
        return len(data)


def _refuse_other_formats(start: bytes) -> None:
    for signature, kind in _SIGNATURES.items():
        if start.startswith(signature):
            raise BadFile(f"The file is {kind} and not CSV. Save it as 'CSV UTF-8' and import that.")
    if start.startswith(_UTF16):
        raise BadFile("The file is UTF-16. Save it as 'CSV UTF-8' and import it again.")


def _places(header: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Our column names, each with its place in the file."""
    if unknown := set(columns) - set(HEADERS):
        raise BadFile(f"There is no column '{min(unknown)}' to map to. There are: {', '.join(HEADERS)}.")
    places = {ours: _named(header, theirs) for ours, theirs in columns.items() if theirs}
    for ours, known in HEADERS.items():
        if ours in columns:
            continue
        found = [at for at, cell in enumerate(header) if _bare(cell) in known and at not in places.values()]
        if len(found) > 1:
            raise BadFile(f"Columns {' and '.join(str(at + 1) for at in found)} could both be '{ours}': name the one.")
        if found:
            places[ours] = found[0]
    if "email" not in places:
        raise BadFile(_no_email(header))
    return places


def _named(header: list[str], theirs: str) -> int:
    for at, cell in enumerate(header):
        if cell.casefold() == theirs.strip().casefold():
            return at
    raise BadFile(f"The file has no column '{theirs}'. {_there_are(header)}")


def _no_email(header: list[str]) -> str:
    if not header:
        return "The file is empty. The first line names the columns: email,name."
    return f"No column looks like the e-mail address. {_there_are(header)}"


def _there_are(header: list[str]) -> str:
    if any("@" in cell for cell in header):
        return "The first line holds data: put a line with the column names above it, such as email,name."
    if len(header) == 1:
        return "The first line is one cell, which is not repeated here: put the column names there, such as email,name."
    names = (cell if _like_a_name(cell) else f"(column {at})" for at, cell in enumerate(header[:20], start=1))
    return f"There are: {', '.join(names)}. Name the one that is meant."


def _like_a_name(cell: str) -> bool:
    """Whether a cell of the first line may be shown: a key or a token of another file must not be."""
    return len(cell) <= LONGEST_HEADER and cell.isprintable() and not _TOKEN.search(cell)


def _bare(header: str) -> str:
    return "".join(c for c in header.casefold() if c.isalnum())
