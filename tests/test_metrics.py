from math import isnan

import pytest

from prunescope.errors import InputError
from prunescope.metrics import BoxIou, ExactMatch, iou, parse_grid32


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1.0),
        ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7),
        ((0, 0, 4, 1), (1, 0, 3, 1), 1 / 2),
        ((0, 0, 1, 1), (1, 0, 2, 1), 0.0),
        ((0, 0, 1, 1), (2, 2, 3, 3), 0.0),
        ((0, 0, 0, 0), (0, 0, 0, 0), 0.0),
    ],
)
def test_iou_by_hand(a, b, expected):
    assert iou(a, b) == pytest.approx(expected)
    assert iou(b, a) == pytest.approx(expected)


def test_a_box_is_the_centres_of_its_bins():
    assert parse_grid32("0 15 16 31") == (0.5 / 32, 15.5 / 32, 16.5 / 32, 31.5 / 32)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yes",
        "1 2 3",
        "1 2 3 4 5",
        "1 2 3 32",
        "-1 2 3 4",
        "1 2 1 4",
        "1 5 3 4",
        "1 2 3 4.0",
        "1 2 3 ²",
    ],
)
def test_what_is_no_box(text):
    assert parse_grid32(text) is None


def test_box_metric():
    metric = BoxIou(threshold=0.5, format="grid32")
    right = metric.judge("0 0 15 15", "", (0.5 / 32, 0.5 / 32, 15.5 / 32, 15.5 / 32))
    assert right == (1.0, pytest.approx(1.0), False)
    # Half as wide: exactly at the threshold, and right. A quarter: wrong, but a box.
    true = (0.5 / 32, 0.5 / 32, 16.5 / 32, 16.5 / 32)
    assert metric.judge("0 0 8 16", "", true) == (1.0, pytest.approx(0.5), False)
    assert metric.judge("0 0 8 8", "", true) == (0.0, pytest.approx(0.25), False)
    assert metric.judge("no idea", "", true) == (0.0, 0.0, True)


def test_box_metric_names_the_formats_it_knows():
    with pytest.raises(InputError, match=r"format: 'pixels' is not one of \['grid32'\]"):
        BoxIou(threshold=0.5, format="pixels")


def test_exact_match():
    metric = ExactMatch()
    assert metric.judge(" yes\n", "yes")[0::2] == (1.0, False)
    assert metric.judge("no", "yes")[0::2] == (0.0, False)
    assert metric.judge("", "yes")[0::2] == (0.0, True)
    assert isnan(metric.judge("yes", "yes").iou)
