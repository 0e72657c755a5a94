"""The rows of an export: taken apart where they have to be, and the same as if all were."""

from hypothesis import given
from hypothesis import strategies as st

from subscribers.export import BEFORE, BETWEEN, COLUMNS, written
from subscribers.sheet import guard, lines

CELLS = st.text(st.sampled_from("'=+-@\t\0＝,\"\n\r aé"), max_size=2)
WORDS = [COLUMNS.index(name) for name in ("email", "name", "source", "zone")]


@given(
    st.lists(st.tuples(*[CELLS if at in WORDS else st.just("") for at in range(len(COLUMNS))]), min_size=1, max_size=3)
)
def test_rows_that_are_written_at_once_are_the_rows_cell_by_cell(people: list[tuple[str, ...]]) -> None:
    """Guarded where people wrote the cell themselves; with quotes where CSV needs them; raw as they are."""
    joined = BEFORE.join(BETWEEN.join(cells) for cells in people)
    apart = [[guard(cell) if at in WORDS else cell for at, cell in enumerate(cells)] for cells in people]

    assert written(joined, raw=True) == lines(people)
    assert written(joined, raw=False) == lines(apart)
