"""The report: one HTML page with claims, figures, tables and where they come from.

Self-contained: images are inside, nothing is fetched when it is opened.
"""

from prunescope.jobs import NOTE

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from prunescope.claims.verdicts import VERDICTS
from prunescope.errors import InputError
from prunescope.method_names import label
from prunescope.report.wording import TOO_FEW, benchmark_rows, entries, group_rows

SCALE = 0.68  # CSS pixels per pixel of a figure: its text comes out a little below the page's
LONG = 60  # rows above which a table is folded
# how columns end that go with a value, and what is written where a value has none
SPREADS = (("low", "high", f" ({TOO_FEW})"), ("q25", "q75", ""))


Files = Mapping[str, Path | str]  # by the name of the item


@dataclass(frozen=True)
class Items:
    """PNG files of figures and CSV files of tables."""

    figures: Files
    tables: Files

    def context(self, captions: Mapping[str, str]) -> dict[str, Any]:
        """What the template shows of them."""
        figures = [_item(name, captions, **_image(Path(p))) for name, p in self.figures.items()]
        tables = [_item(name, captions, **_shown(_table(p))) for name, p in self.tables.items()]
        missing = [each for each in figures + tables if each["note"]]
        notes = [f"“{each['title']}” is not made: {each['note']}" for each in missing]
        return {"figures": figures, "tables": tables, "notes": notes}


@dataclass(frozen=True)
class Findings(Items):
    """Those of one model, with the CSV files of the claims and of the paper's numbers beside ours
    (`prunescope.claims`), the published model that it stands for, and what a reader must know of
    its answers."""

    ledger: Path | str
    published: Path | str
    benchmarks: Path | str
    stands_for: str
    notes: Sequence[str] = ()

    def context(self, captions: Mapping[str, str]) -> dict[str, Any]:
        claims = entries(_table(self.ledger))
        context = super().context(captions)
        return context | {
            "notes": [*self.notes, *context["notes"]],
            "claims": claims,
            "stands_for": self.stands_for,
            "counts": {v: sum(claim["verdict"] == v for claim in claims) for v in VERDICTS},
            "published": group_rows(_table(self.published)),
            "benchmarks": benchmark_rows(_table(self.benchmarks)),
        }


def within(folder: Path, items: Iterable[Path | str]) -> tuple[Files, Files]:
    """Those of the `items` that are figures and tables in `folder`, as `Items` has them."""
    paths = list(map(Path, items))
    figures, tables = (
        {path.stem: path for path in paths if path.parent == folder / kind}
        for kind in ("figures", "tables")
    )
    return figures, tables


def write(
    page: Path | str,
    study: str,
    models: Mapping[str, Findings],
    across: Items,
    captions: Mapping[str, str],
    manifest: Mapping[str, Any],
    tolerance: float,
    template: Path | str,
) -> None:
    """Write the report of a study to `page`.

    models: by name; across: the items over all models; captions: by the name of the item; manifest:
    facts to show about the study's origin; tolerance: of the claims' settings. Raises InputError
    for a file that is missing.
    """
    context = {
        "study": study,
        "models": {name: each.context(captions) for name, each in models.items()},
        "across": across.context(captions),
        "label": label,
        "manifest": manifest,
        "tolerance": 100 * tolerance,
        "long": LONG,
    }
    template, page = Path(template), Path(page)
    pages = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(pages.get_template(template.name).render(context), encoding="utf-8")


def _item(name: str, captions: Mapping[str, str], **more: Any) -> dict[str, Any]:
    title, _, text = captions.get(name, "").partition("\n\n")
    return {"name": name, "title": " ".join(title.split()) or name, "text": text} | more


def _image(path: Path) -> dict[str, Any]:
    """The PNG as a data URI, and its width in CSS pixels; or the note in the place of it."""
    if not path.exists():
        raise InputError(f"{path}: no such figure")
    data = path.read_bytes()
    if not data:
        return {"note": _note(_table(path.with_suffix(".csv")))}
    width = int.from_bytes(data[16:20])  # of the IHDR chunk, always the first
    uri = f"data:image/png;base64,{b64encode(data).decode()}"
    return {"note": "", "image": uri, "width": round(width * SCALE)}


def _table(path: Path | str) -> pd.DataFrame:
    if not Path(path).exists():
        raise InputError(f"{path}: no such table")
    return pd.read_csv(path, dtype={"K": str, "R": str})


def _shown(table: pd.DataFrame) -> dict[str, Any]:
    if list(table) == [NOTE]:
        return {"note": _note(table)}
    return {"note": "", "rows": len(table), "html": to_html(table)}


def _note(table: pd.DataFrame) -> str:
    return table[NOTE].iloc[0]


def to_html(table: pd.DataFrame) -> str:
    """The table for a reader: a value and its spread in one cell, methods by their labels, three
    significant digits, empty cells for missing values."""
    table = table.copy()
    for low, high, without in SPREADS:
        for lower in [column for column in table if column.endswith(low)]:
            value, upper = lower.removesuffix(low), lower.removesuffix(low) + high
            value = value.rstrip(" _") or "value"
            rows = table[[value, lower, upper]].itertuples(index=False)
            table[value] = [_with_spread(*row, without) for row in rows]
            table = table.drop(columns=[lower, upper])
    for column in table.columns.intersection(["method", "reference"]):
        table[column] = table[column].map(label)
    table.columns = [label(column).replace("_", " ") for column in table]
    return table.to_html(index=False, border=0, na_rep="", float_format=_digits)


def _with_spread(value: float, low: float, high: float, without: str) -> str:
    if pd.isna(value):
        return ""
    if pd.isna(low):
        return _digits(value) + without
    return f"{_digits(value)} [{_digits(low)}, {_digits(high)}]"


def _digits(value: float) -> str:
    size = abs(value)
    if 0 < size < 0.001 or size >= 1e5:
        return f"{value:.1e}"
    return format(value, ".3f" if size < 10 else ".1f")
