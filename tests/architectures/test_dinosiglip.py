"""A Prismatic checkpoint with DINOv2 and SigLIP becomes a LLaVA that computes the same."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from helpers import prismatic_reference as original
from helpers import tiny_prismatic as mini
from prunescope.architectures.dinosiglip import LlavaDinoSiglipForConditionalGeneration
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.checkpoints.loaded import Loaded
from prunescope.checkpoints.prismatic import convert
from prunescope.checkpoints.prismatic.vision import resample
from prunescope.cli import main
from prunescope.criteria.attention import Attention
from prunescope.criteria.knn import Knn
from prunescope.criteria.tower_attention import TowerAttention
from prunescope.errors import InputError
from prunescope.evaluation.shared_prefixes import Tree
from prunescope.methods import Method, Stage
from prunescope.models import family_of
from prunescope.models.llava import Llava
from prunescope.pruning import prune
from prunescope.scores import record_scores
from prunescope.testing.selections import look

PROMPT = "In: Where is the owl?\nOut:"
IMAGENET = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
FASTV = Method([Stage(3, Attention(), keep=0.25)], "fastv")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Checkpoint, weights of both towers, and tokenizer on disk."""
    folder = tmp_path_factory.mktemp("dinosiglip")
    save_file(mini.timm_dino_weights(), folder / "dino.safetensors")
    return {
        "checkpoint": mini.save_checkpoint(folder / "run", fused=True),
        "vision": mini.save_vision(folder / "siglip.safetensors"),
        "dino": folder / "dino.safetensors",
        "tokenizer": mini.save_tokenizer(folder / "llama"),
    }


