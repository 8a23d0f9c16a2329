"""Metrics: judgements worked out by hand, and texts that are no answers."""

from math import isnan

import pytest

from prunescope.errors import InputError
from prunescope.metrics import (
    BoxIou,
    Choice,
    ExactMatch,
    OptionText,
    ShortAnswer,
    VqaAccuracy,
    YesNo,
    iou,
    vqa,
)
from prunescope.metrics.boxes import BOX_FORMATS, from_square


@pytest.mark.parametrize(
    ("text", "score", "invalid"),
    [("two  legs", 1, False), ("a wing", 0, False), ("Two legs", 0, True), ("B", 0, True)],
)
def test_the_words_of_an_option(text, score, invalid):
    example = {"options": ["a wing", "two legs", "none"], "answer": "B"}
    assert OptionText().defect(example) == ""
    verdict = OptionText().judge(text, example)
    assert (verdict.score, verdict.invalid) == (score, invalid)
    assert OptionText().defect({**example, "answer": "D"}) == "answer 'D' is no option"


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


@pytest.mark.parametrize(
    ("format", "text", "box"),
    [
        ("grid32", "0 15 16 31", (0.5 / 32, 15.5 / 32, 16.5 / 32, 31.5 / 32)),
        ("fractions", " [0.1, 0.2, 0.3, 1]\n", (0.1, 0.2, 0.3, 1.0)),
        ("thousandths", "the cat 2[[100, 200, 300, 1000]]", (0.1, 0.2, 0.3, 1.0)),
        ("thousandths", "<|box_start|>(100,200),(300,1000)<|box_end|>", (0.1, 0.2, 0.3, 1.0)),
        ("thousandths", "[[1, 2, 3, 4], [5, 6, 7, 8]]", (0.001, 0.002, 0.003, 0.004)),
        ("thousandths", "<box>(100, 200), (300, 400)</box>", (0.1, 0.2, 0.3, 0.4)),
        ("thousandths", "[[100, 200], [300, 400]]", (0.1, 0.2, 0.3, 0.4)),
        ("internvl", "<box>[[100, 200, 300, 1001]]</box>", (0.1, 0.2, 0.3, 1.0)),
        ("internvl", "[0.1, 0.2, 0.3, 0.4]", (0.1, 0.2, 0.3, 0.4)),
        ("pixels", '[{"bbox_2d": [20, 80, 100, 400], "label": "a"}]', (0.1, 0.2, 0.5, 1.0)),
        ("pixels", "[20, 80, 201, 400]", (0.1, 0.2, 1.0, 1.0)),
        ("pixels", "(-1.5, 80), (100, 500)", (0.0, 0.2, 0.5, 1.0)),
        ("locations", "<loc0512><loc0256><loc1023><loc0768> cat", (0.25, 0.5, 0.75, 1023 / 1024)),
    ],
)
def test_a_box_in_the_words_of_each_family(format, text, box):
    assert BOX_FORMATS[format](text, (200, 400)) == pytest.approx(box)


@pytest.mark.parametrize(
    ("format", "text"),
    [
        *[("grid32", text) for text in ("", "yes", "1 2 3", "1 2 3 4 5", "1 2 3 32", "-1 2 3 4")],
        *[("grid32", text) for text in ("1 2 1 4", "1 5 3 4", "1 2 3 4.0", "1 2 3 ²")],
        *[("fractions", text) for text in ("", "[0.1, 0.2, 0.3]", "(0.1, 0.2, 0.3, 0.4)")],
        *[("fractions", text) for text in ("[0.1, 0.2, 0.3, 1.1]", "[0.3, 0.2, 0.1, 0.4]")],
        *[("fractions", text) for text in ("[0.1, 0.2, 0.3, 0.4] a cat", "[0, 0, 1, 'x']")],
        *[("fractions", text) for text in ("[False, 0, True, 1]", "__import__('os')", "[" * 9999)],
        *[("thousandths", text) for text in ("", "1, 2, 3, 4", "(1,2),(3", "(1,2),(3,1001)")],
        *[("thousandths", text) for text in ("[1234]", "(-1, 2), (3, 4)")],
        *[("pixels", text) for text in ("", "[210, 10, 300, 20]", "[-9, 10, -1, 20]")],
        *[("pixels", text) for text in ("[10, 10, 10, 20]", "[300, 10, 100, 20]")],
        *[("locations", text) for text in ("", "<loc0001><loc0002><loc0003>", "<loc1>" * 4)],
    ],
)
def test_what_is_no_box(format, text):
    assert BOX_FORMATS[format](text, (200, 400)) is None


def test_box_metric():
    metric = BoxIou(threshold=0.5, format="grid32")
    true = {"box": (0.5 / 32, 0.5 / 32, 15.5 / 32, 15.5 / 32)}
    assert metric.judge("0 0 15 15", true) == (1.0, pytest.approx(1.0), False)
    # Half as wide: exactly at the threshold, and right. A quarter: wrong, but a box.
    true = {"box": (0.5 / 32, 0.5 / 32, 16.5 / 32, 16.5 / 32)}
    assert metric.judge("0 0 8 16", true) == (1.0, pytest.approx(0.5), False)
    assert metric.judge("0 0 8 8", true) == (0.0, pytest.approx(0.25), False)
    assert BoxIou(0.25, "grid32").judge("0 0 8 8", true).score == 1.0
    assert metric.judge("no idea", true) == (0.0, 0.0, True)


