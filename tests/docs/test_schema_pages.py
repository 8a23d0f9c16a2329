"""Pages of the reference that are made from schemas."""

import runpy

import pytest
import yaml

from helpers.pages import ROOT

SCRIPT = runpy.run_path(str(ROOT / "docs/scripts/schemas.py"), run_name="schemas")
SCHEMA = """
description: A file of `a | b`.
properties:
  models:
    description: By name
    type: object
    default: {}
    additionalProperties: {$ref: "#/$defs/model"}
  way: {description: Lies in results/<name>., enum: [one, two], default: one}
  parts:
    description: In turn.
    type: array
    items: {properties: {size: {description: How many., type: integer}}}
$defs:
  model:
    description: One.
    type: object
    properties: {path: {description: Folder., type: [string, "null"]}}
"""


def test_every_key_of_a_schema_is_explained():
    page = SCRIPT["page"]("Title", yaml.safe_load(SCHEMA))
    assert page.startswith("# Title\n\nA file of `a \\| b`.\n")
    sections = {part.split("`")[1]: part for part in page.split("\n## ")[1:]}
    assert list(sections) == ["models", "way", "parts"]
    assert "| `models.<name>.path` | string or null |  | Folder. |" in sections["models"]
    assert '*`"one"` or `"two"`*, by default `"one"`' in sections["way"]
    assert "results/&lt;name>." in sections["way"]
    assert "| `parts[].size` | integer |  | How many. |" in sections["parts"]


@pytest.mark.parametrize("name", SCRIPT["PAGES"])
def test_every_described_key_of_the_projects_schemas_is_on_its_page(name):
    [path] = ROOT.glob(f"src/prunescope/*/{name}.schema.yaml")
    schema = yaml.safe_load(path.read_text())
    page = SCRIPT["page"](name, schema)
    assert all(page.count(SCRIPT["escaped"](text)) for text in descriptions(schema))


def descriptions(schema):
    """Descriptions of all keys, at any depth."""
    if isinstance(schema, list):
        return [text for part in schema for text in descriptions(part)]
    if not isinstance(schema, dict):
        return []
    own = [schema["description"]] if isinstance(schema.get("description"), str) else []
    return own + [text for part in schema.values() for text in descriptions(part)]