@pytest.fixture(scope="module")
def converted(parts, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "llava"
    options = [f"--{name}={parts[name]}" for name in ("vision", "dino", "tokenizer")]
    assert main(["convert-prismatic", str(parts["checkpoint"]), str(out), *options]) == 0
    return out


@pytest.fixture(scope="module")
def model(converted):
    return AutoModelForImageTextToText.from_pretrained(converted).eval()


@pytest.fixture(scope="module")
def picture():
    values = np.random.default_rng(0).integers(0, 256, (50, 25, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((250, 500), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def inputs(converted, picture):
    processor = AutoProcessor.from_pretrained(converted, backend="pil")
    return processor(images=picture, text=f"<image>{PROMPT}", return_tensors="pt")


@pytest.fixture(scope="module")
def features(picture):
    """(729, dim) what the original makes of the picture."""
    square = picture.resize((384, 384), Image.Resampling.BICUBIC)
    pixels = torch.tensor(np.array(square)).permute(2, 0, 1) / 255
    dino = original.dino_features((pixels - IMAGENET[0]) / IMAGENET[1])
    return torch.cat([dino, original.siglip_features((pixels - 0.5) / 0.5)], dim=1)


@pytest.fixture(scope="module")
def token_ids(parts):
    return Tokenizer.from_file(str(parts["tokenizer"] / "tokenizer.json")).encode(PROMPT).ids


def test_the_classes_are_found_by_their_names(converted, model):
    assert type(model) is LlavaDinoSiglipForConditionalGeneration
    assert type(family_of(model)) is Llava
    loaded = Checkpoint("model", converted).load().model
    assert type(loaded) is type(model)
    vision = AutoConfig.from_pretrained(converted).vision_config
    assert vision.hidden_size == mini.DINO + mini.VISION
    assert vision.dino_config.num_register_tokens == mini.REGISTERS


def test_features_are_the_original_s(model, inputs, features):
    with torch.no_grad():
        seen = model.model.vision_tower(inputs["pixel_values"]).last_hidden_state[0]
        projected = model.get_image_features(inputs["pixel_values"]).pooler_output[0]
    assert features.std(0).min() > 0.1
    torch.testing.assert_close(seen, features, atol=2e-5, rtol=0)
    torch.testing.assert_close(projected, original.project_fused(features), atol=2e-5, rtol=0)


def test_logits_are_the_original_s(model, inputs, features, token_ids):
    expected = original.logits(token_ids, original.project_fused(features))
    with torch.no_grad():
        actual = model(**inputs).logits[0]
    assert expected.std() > 0.5
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)


def test_prompt_is_bos_image_text(model, inputs, token_ids):
    image = model.config.image_token_id
    assert inputs["input_ids"].tolist() == [[token_ids[0], *[image] * 729, *token_ids[1:]]]
    assert Llava().grid(model) == (27, 27)


def test_eager_attention_reaches_both_towers(model, converted, inputs):
    eager = AutoModelForImageTextToText.from_pretrained(converted, attn_implementation="eager")
    tower = eager.model.vision_tower
    assert {
        tower_part.config._attn_implementation for tower_part in (tower.dino, tower.siglip)
    } == {"eager"}
    with torch.no_grad():
        pixels = inputs["pixel_values"]
        torch.testing.assert_close(tower(pixels)[0], model.model.vision_tower(pixels)[0])


def test_fastv_keeps_what_the_scores_say(model, inputs, token_ids):
    with prune(model, FASTV) as trace:
        model.generate(**inputs, max_new_tokens=2)
    [[kept]] = trace.kept
    with_rope = record_scores(model, inputs)[0, 2, 0]
    assert set(kept.tolist()) == set(with_rope.topk(182).indices.tolist())
    assert trace.kv_lengths == [[len(token_ids) + n] for n in [729] * 3 + [182] * 15]


def test_shared_evaluation_is_that_of_prune(model, inputs):
    knn = Method([Stage(3, Knn(), keep=100)], "knn")
    with prune(model, knn) as alone:
        expected = model(**inputs).logits
    tree = Tree(Loaded.of(model), [FASTV, knn])
    for method in tree.methods:
        with tree.prune(method) as trace, torch.no_grad():
            logits = model(**inputs).logits
        if method is knn:
            assert torch.equal(trace.kept[0][0], alone.kept[0][0])
            torch.testing.assert_close(logits, expected)


def test_criteria_see_the_input_of_the_projector(model, inputs, features):
    seen = look(model, inputs, 1, "features").features[0]
    torch.testing.assert_close(seen, features, atol=2e-5, rtol=0)


def test_the_attention_of_the_towers_is_refused(model):
    method = Method([Stage(0, TowerAttention(), keep=9)], "m")
    with pytest.raises(InputError, match="needs the attention of a vision tower like CLIP"):
        prune(model, method).__enter__()


def test_weights_of_hugging_face(parts, model, tmp_path, inputs):
    (tmp_path / "dino").mkdir()
    save_file(mini.hugging_face_dino_weights(), tmp_path / "dino" / "model.safetensors")
    convert(**parts | {"dino": tmp_path / "dino"}, out=tmp_path / "out")
    again = AutoModelForImageTextToText.from_pretrained(tmp_path / "out")
    towers = (llava.model.vision_tower(inputs["pixel_values"])[0] for llava in (again, model))
    torch.testing.assert_close(*towers, atol=1e-5, rtol=0)


def test_positions_are_resampled_as_an_image_is():
    """By Pillow, whose bicubic filter has antialiasing; what fits already stays as it is."""
    positions = torch.rand(1, 1 + 37 * 37, 2, generator=torch.Generator().manual_seed(0))
    channels = positions[0, 1:].T.unflatten(1, (37, 37)).numpy()
    small = [
        Image.fromarray(channel).resize((27, 27), Image.Resampling.BICUBIC) for channel in channels
    ]
    of_patches = torch.tensor(np.array(small)).flatten(1).T
    expected = torch.cat([positions[0, :1], of_patches])
    torch.testing.assert_close(resample(positions, 27)[0], expected, atol=1e-5, rtol=0)
    assert torch.equal(resample(positions, 37), positions)


def test_bfloat16_is_close(parts, tmp_path, inputs, features):
    convert(**parts, out=tmp_path / "out", dtype="bfloat16", max_shard_size="10MB")
    assert len(list((tmp_path / "out").glob("*.safetensors"))) > 1
    half = AutoModelForImageTextToText.from_pretrained(tmp_path / "out")
    with torch.no_grad():
        seen = half.model.vision_tower(inputs["pixel_values"])[0][0]
    assert half.dtype == seen.dtype == torch.bfloat16
    assert (seen.float() - features).norm() < 0.02 * features.norm()


def test_dino_is_given_where_it_is_needed(parts, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"'dinosiglip-.*' also needs weights of DINOv2"):
        convert(**parts | {"dino": None}, out=out)
    alone = mini.save_checkpoint(tmp_path / "run")
    with pytest.raises(InputError, match=r"'siglip-.*' has no DINOv2: omit `dino`"):
        convert(**parts | {"checkpoint": alone}, out=out)
    mixed = mini.save_checkpoint(tmp_path / "mixed", fused=True, arch_specifier="gelu-mlp")
    with pytest.raises(InputError, match="arch_specifier: 'gelu-mlp' is not supported"):
        convert(**parts | {"checkpoint": mixed}, out=out)
    assert not out.exists()


def test_wrong_weights_are_named(parts, tmp_path):
    weights = mini.timm_dino_weights()
    lacking = {name: weights[name] for name in weights if name != "blocks.1.ls2.gamma"}
    wrong = {
        "extra": (weights | {"head.bias": torch.zeros(2)}, "unexpected: .*dino.head.bias"),
        "lacking": (lacking, r"missing: .*dino.encoder.layer.1.layer_scale2.lambda1"),
        "oblong": (weights | {"pos_embed": torch.zeros(1, 700, mini.DINO)}, "700 .* no square"),
        "flat": (weights | {"pos_embed": torch.zeros(9)}, "pos_embed has 1 axes, not 3"),
        "siglip": (mini.timm_weights(), "one DINOv2 with registers, .*; 0 do"),
    }
    for name, (tensors, message) in wrong.items():
        save_file(tensors, tmp_path / name)
        with pytest.raises(InputError, match=message):
            convert(**parts | {"dino": tmp_path / name}, out=tmp_path / "out")
    with pytest.raises(
        InputError, match="width 128 of the vision tower is not a multiple of its head size 72"
    ):
        convert(**parts | {"vision": parts["dino"]}, out=tmp_path / "out")
