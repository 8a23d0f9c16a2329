import pandas as pd
import pytest

from helpers.yes_no import measures, table
from prunescope.errors import InputError
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.yes_no import yes_no

# image, answer, truth; the last answer cannot be read, and counts as no yes
ASKED = [
    ("a", "Yes", "yes"),
    ("a", "no", "no"),
    ("b", "yes.", "no"),
    ("b", "Yes", "yes"),
    ("c", "No", "yes"),
    ("c", "perhaps", "no"),
]


def test_measures_by_hand():
    values = measures(table(ASKED)).loc["m", "all"]["value"]
    assert values["accuracy"] == pytest.approx(3 / 6)
    # two of three yeses are right, two of three true ones are found
    assert values["f1"] == pytest.approx(2 / 3)
    assert values["yes"] == pytest.approx(3 / 6)
    assert values["accuracy_plus"] == pytest.approx(1 / 3)


def test_yes_to_everything():
    values = measures(table([(image, "yes", true) for image, _, true in ASKED])).loc["m", "all"]
    assert values["value"]["f1"] == pytest.approx(2 / 3)
    assert values["value"]["yes"] == 1


def test_kinds_and_methods_stand_apart():
    right = table([(image, true, true) for image, _, true in ASKED], "right")
    result = measures(pd.concat([table(ASKED), right]))
    assert (result.loc["right"].drop("yes", level="measure")["value"] == 1).all()
    assert result.loc[("m", "x", "accuracy"), "value"] == pytest.approx(1 / 3)
    assert set(result.index.get_level_values("kind")) == {"all", "x", "y"}
    assert result.loc[("m", "all", "f1"), "low"] < 2 / 3 < result.loc[("m", "all", "f1"), "high"]
    assert (result["units"] == 3).all()


def test_a_kind_with_one_image_has_no_interval():
    rows = table(ASKED[:2]).assign(kind="x")
    result = measures(pd.concat([rows, table(ASKED[2:]).assign(kind="y")])).loc["m"]
    assert result.loc["x"]["value"]["accuracy"] == 1
    assert result.loc["x"][["low", "high"]].isna().all(axis=None)
    assert result.loc["y"].loc["accuracy", "low"] >= 0


def test_a_method_with_one_image_has_no_interval():
    result = measures(pd.concat([table(ASKED), table(ASKED[:2], "other")]))
    assert result.loc["other"][["low", "high"]].isna().all(axis=None)
    assert result.loc["m"]["low"].notna().all()
    assert (result.loc[("other", "all"), "units"] == 1).all()


def test_other_tasks_are_left_out_and_missed():
    other = table(ASKED).assign(task="color", target="red")
    assert set(yes_no(pd.concat([table(ASKED), other]), Bootstrap(resamples=200))["task"]) == {
        "exists"
    }
    with pytest.raises(InputError, match=r"no task is answered by yes and no: \['color'\]"):
        yes_no(other, Bootstrap())
