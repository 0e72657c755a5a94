"""The API against its own description, by schemathesis: what it allows is taken, what it forbids is refused."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
import schemathesis
from desk_samples import Place
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from readers_web import HOST, open_web, reading_room
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy import Engine

SITE = "https://compare.example.org"
DESCRIBED = json.loads((Path(__file__).parents[2] / "docs" / "site-api.json").read_text())
_API = schemathesis.openapi.from_dict(DESCRIBED)
ASKED = {
    f"{method.upper()} {path}": _API[path][method.upper()]
    for path, methods in DESCRIBED["paths"].items()
    for method in methods
}


@pytest.fixture
def base(engine: Engine) -> Iterator[str]:
    """The address of a server that takes everything from one site."""
    here: Place = reading_room(engine, sites=(SITE,), in_all=100_000, per_network=100_000, per_domain=100_000)
    with open_web(here) as web:
        yield str(web.base_url)


def cases(what: str, mode: GenerationMode) -> st.SearchStrategy[Case]:
    """Requests of one method and path, as the description allows or forbids them."""
    return ASKED[what].as_strategy(generation_mode=mode)


bounded = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("what", ASKED)
@pytest.mark.parametrize("more", [{}, {"Origin": SITE}], ids=["of any site", "of a site that may"])
def test_what_is_described_is_answered_as_described(base: str, more: dict[str, str], what: str) -> None:
    """Status, type, headers and schema of every answer.

    Which texts are addresses, or comparisons, is all that the description cannot say: 422 and 404 are no failures.
    """

    @bounded
    @given(case=cases(what, GenerationMode.POSITIVE))
    def ask(case: Case) -> None:
        case.call_and_validate(base_url=base, headers=HOST | more, excluded_checks=[positive_data_acceptance])

    ask()


@pytest.mark.parametrize("what", ASKED)
def test_what_is_not_described_is_refused(base: str, what: str) -> None:
    """Bodies of another shape, other types and nothing at all: never a 500, never a 202."""

    @bounded
    @given(case=cases(what, GenerationMode.NEGATIVE))
    def ask(case: Case) -> None:
        case.call_and_validate(base_url=base, headers=HOST | {"Origin": SITE})

    ask()


def test_a_description_that_were_wrong_would_be_found_out(base: str) -> None:
    """An answer that it does not know is a failure: here it knows none but 202."""
    told = deepcopy(DESCRIBED)
    answers = told["paths"]["/api/subscribe"]["post"]["responses"]
    told["paths"]["/api/subscribe"]["post"]["responses"] = {"202": answers["202"]}
    wrong = schemathesis.openapi.from_dict(told)["/api/subscribe"]["POST"]

    with pytest.raises(FailureGroup, match="Undocumented"):
        wrong.Case(body={"email": "x"}).call_and_validate(base_url=base, headers=HOST | {"Origin": SITE})
