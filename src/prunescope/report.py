"""The report: one HTML page with claims, figures, tables and where they come from.

Self-contained: images are inside, nothing is fetched when it is opened.
"""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from prunescope.errors import InputError
from prunescope.findings.words import TOO_FEW, VERDICTS, entries, rows_beside
from prunescope.plotting import style

SCALE = 0.68  # CSS pixels per pixel of a figure: its text comes out a little below the page's
LONG = 60  # rows above which a table is folded
# how columns end that go with a value, and what is written where a value has none
SPREADS = (("low", "high", f" ({TOO_FEW})"), ("q25", "q75", ""))


def write(
    page: Path | str,
    study: str,
    figures: Mapping[str, Path | str],
    tables: Mapping[str, Path | str],
    ledger: Path | str,
    published: Path | str,
    captions: Mapping[str, str],
    manifest: Mapping[str, Any],
    template: Path | str,
) -> None:
    """Write the report of a study to `page`.

    figures: PNG files by name; tables: CSV files by name; ledger, published: CSV files of the
    claims and of the paper's numbers beside ours (`prunescope.findings`); captions: by name;
    manifest: facts to show about the study's origin. Raises InputError for a file that is missing.
    """
    claims = entries(_table(ledger))
    context = {
        "study": study,
        "claims": claims,
        "counts": {v: sum(claim["verdict"] == v for claim in claims) for v in VERDICTS},
        "published": rows_beside(_table(published)),
        "label": lambda method: style(method).label,
        "figures": [_item(name, captions, **_image(Path(p))) for name, p in figures.items()],
        "tables": [_item(name, captions, **_shown(_table(p))) for name, p in tables.items()],
        "manifest": manifest,
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
    """The PNG as a data URI, and its width in CSS pixels."""
    if not path.exists():
        raise InputError(f"{path}: no such figure")
    data = path.read_bytes()
    width = int.from_bytes(data[16:20])  # of the IHDR chunk, always the first
    uri = f"data:image/png;base64,{b64encode(data).decode()}"
    return {"image": uri, "width": round(width * SCALE)}


def _table(path: Path | str) -> pd.DataFrame:
    if not Path(path).exists():
        raise InputError(f"{path}: no such table")
    return pd.read_csv(path, dtype={"K": str, "R": str})


def _shown(table: pd.DataFrame) -> dict[str, Any]:
    return {"rows": len(table), "html": to_html(table)}


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
        table[column] = table[column].map(lambda m: style(m).label)
    table.columns = [column.replace("_", " ") for column in table]
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
