"""The report: one HTML page with claims, figures, tables and where they come from.

The page fetches nothing when it is opened. Files of figures and tables lie beside it, and it links
to them.
"""

from prunescope.jobs import NOTE

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from prunescope.claims.verdicts import VERDICTS
from prunescope.errors import InputError
from prunescope.method_names import label
from prunescope.report.cautions import cautions
from prunescope.report.cells import cells
from prunescope.report.numbers import benchmark_rows, entries, floors, group_rows
from prunescope.report.pictures import picture

LONGEST = 60  # rows; of a longer table the page shows the first
FIRST = 10  # rows of a longer table on the page
DOWNLOADS = ("png", "svg", "pdf", "csv")
HASH = re.compile(r"[0-9a-f]{32,}")

Files = Mapping[str, Path | str]  # by the name of the item


@dataclass(frozen=True)
class Items:
    """PNG files of figures and CSV files of tables."""

    figures: Files
    tables: Files

    def context(self, captions: Mapping[str, str], folder: Path) -> dict[str, Any]:
        """Values for the template; links are relative to `folder`."""
        figures = [_figure(name, Path(p), captions, folder) for name, p in self.figures.items()]
        tables = [_table(name, Path(p), captions, folder) for name, p in self.tables.items()]
        missing = [item for item in figures + tables if item["note"]]
        notes = [f"“{item['title']}” is not made: {item['note']}" for item in missing]
        return {"figures": figures, "tables": tables, "notes": notes}


@dataclass(frozen=True)
class ModelItems(Items):
    """The results of one model.

    ledger, published, benchmarks: CSV files of `claims`; stands_for: the published model beside
    it; size: a sentence on model and questions; notebook: the executed one, or None; notes: what a
    reader must know.
    """

    ledger: Path | str
    published: Path | str
    benchmarks: Path | str
    stands_for: str
    size: str = ""
    notebook: Path | None = None
    notes: Sequence[str] = ()

    def context(self, captions: Mapping[str, str], folder: Path) -> dict[str, Any]:
        ledger, published = _read(self.ledger), _read(self.published)
        claims = entries(ledger)
        context = super().context(captions, folder)
        return context | {
            "size": self.size,
            "notebook": self.notebook and relpath(self.notebook, folder),
            "notes": [*self.notes, *context["notes"]],
            "claims": claims,
            "ledger": relpath(self.ledger, folder),
            "stands_for": self.stands_for,
            "cautions": cautions(ledger),
            "counts": {v: sum(claim["verdict"] == v for claim in claims) for v in VERDICTS},
            "published": group_rows(published),
            "floors": floors(published),
            "benchmarks": benchmark_rows(_read(self.benchmarks)),
        }


@dataclass(frozen=True)
class Report:
    """The report of a study.

    models: by name; across: items over all models; captions: by the name of the item; facts: on
    the origin of the results; tolerance: `claims.published_tolerance` of the study.
    """

    study: str
    models: Mapping[str, ModelItems]
    across: Items
    captions: Mapping[str, str]
    facts: Mapping[str, Any]
    tolerance: float

    def write(self, page: Path, template: Path) -> None:
        """Write the page. InputError for a missing file."""
        pages = Environment(
            loader=FileSystemLoader(template.parent),
            autoescape=lambda name: ".html" in name,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        html = pages.get_template(template.name).render(self._context(page.parent))
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(html, encoding="utf-8")

    def _context(self, folder: Path) -> dict[str, Any]:
        hashed = {key: value for key, value in self.facts.items() if HASH.search(str(value))}
        return {
            "study": self.study,
            "models": {n: m.context(self.captions, folder) for n, m in self.models.items()},
            "across": self.across.context(self.captions, folder),
            "label": label,
            "facts": {key: value for key, value in self.facts.items() if key not in hashed},
            "hashes": hashed,
            "tolerance": 100 * self.tolerance,
        }


def within(folder: Path, items: Iterable[Path | str]) -> tuple[Files, Files]:
    """Figures and tables among `items` that lie in `folder`, by name, as `Items` takes them."""
    paths = list(map(Path, items))
    figures, tables = (
        {path.stem: path for path in paths if path.parent == folder / kind}
        for kind in ("figures", "tables")
    )
    return figures, tables


def _figure(name: str, path: Path, captions: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """Values of a figure: its picture, or a note where it could not be made (an empty file)."""
    if not path.exists():
        raise InputError(f"{path}: no such figure")
    if not path.stat().st_size:
        return _item(name, captions, note=_note(_read(path.with_suffix(".csv"))))
    return _item(name, captions, links=_links(path, folder), note="", **picture(path))


def _table(name: str, path: Path, captions: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """Values of a table: its cells, or a note where it could not be made."""
    table = _read(path)
    if list(table) == [NOTE]:
        return _item(name, captions, note=_note(table))
    shown = table if len(table) <= LONGEST else table.head(FIRST)
    shown_rows = {"rows": len(table), "shown": len(shown), "cells": cells(shown)}
    return _item(name, captions, links=_links(path, folder), note="", **shown_rows)


def _item(name: str, captions: Mapping[str, str], **values: Any) -> dict[str, Any]:
    title, _, text = captions.get(name, "").partition("\n\n")
    title = " ".join(title.split()).removesuffix(".")
    return {"name": name, "title": title or name.replace("_", " "), "text": text} | values


def _links(path: Path, folder: Path) -> dict[str, str]:
    """Files of an item by their kind, in upper case."""
    files = {kind: path.with_suffix(f".{kind}") for kind in DOWNLOADS}
    return {
        kind.upper(): relpath(file, folder)
        for kind, file in files.items()
        if file.exists() and file.stat().st_size
    }


def _read(path: Path | str) -> pd.DataFrame:
    if not Path(path).exists():
        raise InputError(f"{path}: no such table")
    return pd.read_csv(path, dtype={"K": str, "R": str, "layers": str})


def _note(table: pd.DataFrame) -> str:
    return table[NOTE].iloc[0]
