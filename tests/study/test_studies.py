"""The studies of published models fit those: their architectures at full size, without weights."""

from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForImageTextToText,
    LlamaConfig,
    LlavaConfig,
    Qwen2_5_VLConfig,
    SiglipVisionConfig,
)

from prunescope.errors import InputError
from prunescope.evaluation.evaluate import check_all
from prunescope.methods import parse_methods
from prunescope.study import Study

ROOT = Path(__file__).parents[2]
SIGLIP = {"image_size": 384, "patch_size": 14, "hidden_size": 1152, "intermediate_size": 4304}
SIGLIP |= {"num_hidden_layers": 27, "num_attention_heads": 16}
MROPE = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}


def llava(vision=None):
    strategy = "full" if vision else "default"
    parts = {"vision_config": vision, "text_config": LlamaConfig()}
    return LlavaConfig(**parts, vision_feature_select_strategy=strategy)


def prismatic():
    return llava(SiglipVisionConfig(**SIGLIP))


def qwen():
    text = {"num_hidden_layers": 28, "hidden_size": 3584, "intermediate_size": 18944}
    text |= {"num_attention_heads": 28, "num_key_value_heads": 4, "rope_parameters": MROPE}
    return Qwen2_5_VLConfig(text_config=text)


PUBLISHED = {"paper": prismatic, "paper-slim": prismatic, "llava15": llava, "qwen25vl": qwen}


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(ROOT)


def check(name, config):
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config)
    methods = Study.load(f"workflow/config/{name}.yaml").methods
    check_all(model, parse_methods(methods, name).values())


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_method_fits_the_published_architecture(name):
    check(name, PUBLISHED[name]())


def test_methods_for_another_architecture_do_not():
    with pytest.raises(InputError, match=r"axes|axis"):
        check("qwen25vl", prismatic())


def test_the_default_study_asks_more_boxes_and_the_full_one_as_many_of_all():
    default, full = (Study.load(f"workflow/config/{n}.yaml") for n in ("testbed", "testbed-full"))
    assert (default.limit("locate"), default.limit("exists")) == (500, 250)
    assert {full.limit(task) for task in full.tasks} == {250}
