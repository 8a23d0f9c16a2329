"""Write a page of the documentation for each schema: a section a key, a row for each key in it.

mkdocs-gen-files runs this script while the pages are built.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
PAGES = {"study": "A study's file", "task": "A task's card"}


class Row(NamedTuple):
    """A key of the file: its path, its value in words, its default, and what it means."""

    path: str
    value: str
    default: str
    meaning: str


def rows(schema: dict[str, Any], path: str, root: dict[str, Any]) -> Iterator[Row]:
    """The key at `path` and all keys below it, from the top down."""
    schema = resolved(schema, root)
    if "description" in schema:
        default = f"`{json.dumps(schema['default'])}`" if "default" in schema else ""
        yield Row(path, value(schema, root), default, escaped(schema["description"]))
    yield from keys(schema, f"{path}.", root)
    if isinstance(schema.get("items"), dict):
        yield from keys(resolved(schema["items"], root), f"{path}[].", root)
    for variant in schema.get("oneOf", []):
        yield from keys(resolved(variant, root), f"{path}.", root)


def keys(schema: dict[str, Any], prefix: str, root: dict[str, Any]) -> Iterator[Row]:
    """The keys of a mapping. `<name>` stands for a name that the author of the file chooses."""
    for key, child in schema.get("properties", {}).items():
        yield from rows(child, prefix + key, root)
    if isinstance(child := schema.get("additionalProperties"), dict):
        yield from rows(child, f"{prefix}<name>", root)


def resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """The schema with its `$ref` to a definition of the same file replaced by that definition.

    The definition's description follows that of the schema itself.
    """
    if not schema.get("$ref"):
        return schema
    definition = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    texts = [part["description"] for part in (schema, definition) if "description" in part]
    return definition | schema | {"$ref": None, "description": " ".join(texts)}


def value(schema: dict[str, Any], root: dict[str, Any]) -> str:
    """The values that are allowed, in words."""
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(choice)}`" for choice in schema["enum"])
    if "oneOf" in schema and "type" not in schema:
        return " or ".join(value(resolved(v, root), root) for v in schema["oneOf"])
    kinds = schema.get("type", "")
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


def escaped(text: str) -> str:
    """Text as one line of Markdown in which `<name>` and `|` stand for themselves."""
    parts = " ".join(text.split()).replace("|", r"\|").split("`")
    parts[::2] = [part.replace("<", "&lt;") for part in parts[::2]]  # outside of code
    return "`".join(parts)


def page(title: str, schema: dict[str, Any]) -> str:
    """A schema as Markdown."""
    lines = [f"# {title}", "", escaped(schema.get("description", ""))]
    for key, child in schema["properties"].items():
        first, *rest = rows(child, key, schema)
        lines += ["", f"## `{key}`", "", f"*{first.value}*" + default_of(first), "", first.meaning]
        if rest:
            lines += ["", "| key | value | default | meaning |", "|---|---|---|---|"]
            lines += [f"| `{r.path}` | {r.value} | {r.default} | {r.meaning} |" for r in rest]
    return "\n".join(lines) + "\n"


def default_of(row: Row) -> str:
    return f", by default {row.default}" if row.default else ""


def write_pages() -> None:
    """Add the pages to those that mkdocs builds."""
    import mkdocs_gen_files  # tests of `page` do without

    for name, title in PAGES.items():
        [path] = ROOT.glob(f"src/prunescope/*/{name}.schema.yaml")
        with mkdocs_gen_files.open(f"reference/{name}.md", "w") as target:
            target.write(page(title, yaml.safe_load(path.read_text())))


if __name__ == "<run_path>":  # the name under which mkdocs-gen-files runs a script
    write_pages()
