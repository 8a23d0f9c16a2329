"""Figures of single images: which are chosen, and what stands on them."""

from collections import defaultdict

import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers import synthetic
from helpers.scripts import script
from prunescope.errors import InputError
from prunescope.figures.examples import Question, shares_passed
from prunescope.metrics import parse_grid32

IMAGE = np.zeros((24, 24, 3), np.uint8)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return synthetic.write(tmp_path_factory.mktemp("study"), images=8)


@pytest.mark.parametrize(
    ("name", "options", "titles"),
    [
        ("masks", {"methods": ["fastv", "fastw"], "examples": 1}, ["FastV"]),
        ("examples", {"methods": ["fastv", "fastw"], "images": 1}, ["Unpruned", "FastV"]),
    ],
)
def test_pictures_go_without_a_method_that_has_no_records(
    name, options, titles, study, tmp_path, monkeypatch
):
    module, drawn = script(name), []
    asked = defaultdict(lambda: Question("where", IMAGE, None))
    monkeypatch.setattr(module, "questions", lambda *_: asked)
    monkeypatch.setattr(module.theme, "save", lambda figure, *_: drawn.append(figure))
    files = {kind: tmp_path / f"item.{kind}" for kind in ("png", "svg", "pdf", "csv")}
    module.make(study["records"], study["attention"], [], **files, **options)
    assert [panel.get_title() for panel in drawn[0].axes if panel.get_title()] == titles
    plt.close("all")


def test_images_of_masks_are_those_the_unpruned_model_gets_right():
    module, records = script("masks"), synthetic.records()
    chosen = module.choose(records, 3, seed=0)
    score = records.set_index(["example", "method"])["score"]
    assert len(set(chosen)) == 3 and all(score[c, "unpruned"] == 1 for c in chosen)
    with pytest.raises(InputError, match="asked for 1000"):
        module.choose(records, 1000, seed=0)


def test_masks_have_a_row_for_each_question():
    module, records = script("masks"), synthetic.records()
    chosen, methods = module.choose(records, 2, 0), ["fastv", "feather"]
    asked = {example: Question("where", IMAGE, parse_grid32) for example in chosen}
    figure = module.draw(records, chosen, methods, asked, synthetic.GRID)
    assert len(figure.axes) == 2 * 3
    assert [panel.get_title() for panel in figure.axes[:3]] == ["", "FastV", "FEATHER"]
    plt.close("all")


def test_examples_are_where_the_box_is_lost_and_the_answer_is_not():
    module, records = script("examples"), synthetic.records()
    choice = module.choose(records, "fastv", 2, seed=3)
    score = records.set_index(["example", "method"])["score"]
    images = records.drop_duplicates("example").set_index("example")["image"]
    pairs = list(zip(choice.examples[::2], choice.examples[1::2], strict=True))
    assert len(pairs) == 2 and len({images[located] for located, _ in pairs}) == 2
    for located, answered in pairs:
        assert images[located] == images[answered]
        assert score[located, "fastv"] == 0 and score[answered, "fastv"] == 1
        assert score[located, "unpruned"] == score[answered, "unpruned"] == 1
    assert choice == module.choose(records, "fastv", 2, seed=3)


def test_example_leaves_out_methods_that_did_not_answer_all():
    module, records = script("examples"), synthetic.records()
    choice = module.choose(records, "fastv", 1, 0)
    blind = (records["method"] == "feather") & (records["example"] == choice.examples[1])
    shown, rows = module.answered_all(records[~blind], choice, ["unpruned", "feather", "fastv"])
    assert shown == ["unpruned", "fastv"]
    assert len(rows) == 4


def test_example_falls_back_and_says_so():
    module, records = script("examples"), synthetic.records()
    records.loc[records["method"] == "fastv", "score"] = 1.0
    assert "unpruned model has both right" in module.choose(records, "fastv", 2, 0).why
    with pytest.raises(InputError, match="unknown method 'fastw'"):
        module.choose(records, "fastw", 2, 0)


def test_example_shows_boxes_outcome_and_tokens():
    module, records = script("examples"), synthetic.records()
    choice = module.choose(records, "fastv", 1, 0)
    parsers = (parse_grid32, None)
    asked = {
        example: Question("what", IMAGE, parse)
        for example, parse in zip(choice.examples, parsers, strict=True)
    }
    figure = module.draw(records, choice, ["unpruned", "feather"], asked, synthetic.GRID)
    assert [bool(panel.patches) for panel in figure.axes] == [True, True, False, False]
    assert "13→4 of 36" in figure.axes[1].get_xlabel()
    assert figure.axes[0].texts[0].get_text() == "✓"
    assert len(figure.axes[0].child_axes) == 1  # the target, enlarged
    plt.close("all")


def test_a_token_passes_the_stages_that_keep_it():
    stages = [np.array([0, 1], np.int16), np.array([1], np.int16)]
    assert shares_passed(stages, 3).tolist() == [0.5, 1.0, 0.0]
    assert shares_passed([], 3).tolist() == [1.0, 1.0, 1.0]
