"""`prunescope prune` on random models: one with a chat template, one without."""

import numpy as np
import pytest
from PIL import Image

from helpers import chat_model, testbed_model
from helpers.families import CASES
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.checkpoints.loaded import Loaded
from prunescope.cli import main
from prunescope.cli.answering import Question
from prunescope.cli.pictures import veil
from prunescope.methods import Method, named_method

QUESTION = "Yes No True"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return chat_model.save_model(tmp_path_factory.mktemp("chat"))


@pytest.fixture
def image(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    path = tmp_path / "image.png"
    Image.fromarray(pixels).save(path)
    return path


def prune(image, model, *options):
    return main(["prune", str(image), QUESTION, "--model", str(model), *map(str, options)])


def test_answers_and_tokens_of_every_method(image, model, tmp_path, capsys):
    out = tmp_path / "new" / "kept.png"
    options = ["--method", "fastv", "--method", "feather", "--max-new-tokens", 3, "--out", out]
    assert prune(image, model, *options) == 0
    head, *rows = capsys.readouterr().out.split("\n\n")[0].splitlines()
    assert head.split()[0] == "method" and head.split()[-1] == "T/N"
    assert [row.split()[0] for row in rows] == ["unpruned", "fastv", "feather"]
    assert "all 36" in rows[0] and rows[0].endswith("100%")
    assert "9 from layer 1" in rows[1] and " from layer 3" in rows[2]
    with Image.open(out) as picture:
        assert picture.size[0] > 3 * 250


def test_a_model_without_chat_template_gets_the_mark_of_the_image(image, tmp_path, capsys):
    plain = testbed_model.save_model(tmp_path / "plain")
    assert prune(image, plain, "--max-new-tokens", 2, "--out", tmp_path / "kept.png") == 0
    assert "feather" in capsys.readouterr().out


def test_the_picture_shows_what_the_model_sees(model):
    image = Image.new("RGB", (50, 50), (200, 100, 0))
    question = Question.of(Checkpoint("tiny", model).load(), image, QUESTION)
    [(seen, grid)] = question.views()
    assert grid == (6, 6) and seen.size == (24, 24)
    assert np.abs(np.asarray(seen, int) - (200, 100, 0)).max() <= 1
    answer = question.answer(named_method("fastv"), max_new_tokens=1)
    assert answer.passed().sum() == len(answer.kept[0]) == 9


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_family_has_a_picture_for_each_view(case):
    row = next(i for i, prompt in enumerate(case.prompts) if len(prompt.images) == 1)
    loaded = Loaded.of(case.build("sdpa"), case.processor())
    question = Question(loaded, case.prompts[row].images[0], case.inputs(row))
    answer = question.answer(Method(()), max_new_tokens=1)
    views = veil(question.views(), answer.passed())
    assert sum(mask.size for _, mask in views) == answer.total
    assert all(np.asarray(picture).std() > 10 for picture, _ in views)  # noise, as the image is


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "fastvv"], "unknown 'fastvv'; did you mean 'fastv'?"),
        (["--method", "oracle"], "oracle needs"),
        (["--device", "cuda:7"], "device"),
    ],
)
def test_wrong_options(image, model, options, message, capsys):
    assert prune(image, model, *options) == 2
    assert message in capsys.readouterr().err


def test_what_is_no_picture_or_no_model_is_named(image, model, tmp_path, capsys):
    text = tmp_path / "text.png"
    text.write_text("no picture")
    assert prune(text, model) == 2 and "text.png" in capsys.readouterr().err
    assert prune(tmp_path / "none.png", model) == 2 and "none.png" in capsys.readouterr().err
    assert prune(image, tmp_path) == 2 and "config.json" in capsys.readouterr().err
    assert prune(image, "nobody/nothing") == 2 and "nobody/nothing" in capsys.readouterr().err
