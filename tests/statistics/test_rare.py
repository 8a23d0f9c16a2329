"""Intervals of answers where few images vary, and that they are the bootstrap's elsewhere."""

import numpy as np
import pytest
from scipy import stats

from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.rare import BOOTSTRAP, BOTH, EXACT, answer_means

FEW = Bootstrap(resamples=400)
IMAGES = np.repeat(np.arange(125), 2)  # two questions about each


def answers(wrong, questions=250):
    """(questions, 1) right answers, but for the first `wrong` of every second question."""
    column = np.ones(questions)
    column[2 * np.arange(wrong) % questions] = 0
    return column[:, None]


def interval(values, least=0.0, units=IMAGES, bootstrap=FEW):
    [row] = answer_means(values, units, bootstrap, least=least).to_dict("records")
    return row


def test_where_nothing_is_rare_intervals_are_the_bootstraps():
    values = np.random.default_rng(0).integers(0, 2, (250, 4)).astype(float)
    table = answer_means(values, IMAGES, FEW)
    plain = FEW.means(values, IMAGES)
    assert (table["interval"] == BOOTSTRAP).all()
    assert table[[*plain]].equals(plain)
    weights = np.array([[0.5, 0.5, 0, 0], [1, 0, -0.5, -0.5]])
    sums = answer_means(values, IMAGES, FEW, weights)
    assert sums[[*plain]].equals(FEW.weighted_means(values, IMAGES, weights))
    change = values[:, :2] - values[:, 2:]
    paired = answer_means(change, IMAGES, FEW, least=-1)
    assert paired[[*plain]].equals(FEW.means(change, IMAGES))


def test_all_right_leaves_the_doubt_of_as_many_images():
    row = interval(answers(0))
    # as many effective questions as images, less what Student's quantile takes off
    trials = 125 * (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 124)) ** 2
    assert (row["value"], row["high"], row["interval"]) == (1, 1, EXACT)
    assert row["low"] == pytest.approx(0.025 ** (1 / trials))
    assert 0.970 < row["low"] < 0.972


def test_more_questions_about_the_same_images_do_not_help_if_all_are_right():
    assert interval(np.ones((125, 1)), units=np.arange(125)) == {
        **interval(answers(0)),
        "examples": 125,
    }


def test_one_question_an_image_is_the_exact_interval():
    values = answers(3)[::2]
    row = interval(values, units=np.arange(125))
    trials = 125 * (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 124)) ** 2
    wrong = trials * 3 / 125
    low = stats.beta.ppf(0.025, trials - wrong, wrong + 1)
    high = stats.beta.ppf(0.975, trials - wrong + 1, wrong)
    assert [row["low"], row["high"]] == pytest.approx([low, high])


def test_answers_that_agree_within_images_leave_more_doubt():
    apart, together = answers(8), np.ones((250, 1))
    together[:8] = 0  # both questions about four images
    rows = [interval(values) for values in (apart, together)]
    assert rows[0]["value"] == rows[1]["value"]
    assert rows[1]["low"] < rows[0]["low"] < rows[0]["high"] < rows[1]["high"]


def test_ends_move_steadily_from_exact_to_bootstrap():
    rows = [interval(answers(wrong), bootstrap=Bootstrap(4000)) for wrong in range(80)]
    kinds = [row["interval"] for row in rows]
    assert kinds == sorted(kinds, key=[EXACT, BOTH, BOOTSTRAP].index)
    assert set(kinds) == {EXACT, BOTH, BOOTSTRAP}
    for end in ("low", "high"):
        steps = -np.diff([row[end] for row in rows])
        assert (steps > -0.002).all() and steps.max() < 0.02


def test_no_difference_at_all_may_be_one_in_either_direction():
    row = interval(np.zeros((250, 1)), least=-1)
    assert -0.031 < row["low"] == -row["high"] < -0.028


def test_swapping_a_pair_flips_the_interval():
    values = np.zeros((250, 1))
    values[[0, 10, 20]], values[[31]] = 1, -1
    row, swapped = interval(values, least=-1), interval(-values, least=-1)
    assert [row["low"], row["high"]] == pytest.approx([-swapped["high"], -swapped["low"]])
    assert row["low"] < 0 < row["value"] < row["high"] and row["interval"] == EXACT


def test_sums_of_tasks_have_the_doubt_of_each():
    images = np.concatenate([np.arange(100)] * 4)
    values = np.full((400, 4), np.nan)
    for task in range(4):
        values[100 * task : 100 * task + 100, task] = 1
    weights = np.vstack([np.eye(4), np.full(4, 0.25), [1, -1 / 3, -1 / 3, -1 / 3]])
    table = answer_means(values, images, FEW, weights)
    one = 1 - table["low"][0]
    assert table["low"][4] == pytest.approx(1 - one / 2) and table["high"][4] == 1
    # of a difference, either side may be less than it seems
    assert table["low"][5] == pytest.approx(-one)
    assert table["high"][5] == pytest.approx(one / np.sqrt(3))
    assert table["interval"].tolist() == [EXACT] * 4 + [BOTH] * 2


def test_a_rare_task_beside_a_common_one_adds_its_doubt():
    rng = np.random.default_rng(1)
    values = np.full((200, 2), np.nan)
    values[:100, 0], values[100:, 1] = 1, rng.integers(0, 2, 100)
    images = np.concatenate([np.arange(100)] * 2)
    table = answer_means(values, images, FEW, np.array([[0.5, 0.5]]))
    plain = FEW.weighted_means(values, images, np.array([[0.5, 0.5]]))
    assert table["low"][0] < plain["low"][0] and table["high"][0] == plain["high"][0]


def test_values_that_are_no_answers_keep_the_bootstraps_interval():
    scores = np.random.default_rng(2).normal(0.8, 0.05, (20, 1))
    scores[:2] = 0.0  # such as overlaps: a few are nothing, most are fractions
    units = np.arange(20)
    for values, least in ((scores, 0.0), (scores - 2, -1), (np.ones((20, 1)), np.nan)):
        row = interval(values, least, units)
        assert row["interval"] == BOOTSTRAP
        assert row["low"] == FEW.means(values, units)["low"][0]


def test_a_missing_column_stays_unknown_and_does_no_harm():
    values = np.hstack([answers(0), np.full((250, 1), np.nan)])
    values[:2, 1] = 1  # a single image
    table = answer_means(values, IMAGES, FEW, np.array([[1, 0], [0, 1], [0.5, 0.5]]))
    assert table["low"].isna().tolist() == [False, True, True]
    assert table["interval"].tolist() == [EXACT, "", ""]


def test_blocks_of_columns_do_not_matter(monkeypatch):
    values = np.hstack([answers(wrong) for wrong in (0, 3, 30, 90)])
    whole = answer_means(values, IMAGES, FEW)
    monkeypatch.setattr("prunescope.statistics.rare.BLOCK", 300)
    assert answer_means(values, IMAGES, FEW).equals(whole)
