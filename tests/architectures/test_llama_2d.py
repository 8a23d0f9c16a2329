"""RoPE by row and column: the angles, and pruning a LLaVA whose text model has it."""

import pytest
import torch
from PIL import Image
from transformers import AutoModel, AutoModelForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from prunescope.architectures.llama_2d import Llama2dConfig, RotaryEmbedding2d, places
from prunescope.errors import InputError
from prunescope.methods import parse_methods
from prunescope.pruning import prune
from prunescope.scores import record_scores
from prunescope.testbed.scenes import GRID, make_scene
from prunescope.testing.models import check_model
from prunescope.training.assembly import assemble, build_processor
from prunescope.training.packing import PREFIX
from prunescope.training.reader import Projector, decoder_config
from prunescope.training.vision import TOWERS
from prunescope.training.vocabulary import prompt

QUESTIONS = ("where is the red circle", "is there a blue square left of the red circle")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    tower = AutoModel.from_config(TOWERS["siglip"])
    return assemble(tower, Projector(), AutoModelForCausalLM.from_config(decoder_config("rope-2d")))


def inputs(*questions):
    processor = build_processor(TOWERS["siglip"])
    processor.tokenizer.padding_side = "left"
    images = [Image.fromarray(make_scene(len(question)).render()) for question in questions]
    text = [f"<image> {prompt(question)}" for question in questions]
    return processor(images=images, text=text, padding=True, return_tensors="pt")


def test_two_axes_count_rows_and_columns():
    config = Llama2dConfig(image_rows=2, image_columns=3, image_start=1)
    row, column = places(torch.arange(9)[None], config)
    assert row.tolist() == [[0, 1, 1, 1, 2, 2, 2, 4, 5]]
    assert column.tolist() == [[0, 1, 2, 3, 1, 2, 3, 4, 5]]


def test_two_axes_turn_text_as_one_does():
    flat, square = decoder_config("rope"), decoder_config("rope-2d")
    at, hidden = torch.tensor([[0, PREFIX, PREFIX + 4]]), torch.zeros(1, 3, 1)
    ours = RotaryEmbedding2d(square)(hidden, at)
    stock = LlamaRotaryEmbedding(flat)(hidden, torch.tensor([[0, 1 + GRID, 5 + GRID]]))
    assert all(map(torch.equal, ours, stock))


def test_a_step_down_turns_what_a_step_right_does_not():
    rotary, hidden = RotaryEmbedding2d(decoder_config("rope-2d")), torch.zeros(1, 1, 1)
    here, right, down = (rotary(hidden, torch.tensor([[p]]))[0] for p in (1, 2, 1 + GRID))
    turned = torch.stack([here != right, here != down])[:, 0, 0]
    assert not turned.all(0).any() and turned.sum(1).tolist() == [16, 16]


def test_it_can_be_pruned(model):
    check_model(model, inputs(*QUESTIONS), [inputs(question) for question in QUESTIONS])


def test_places_are_not_numbered_anew(model):
    stage = {"layer": 1, "positions": "compact", "score": {"uniform": {"stride": 2}}}
    method = parse_methods({"closed-up": [stage]}, "methods")["closed-up"]
    with pytest.raises(InputError, match="'closed-up': positions: 'compact' does not go with"):
        prune(model, method).__enter__()


def test_places_stay_those_of_the_tokens_in_another_order(model):
    """Scores of the first layer depend on a token and its place only, later ones on who sees it."""
    arguments = inputs(*QUESTIONS)
    plain, turned = (record_scores(model, arguments, scan=scan) for scan in ("raster", "reversed"))
    torch.testing.assert_close(plain[:, 0], turned[:, 0], rtol=0, atol=1e-5)
    assert not torch.allclose(plain[:, 2], turned[:, 2], atol=1e-5)
