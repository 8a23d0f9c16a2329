"""Tables as cells of text."""

import numpy as np
import pandas as pd
import pytest

from prunescope.method_names import label
from prunescope.report.cells import cells
from prunescope.report.numbers import TOO_FEW


def texts(table):
    """Texts and spreads of the first row, by head."""
    shown = cells(table)
    return {
        head: (cell.text, cell.spread)
        for head, cell in zip(shown.heads, shown.rows[0], strict=True)
    }


def test_values_share_a_cell_with_their_spread():
    table = pd.DataFrame({"method": ["fastv-k1"], "value": [0.5], "low": [0.4], "high": [0.6]})
    table = table.assign(**{"other": 1.0, "other low": np.nan, "other high": np.nan})
    table = table.assign(ms=12.0, ms_q25=11.5, ms_q75=-14.0)
    assert texts(table) == {
        "Method": (label("fastv-k1"), ""),
        "Value": ("0.500", "[0.400, 0.600]"),
        "Other": ("1.000", TOO_FEW),
        "Ms": ("12", "[12, \N{MINUS SIGN}14]"),
    }


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("stage", [1, 1], "1"),
        ("examples", [1750, 2], "1,750"),
        ("tokens", [36.0, 36.25], "36.0"),
        ("value", [-0.0001, 0.2], "0.000"),
        ("p_holm", [1.2e-5, 0.2], "< 0.001"),
        ("share", [np.nan, 0.2], ""),
        ("layers", ["3, 6", None], "3, 6"),
    ],
)
def test_a_column_has_one_number_of_decimals(name, values, text):
    [(shown, _)] = texts(pd.DataFrame({name: values})).values()
    assert shown == text


def test_the_only_task_of_a_group_is_not_shown_twice():
    row = {"other tasks": 0.6, "other tasks low": 0.5, "other tasks high": 0.7}
    row |= {
        f"{name}{end}": 0.9 for name in ("localization", "locate") for end in ("", " low", " high")
    }
    assert list(texts(pd.DataFrame([row]))) == ["Other tasks", "Localization (locate)"]
