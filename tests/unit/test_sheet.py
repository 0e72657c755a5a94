"""How a CSV file is read and written (security reference, S-43 and S-44)."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.errors import BadFile
from subscribers.sheet import Limits, Sheet, guard, lines, unguard, writer

CELLS = st.text(st.sampled_from("'=+-@\t\r\n\0＝＋－＠aé "), max_size=6)


def read(text: str | bytes, **options: object) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and rows of this text."""
    data = text.encode() if isinstance(text, str) else text
    sheet = Sheet(io.BytesIO(data), **options)  # type: ignore[arg-type]
    return sheet.header, list(sheet.rows())


@given(CELLS)
def test_a_guarded_cell_is_no_formula_and_can_be_had_back(cell: str) -> None:
    """Both ways: nothing dangerous stands first, and nothing is lost."""
    assert guard(cell)[:1] not in tuple("=+-@\t\r\n\0＝＋－＠")
    assert unguard(guard(cell)) == cell


@given(st.lists(st.lists(st.text(st.sampled_from("a,;\"\n\r\t\0' é"), max_size=4), min_size=1, max_size=3), max_size=4))
def test_rows_that_are_only_joined_are_what_the_csv_module_writes(rows: list[list[str]]) -> None:
    """Quotes where it puts them, none where it puts none."""
    writer(out := io.StringIO()).writerows(rows)

    assert lines(rows) == (out.getvalue() if rows else "")


@pytest.mark.parametrize("cell", ["Hugo van 't Hoff", "'t Hoff", "ada@example.org", "", "1+1"])
def test_a_harmless_cell_is_left_alone(cell: str) -> None:
    """Only what begins like a formula is changed."""
    assert guard(cell) == cell == unguard(cell)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiter_byte_order_mark_and_line_ends_are_recognised(delimiter: str, start: str, end: str) -> None:
    """As programs of all countries write them."""
    lines = [delimiter.join(("email", "name")), delimiter.join(("ada@example.org", '"Njeri, Ada; the first"')), ""]

    header, rows = read(start + end.join(lines))

    assert header == ["email", "name"]
    assert [cells for _, cells in rows] == [["ada@example.org", "Njeri, Ada; the first"]]


def test_excel_may_name_the_delimiter_in_the_first_line() -> None:
    """`sep=;` is not a header."""
    assert read("sep=;\nemail;a,b,c\nada@example.org;x\n") == (["email", "a,b,c"], [(3, ["ada@example.org", "x"])])


def test_line_numbers_are_those_an_editor_shows() -> None:
    """Blank lines and line breaks inside quotation marks count as lines, not as rows."""
    _, rows = read('email,name\n\nada@example.org,"Ada\nNjeri"\n,,\nben@example.org,Ben\n')

    assert [line for line, _ in rows] == [3, 6]


@pytest.mark.parametrize(
    ("header", "places"),
    [
        ("E-Mail,Full Name", {"email": 0, "name": 1}),
        ("id,Email Address,First Name,Last Name", {"email": 1, "first_name": 2, "last_name": 3}),
        ("NAME,EMAIL", {"email": 1, "name": 0}),
        ("address,reason", {"email": 0, "reason": 1}),
        ("e_mail,Confirmed At,status", {"email": 0, "confirmed_at": 1, "status": 2}),
    ],
)
def test_usual_headers_are_guessed(header: str, places: dict[str, int]) -> None:
    """As other newsletter systems call them."""
    assert Sheet(io.BytesIO(header.encode())).places == places


def test_columns_can_be_named_and_left_out() -> None:
    """A mapping wins over the guess; an empty name leaves a column out."""
    columns = {"email": "kontakt", "status": "", "name": "Wer"}
    sheet = Sheet(io.BytesIO(b"Kontakt,wer,status,email"), columns=columns)

    assert sheet.places == {"email": 0, "name": 1}


