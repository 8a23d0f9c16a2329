"""Put the results in docs/example/ into pages; with --copy, first copy them from reports/.

python docs/scripts/results.py          # tables in README.md and docs/origins.md
python docs/scripts/results.py --copy   # first copy tables, figure and page from reports/
"""

import csv
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs/example"  # the report, and a folder for each model
README, ORIGINS = ROOT / "README.md", ROOT / "docs/origins.md"
MODEL = "smol"  # of the default study
RIVALS = {
    "fastv-k3-as-feather": "FastV at K = 3",
    "pyramiddrop-k8+16+24-as-feather": "PyramidDrop",
    "random-k3-as-feather": "a random choice",
    "lattice-k3-as-feather": "an even lattice",
}


# (model, content) and columns of content_free_table that docs/origins.md shows
TITLES = {
    ("smollm2", "words"): "SmolLM2",
    ("smollm2-untrained", "words"): "untrained",
    ("smol", "images"): "`smol`, on images",
}
SHOWN = {
    "position, with RoPE": "position, with RoPE",
    "position, without RoPE": "without",
    "ratio, with RoPE": "ratio, with RoPE",
    "ratio, without RoPE": "without",
    "explained, RoPE alone": "explained by RoPE alone",
}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def verdicts() -> str:
    """A table with a row for each claim and a column for each model that has a ledger."""
    ledgers = {path.parent.name: read(path) for path in sorted(EXAMPLE.glob("*/ledger.csv"))}
    columns = {
        model: {f"{row['number']}. {row['statement']}": _verdict(row, rows) for row in rows}
        for model, rows in ledgers.items()
    }
    claims = dict.fromkeys(claim for column in columns.values() for claim in column)
    lines = [["claim of the paper", *(f"`{model}`" for model in columns)]]
    lines += [["---"] * (1 + len(columns))]
    lines += [[claim, *(column.get(claim, "") for column in columns.values())] for claim in claims]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _verdict(claim: dict[str, str], rows: list[dict[str, str]]) -> str:
    """Verdict of a claim, and of what is asked beside it."""
    of_claim = [row for row in rows if row["number"] == claim["number"] and row.get("beside")]
    beside = dict.fromkeys(f"{row['beside']}: {row['beside verdict']}" for row in of_claim)
    return "; ".join([claim["verdict"], *beside])


def differences() -> str:
    """FEATHER minus its rivals at the same budget, in points with a 95 % interval, as a list."""
    rows = read(EXAMPLE / MODEL / "tables/matched_differences.csv")
    points = {
        row["reference"]: [round(100 * float(row[key])) for key in ("value", "low", "high")]
        for row in rows
        if (row["group"], row["method"]) == ("localization", "feather")
    }
    pairs = [(points[rival], name) for rival, name in RIVALS.items() if rival in points]
    return ", ".join("{:+d} [{}, {}] over {}".format(*point, name) for point, name in pairs) + "."


def explanations() -> str:
    """The explanations of the bias, by verdict; a line for each verdict."""
    verdicts = {
        row["explanation"]: row["verdict"]
        for row in read(EXAMPLE / "tables/explanations_table.csv")
    }
    found = {verdict: [] for verdict in dict.fromkeys(verdicts.values())}
    for name, verdict in verdicts.items():
        found[verdict].append(name.partition(":")[0])
    return "\n".join(f"- **{verdict}**: {'; '.join(names)}" for verdict, names in found.items())


def content_free() -> str:
    """Where decoders keep drawn words, and `smol` tokens of images, by layer."""
    lines = ["| | K | " + " | ".join(SHOWN.values()) + " |", "|---" * (2 + len(SHOWN)) + "|"]
    seen = ""
    for row in read(EXAMPLE / "tables/content_free_table.csv"):
        title = TITLES.get((row["model"], row["content"]))
        if title:
            cells = [_interval(row, column) for column in SHOWN]
            lines.append(f"| {title if title != seen else ''} | {row['K']} | {' | '.join(cells)} |")
            seen = title
    return "\n".join(lines)


def _interval(row: dict[str, str], column: str) -> str:
    value, low, high = (f"{float(row[column + end]):.2f}" for end in ("", " low", " high"))
    return f"{value} [{low}, {high}]"


PAGES = {
    README: {"verdicts": verdicts, "differences": differences, "explanations": explanations},
    ORIGINS: {"content-free": content_free},
}


def filled(page: Path) -> str:
    """The page with the text between each pair of markers written anew."""
    text = page.read_text()
    for name, write in PAGES[page].items():
        content = write()
        pair = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text, count = re.subn(pair, rf"\g<1>{content}\n\g<2>", text, flags=re.DOTALL)
        if count != 1:
            raise SystemExit(f"{page}: expected one pair of <!-- {name} --> <!-- /{name} -->")
    return text


def copy_from(reports: Path) -> None:
    """Copy the report of the default study."""
    shutil.rmtree(EXAMPLE, ignore_errors=True)
    for folder in (MODEL, "figures", "tables"):  # of the model, and of all models
        if (reports / folder).is_dir():
            unlinked = shutil.ignore_patterns("*.ipynb")
            shutil.copytree(reports / folder, EXAMPLE / folder, ignore=unlinked)
    shutil.copy(reports / "report.html", EXAMPLE)


if __name__ == "__main__":
    if "--copy" in sys.argv[1:]:
        copy_from(ROOT / "reports")
    for page in PAGES:
        page.write_text(filled(page))
