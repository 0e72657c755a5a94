"""A provider's own OpenAPI file as a strict judge of the bytes that would leave (providers reference, D.1).

The files are lenient: every object that names its properties is closed here, so that a misspelt field is an error.
"""

import copy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

SPECS = Path(__file__).parents[1].parent / "shared" / "specs"


@cache
def specification(name: str) -> Mapping[str, Any]:
    """The parsed file, as "sendgrid/tsg_mail_v3.yaml". Skips the test where the specifications are absent."""
    path = SPECS / name
    if not path.exists():
        pytest.skip(f"the provider's specification is not here: {path.relative_to(SPECS.parents[1])}")
    found: Mapping[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return found


def tightened(node: Any, *, inside_all_of: bool = False) -> Any:
    """The same schema with every object closed; parts of an `allOf` stay open, and the whole of it is closed."""
    if isinstance(node, list):
        return [tightened(one, inside_all_of=inside_all_of) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: tightened(value, inside_all_of=key == "allOf") for key, value in node.items()}
    if "allOf" in made:
        made.setdefault("unevaluatedProperties", False)
    elif "properties" in made and not inside_all_of:
        made["additionalProperties"] = False
    return made


def body_schema(name: str, path: str, method: str = "post", media: str = "application/json") -> dict[str, Any]:
    """The schema of a request's body, tightened, with the components that it refers to. To be mended by the caller."""
    whole = specification(name)
    schema = whole["paths"][path][method]["requestBody"]
    while "$ref" in schema:
        schema = _at(whole, schema["$ref"])
    found = tightened(copy.deepcopy(schema["content"][media]["schema"]))
    return {**found, "components": tightened(copy.deepcopy(dict(whole.get("components", {}))))}


def complaints(schema: Mapping[str, Any], document: Any) -> list[str]:
    """What is wrong with this document, one line each."""
    checker = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(document)]


def _at(whole: Mapping[str, Any], reference: str) -> Any:
    found: Any = whole
    for step in reference.removeprefix("#/").split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found
