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
# as where the default study has not made its model
RUN = (
    "import sys; from prunescope.cli import demo, main; "
    "demo.chosen = lambda: (demo.ROPE, demo.packaged_model()); code = main(['demo']); "
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
    assert f"Question: {demo.ROPE.question}" in printed
    outcomes = {}
    for line in printed.splitlines():
        if line.split(" ")[0] in demo.ROPE.methods:
            outcomes[line.split()[0]] = "right" if " right, " in line else "wrong"
    right = ["unpruned", "fastv-norope", "feather"]
    assert outcomes == dict.fromkeys(right, "right") | {"fastv": "wrong"}
    [target] = [
        o for o in make_scene(demo.ROPE.scene).objects if (o.color, o.shape) == demo.ROPE.target
    ]
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


@pytest.mark.parametrize("exhibit", [demo.ROPE, demo.SMOL], ids=["rope", "smol"])
def test_it_asks_as_the_task_card_does(exhibit):
    card = read_task(find_card("locate"), protocol=exhibit.protocol)
    assert card.prompt == exhibit.prompt and card.max_new_tokens == demo.MAX_NEW_TOKENS
    assert BoxIou(demo.THRESHOLD, exhibit.boxes) == card.metric
    things = make_scene(exhibit.scene).objects
    assert [exhibit.target] == [o for o in map(kind, things) if o == exhibit.target]


def kind(thing):
    return thing.color, thing.shape


def test_it_takes_the_model_of_the_default_study_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_package", lambda: tmp_path / "src" / "prunescope")
    folder = tmp_path / "data/models/smol"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    assert demo.chosen() == (demo.SMOL, folder)


def test_without_the_model_it_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_package", lambda: tmp_path / "site" / "prunescope")
    with pytest.raises(InputError, match=r"is in none of .*testbed/model, .*data/testbed/rope"):
        demo.packaged_model()
