"""The two values behind an effect, and the accuracy of text only beside them."""

import numpy as np
import pytest

from helpers.claims_study import BETTER, ROOT, judged, library, study, without
from prunescope.errors import InputError
from prunescope.statistics.accuracy import CONTRAST, LOCALIZATION, OTHER


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(ROOT)


def mean(evidence, method, *tasks):
    records = evidence.records[evidence.records["method"] == method]
    return np.mean([records.loc[records["task"] == t, "score"].mean() for t in tasks])


def test_an_effect_is_the_difference_of_its_two_values():
    table = judged(study(4.0, BETTER))
    checks = table[table["measure"].notna()]
    assert checks["value"].to_numpy() == pytest.approx(
        (checks["first"] - checks["second"]).to_numpy()
    )


def test_both_values_are_accuracies():
    evidence = study()
    effect = evidence.difference("feather", "fastv", LOCALIZATION)
    expected = [mean(evidence, method, "locate") for method in ("feather", "fastv")]
    assert [effect.first, effect.second] == pytest.approx(expected)


def test_a_contrast_has_the_losses_of_both_groups():
    evidence = study()
    effect = evidence.difference("unpruned", "fastv", CONTRAST)
    for value, tasks in ((effect.first, ["locate"]), (effect.second, ["color", "count"])):
        lost = mean(evidence, "unpruned", *tasks) - mean(evidence, "fastv", *tasks)
        assert value == pytest.approx(lost)


def test_values_rest_on_the_questions_that_both_have_answered():
    evidence = study()
    of_fastv = (evidence.records["method"] == "fastv") & (evidence.records["task"] == "locate")
    evidence.records.drop(evidence.records.index[of_fastv][:50], inplace=True)
    effect = evidence.difference("feather", "fastv", LOCALIZATION)
    assert effect.value == pytest.approx(effect.first - effect.second) and effect.examples == 150


def test_text_only_stands_beside_the_values():
    evidence = study()
    localization, other = (
        mean(evidence, "text-only", "locate"),
        mean(evidence, "text-only", "color", "count"),
    )
    assert evidence.floors(LOCALIZATION) == pytest.approx((localization, localization))
    assert evidence.floors(CONTRAST) == pytest.approx((localization, other))
    assert evidence.floors(OTHER) == pytest.approx((other, other))


def test_nobody_need_ask_without_an_image():
    lacks_role = {name: stages for name, stages in library().items() if name != "text-only"}
    for evidence in (study(methods=without("text-only")), study(known=lacks_role)):
        assert evidence.text_only == [] and np.isnan(evidence.floors(OTHER)).all()


def test_the_image_is_dropped_before_the_first_layer():
    """Methods that drop it later are of the same kind."""
    late = {"no-image": [{"layer": 2, "score": {"none": {}}}]}
    evidence = study(methods=late | study().methods, swap={"no-image": "unpruned"})
    assert evidence.text_only == ["text-only"]


def test_a_share_needs_tasks_of_both_groups():
    evidence = study()
    evidence.records.drop(
        evidence.records.index[evidence.records["task"] != "locate"], inplace=True
    )
    with pytest.raises(InputError, match="no other tasks in this study"):
        evidence.share_lost("fastv", "text-only")
