"""Metrics agree with lmms-eval, where it is installed; tests name the rules that differ."""

from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.yes_no import measures, table
from prunescope.metrics import BoxIou, ShortAnswer, VqaAccuracy, YesNo, iou, vqa

pytest.importorskip("lmms_eval.tasks", reason="compares with lmms-eval", exc_type=ImportError)

from lmms_eval.api.metrics import exact_match_hf_evaluate
from lmms_eval.tasks._task_utils.vqa_eval_metric import EvalAIAnswerProcessor
from lmms_eval.tasks.mme.utils import mme_process_results
from lmms_eval.tasks.pope import utils as pope
from lmms_eval.tasks.refcoco import utils_rec as refcoco
from lmms_eval.tasks.textvqa.utils import textvqa_process_results
from lmms_eval.tasks.vqav2.utils import vqav2_process_results

WORDS = [*vqa.CONTRACTIONS, *vqa.CONTRACTED, *vqa.NUMBERS, *vqa.ARTICLES, *vqa.MARKS]
WORDS += ["1,000", "2.5", "3.", "U.S.", "Dog's", "12:30", ".5", "\t", "\n", "Cat", " ", " "]


@given(st.lists(st.sampled_from(WORDS)).map("".join))
@example("one, 1,000.")
def test_normalisation_of_vqa(text):
    published = EvalAIAnswerProcessor()
    assert vqa.normalised_m4c(text) == published(text)
    plain = text.replace("\n", " ").replace("\t", " ").strip()
    expected = published.process_digit_article(published.process_punctuation(plain))
    assert vqa.normalised(text) == expected


texts = st.sampled_from(["red", "Red.", "two", "2", "the 2", "dont know", "don't know", "", "a/b"])


@given(texts, st.lists(texts, min_size=10, max_size=10))
def test_accuracy_of_vqa(answer, people):
    doc = {"question_id": 0, "answers": list(people)}
    ours = VqaAccuracy("m4c").judge(answer, {"answers": people}).score
    assert ours == pytest.approx(textvqa_process_results(doc, [answer])["exact_match"])
    numbered = [{"answer": text, "answer_id": i} for i, text in enumerate(people)]
    theirs = vqav2_process_results({"question_id": 0, "answers": numbered}, [answer])
    ours = VqaAccuracy().judge(answer, {"answers": people}).score
    assert ours == pytest.approx(theirs["exact_match"])


@pytest.mark.parametrize(
    ("prediction", "answer"),
    [
        *[("left", "left"), ("Left.", "left"), ("The left", "left"), ("", "left")],
        *[("tennis racket", "Tennis racket"), ("t-shirt", "tshirt"), ("no", "yes")],
    ],
)
def test_exact_match_of_gqa(prediction, answer):
    theirs = exact_match_hf_evaluate(
        [prediction], [answer], ignore_case=True, ignore_punctuation=True
    )
    assert ShortAnswer().judge(prediction, {"answer": answer}).score == theirs["exact_match"]


pieces = st.sampled_from(["yes", "No", "y", "n", ".", " ", "\n", "it", "not", "maybe", ","])


@given(st.lists(pieces).map("".join), st.sampled_from(["Yes", "No"]))
def test_yes_and_no_of_mme(text, answer):
    doc = {"answer": answer, "question_id": 0, "category": "count"}
    theirs = mme_process_results(doc, [text])["mme_perception_score"]["score"]
    assert YesNo().judge(text, {"answer": answer}).score == theirs


def test_measures_of_pope():
    asked = [("yes", "yes"), ("Yes", "no"), ("no", "yes"), ("No", "no"), ("yes", "yes")]
    results = [
        pope.pope_process_results({"answer": true, "question_id": i}, [prediction])
        for i, (prediction, true) in enumerate(asked)
    ]
    records = table([(str(i), *pair) for i, pair in enumerate(asked)])
    ours = measures(records).loc["m", "all"]["value"]
    theirs = {
        name: [result[f"pope_{name}"] for result in results] for name in ("accuracy", "f1_score")
    }
    assert ours["accuracy"] == pytest.approx(pope.pope_aggregate_accuracy(theirs["accuracy"]))
    assert ours["f1"] == pytest.approx(pope.pope_aggregate_f1_score(theirs["f1_score"]))
    # the share of yes among the answers is ours; lmms-eval's is that among the targets
    assert ours["yes"] == pytest.approx(3 / 5)


sides = st.lists(st.integers(0, 20), min_size=2, max_size=2, unique=True).map(sorted)
boxes = st.tuples(sides, sides).map(lambda xy: tuple(xy[i][j] / 20 for j in (0, 1) for i in (0, 1)))


@given(boxes, boxes)
def test_boxes_of_refcoco(predicted, true):
    assert iou(predicted, true) == pytest.approx(refcoco.compute_iou(true, predicted))
    text = str(list(predicted))
    judge = partial(BoxIou(0.5, "fractions").judge, example={"box": true})
    read = refcoco.parse_float_sequence_within(text)
    assert judge(text).score == refcoco.compute_accuracy(true, read)


def test_a_box_among_words_is_none():
    """The paper's scorer demands a box and nothing else; lmms-eval takes the first it finds."""
    text = "It is at [0.1, 0.2, 0.3, 0.4]."
    assert refcoco.parse_float_sequence_within(text) == [0.1, 0.2, 0.3, 0.4]
    assert BoxIou(0.5, "fractions").judge(text, {"box": (0.1, 0.2, 0.3, 0.4)}).invalid