def test_true_boxes_are_rounded_where_the_card_says():
    true = {"box": (0.104, 0.2, 0.3, 0.4)}
    exact, rounded = BoxIou(0.5, "fractions"), BoxIou(0.5, "fractions", decimals=2)
    assert exact.judge("[0.1, 0.2, 0.3, 0.4]", true).iou == pytest.approx(0.98)
    assert rounded.judge("[0.1, 0.2, 0.3, 0.4]", true).iou == pytest.approx(1)
    assert exact.defect(true) == rounded.defect(true) == ""
    tiny = {"box": (0.101, 0.2, 0.104, 0.4)}
    assert exact.defect(tiny) == "" and rounded.defect(tiny).endswith("it rounds to nothing")


def test_box_metric_names_the_formats_it_knows():
    with pytest.raises(InputError, match=r"format: 'bins' is not one of \['fractions', 'grid32'"):
        BoxIou(threshold=0.5, format="bins")


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (300, 300), (1000, 10)])
def test_a_box_in_the_padded_square_comes_back(size):
    width, height = size
    longest = max(size)
    x, y = (longest - width) / 2, (longest - height) / 2
    box = (0.1, 0.25, 0.5, 0.75)
    padded = tuple(
        (fraction * side + shift) / longest
        for fraction, side, shift in zip(box, size * 2, (x, y) * 2, strict=True)
    )
    assert from_square(padded, size) == pytest.approx(box)
    metric = BoxIou(0.5, "fractions", frame="square")
    assert metric.judge(str(list(padded)), {"box": box, "size": size}).iou == pytest.approx(1)


def test_a_box_of_the_square_is_cut_at_the_edges_of_the_image():
    assert from_square((0, 0, 1, 1), (640, 480)) == (0, 0, 1, 1)


def test_exact_match():
    metric, true = ExactMatch(), {"answer": "yes"}
    assert metric.judge(" yes\n", true)[0::2] == (1.0, False)
    assert metric.judge("no", true)[0::2] == (0.0, False)
    assert metric.judge("", true)[0::2] == (0.0, True)
    assert isnan(metric.judge("yes", true).iou)


def test_short_answer():
    metric, true = ShortAnswer(), {"answer": "tennis racket"}
    assert metric.judge("Tennis  racket.", true).score == 1
    assert metric.judge("racket", true).score == 0
    assert metric.judge(" . ", true)[0::2] == (0.0, True)
    assert metric.judge("T-shirt.", {"answer": "t-shirt"}).score == 1


@pytest.mark.parametrize(
    ("text", "read"),
    [
        *[("Yes, it is", "yes"), ("no.", "no"), ("N", "no"), ("y", "yes"), (" Yes", "yes")],
        *[("It is, yes", None), ("maybe", None), ("", None)],
    ],
)
def test_yes_and_no(text, read):
    verdict = YesNo().judge(text, {"answer": "Yes"})
    assert verdict[0::2] == (float(read == "yes"), read is None)


def test_choice():
    letters, words = Choice(), Choice(["Yes", "No"])
    example = {"options": ["one", "two", "three"], "answer": "B"}
    assert letters.choices(example) == ("A", "B", "C")
    assert letters.judge("B", example)[0::2] == (1.0, False)
    assert letters.judge("D", example)[0::2] == (0.0, True)
    assert words.choices({"options": []}) == ("Yes", "No")
    assert words.judge("No", {"answer": "Yes"})[0::2] == (0.0, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    # Four of ten answered "red": whoever is left out, three others did. Two answered "2": if one of
    # them is left out (2 of 10) one other did, else two.
    [
        *[("red", 1.0), ("2", (2 * 1 + 8 * 2) / 30), ("blue", (1 * 0 + 9 * 1) / 30), ("no", 0.0)],
        *[("The red.", 1.0), ("two", 18 / 30), ("don't know", (3 * 2 + 7 * 3) / 30), ("", 0.0)],
    ],
)
def test_vqa_accuracy_by_hand(text, expected):
    answers = ["red"] * 4 + ["2"] * 2 + ["blue"] + ["dont know"] * 3
    for rules in ("vqa", "m4c"):
        verdict = VqaAccuracy(rules).judge(text, {"answers": answers})
        assert verdict.score == pytest.approx(expected)
        assert verdict.invalid == (text == "")


@pytest.mark.parametrize("rules", ["vqa", "m4c"])
@pytest.mark.parametrize(("text", "answer"), [("Yes", "yes"), ("Unanswerable", "unanswerable")])
def test_unanimous_answers_are_normalised_too(rules, text, answer):
    assert VqaAccuracy(rules).judge(text, {"answers": [answer] * 10}).score == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A dont-know answer.", "don't know answer"),
        ("1,000 a/b", "1000 ab"),
        ("10 / 12", "10 12"),
        ("Two, three; four", "2 3 4"),
        ("2.5 metres", "2.5 metres"),
        ("none", "0"),
        ("yall'll y'all'dve", "y'all'll y'all'd've"),
        ("somebody'd", "somebodyd"),
    ],
)
def test_official_normalisation_by_hand(text, expected):
    assert vqa.normalised(text) == expected