REFUSED = {
    "an empty file": ("", "empty"),
    "no address column": ("name,city\n", "No column looks like the e-mail address. There are: name, city."),
    "no header": ("ada@example.org,Ada\n", "The first line holds data"),
    "two address columns": ("email,mail\n", "Columns 1 and 2 could both be 'email'"),
    "latin-1": ("email,name\nada@example.org,Zo\xeb\n".encode("latin-1"), "not UTF-8.*CSV UTF-8"),
    "utf-16": ("email\n".encode("utf-16"), "UTF-16"),
    "a workbook": (b"PK\x03\x04rest", "a workbook or an archive"),
    "an old workbook": (b"\xd0\xcf\x11\xe0rest", "workbook"),
    "compressed": (b"\x1f\x8brest", "compressed"),
    "an endless quote": ('email,name\n"' + "ada@example.org\n" * 6000, "never closed"),
    "an endless line": ("email\n" + "a" * 70_000, "longer than 64,000"),
}


@pytest.mark.parametrize(("text", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_trusted_is_refused_whole(text: str | bytes, sentence: str) -> None:
    """One sentence says what to do; no address is repeated in it."""
    with pytest.raises(BadFile, match=sentence) as refusal:
        read(text)

    assert "ada@" not in str(refusal.value)


def test_a_byte_that_is_not_utf_8_is_told_with_where_to_look() -> None:
    """In the first lines there is no line to name; further down the last good one is."""
    with pytest.raises(BadFile, match=r"^The file is not UTF-8\. Save"):
        read(b"email\n\xff\n")
    with pytest.raises(BadFile, match=r"^The file is not UTF-8, somewhere below line 1\d{3}\. Save"):
        read(b"email\n" + b"ada@example.org\n" * 2000 + b"\xff\n")


class Unplugged(io.BytesIO):
    """A file whose disk goes away after the first piece."""

    def read(self, size: int | None = -1) -> bytes:
        """A piece, then an error."""
        if self.tell():
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_a_disk_that_fails_half_way_is_told_in_a_sentence() -> None:
    """As a file that cannot be used: the import is rolled back."""
    sheet = Sheet(Unplugged(b"email\n" + b"ada@example.org\n" * 10_000))

    with pytest.raises(BadFile, match=r"cannot be read to its end \(Input/output error\)"):
        list(sheet.rows())


KEY = "d5b37f8209a14c6eb1f0c3d2a7988e64d5b37f8209a14c6eb1f0c3d2a7988e64"
NO_HEADERS = {
    "a key of its own": KEY,
    "a short key": KEY[:20],
    "a key among columns": f"name,{KEY},city",
    "half a key": f"name,{KEY[:20]},city",
    "a token": "name,ghp_16C7e42F292c6912E7,city",
    "a setting": f"key={KEY[:14]};name",
    "a long sentence": f"name,{'my diary ' * 5}d5b3",
}


@pytest.mark.parametrize("columns", [{}, {"email": "nowhere"}], ids=["guessed", "named"])
@pytest.mark.parametrize("text", NO_HEADERS.values(), ids=NO_HEADERS)
def test_a_file_that_is_no_list_is_not_repeated(text: str, columns: dict[str, str]) -> None:
    """The secret key's file, named by mistake, must not be printed, not even a part of it."""
    with pytest.raises(BadFile) as refusal:
        Sheet(io.BytesIO(text.encode()), columns=columns)

    assert "d5b3" not in str(refusal.value)
    assert "ghp_" not in str(refusal.value)


@pytest.mark.parametrize("columns", [{"email": "nowhere"}, {"colour": "email"}])
def test_a_mapping_that_names_nothing_is_refused(columns: dict[str, str]) -> None:
    """A misspelt column is said at once."""
    with pytest.raises(BadFile, match="no column"):
        read("email\n", columns=columns)


@pytest.mark.parametrize("limits", [Limits(size=1000), Limits(rows=99)])
def test_an_upload_has_limits(limits: Limits) -> None:
    """Reading stops at the limit."""
    with pytest.raises(BadFile, match="Split it"):
        read("email\n" + "ada@example.org\n" * 100, limits=limits)


def test_what_is_within_the_limits_is_read() -> None:
    """The limit itself is allowed."""
    assert len(read("email\n" + "ada@example.org\n" * 100, limits=Limits(size=1606, rows=100))[1]) == 100
