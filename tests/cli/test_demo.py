"""`prunescope demo` in an empty folder, with the packages of the light installation."""

import subprocess
import sys

import pytest
from PIL import Image

from prunescope.cli import demo
from prunescope.errors import InputError
from prunescope.metrics.boxes import BoxIou
from prunescope.tasks.card import find_card, read_task
from prunescope.testbed.questions import box_to_words
from prunescope.testbed.scenes import make_scene

STUDY_ONLY = {"datasets", "pandas", "matplotlib", "jsonschema", "pyarrow", "xarray"}
RUN = (
    "import sys; from prunescope.cli import main; code = main(['demo']); "
    f"print('loaded:', *sorted({STUDY_ONLY} & set(sys.modules))); sys.exit(code)"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("empty")


@pytest.fixture(scope="module")
def printed(folder):
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_prints_the_question_and_an_answer_for_each_method(printed):
    assert f"Question: {demo.QUESTION}" in printed
    outcomes = {}
    for line in printed.splitlines():
        if line.split(" ")[0] in demo.METHODS:
            outcomes[line.split()[0]] = "right" if " right, " in line else "wrong"
    right = ["unpruned", "fastv-norope", "feather"]
    assert outcomes == dict.fromkeys(right, "right") | {"fastv": "wrong"}
    [target] = [o for o in make_scene(demo.SCENE).objects if (o.color, o.shape) == demo.TARGET]
    [unpruned] = [line for line in printed.splitlines() if line.startswith("unpruned")]
    # the model's words are within one step of the true box
    answer = [int(word) for word in unpruned.split()[1:5]]
    true = [int(word) for word in box_to_words(target.box).split()]
    assert max(abs(a - b) for a, b in zip(answer, true, strict=True)) <= 1


def test_it_needs_only_the_light_installation(printed):
    assert printed.splitlines()[-1].strip() == "loaded:"


def test_it_draws_one_panel_for_each_method(printed, folder):
    with Image.open(folder / "demo.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 4 * 250 and picture.height > 250


def test_it_asks_as_the_task_card_does():
    card = read_task(find_card("locate"))
    assert card.prompt == demo.PROMPT and card.max_new_tokens == demo.MAX_NEW_TOKENS
    assert BoxIou(**demo.METRIC) == card.metric


def test_without_the_model_it_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "files", lambda package: tmp_path / "site" / "prunescope")
    with pytest.raises(InputError, match=r"is in none of .*testbed/model, .*data/testbed/rope"):
        demo.testbed_model()
