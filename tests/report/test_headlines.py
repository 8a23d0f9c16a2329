"""The last lines of a run: verdicts are counted, the clearest numbers come first."""

import pandas as pd

from prunescope.report.headlines import headlines


def row(number, verdict, measure, value, half, bound=0.0):
    limits = {"value": value, "low": value - half, "high": value + half, "bound": bound}
    return {"number": number, "verdict": verdict, "measure": measure, "unit": "points"} | limits


def test_headlines(tmp_path):
    page, ledger = tmp_path / "report.html", tmp_path / "ledger.csv"
    page.write_bytes(b"x" * 1_250_000)
    rows = [
        row(1, "holds", "clear", 0.3, 0.01),
        row(1, "holds", "clear, but of the same claim", 0.3, 0.02),
        row(2, "does not hold", "near its bound", 0.1, 0.05, bound=0.11),
        row(3, "holds", "clearest", -0.6, 0.01) | {"first": 0.1, "second": 0.7},
        row(4, "undecided", "third", 0.05, 0.05),
        row(6, "not testable", "clearest of all", 0.9, 0.001) | {"check": "not testable"},
        {"number": 5, "verdict": "not in this study"},
    ]
    pd.DataFrame(rows).to_csv(ledger, index=False)
    first, counts, *numbers = headlines(page, {"rope": ledger})
    assert first == f"The report is {page} (1.2 MB)."
    assert counts.startswith("rope, 6 claims of the paper: 2 hold, ")
    assert (
        "1 not testable" in counts and "1 not in this study" in counts and "1 undecided" in counts
    )
    assert [line.split(":")[0].strip() for line in numbers] == ["clearest", "clear", "third"]
    assert (
        numbers[0]
        .replace("\N{MINUS SIGN}", "-")
        .endswith("-60.0 [-61.0, -59.0] points, 10.0 against 70.0")
    )
    assert numbers[1].endswith("points")
