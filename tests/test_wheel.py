"""The wheel works without a checkout: the library, schemas and cards are in it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRUNE = """
import torch
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

import prunescope
from prunescope import Method, Stage, named_methods, prune, record_scores
from prunescope.criteria.attention import Attention

sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
vision = CLIPVisionConfig(image_size=32, patch_size=4, num_hidden_layers=2, **sizes)
text = LlamaConfig(num_hidden_layers=8, vocab_size=40, **sizes)
config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=39)
model = LlavaForConditionalGeneration(config).eval()
inputs = {
    "input_ids": torch.tensor([[1, *[39] * 64, 5, 6]]),
    "pixel_values": torch.rand(1, 3, 32, 32),
}
assert record_scores(model, inputs).shape == (1, 8, 2, 64)
for method in ("feather", Method([Stage(layer=3, remove=0.75, score=Attention(rope=False))])):
    with torch.inference_mode(), prune(model, method) as trace:
        model(**inputs)
    print(len(trace.kept[0][0]))
print(len(named_methods()), prunescope.__version__, prunescope.__file__)
"""
READ = """
from prunescope.study.study import SCHEMA
from prunescope.study.yaml_files import read
from prunescope.tasks.card import find_card, find_cards, read_task

print(len(find_cards()), read_task(find_card("refcoco")).name, read(SCHEMA)["title"])
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Folder with the contents of the wheel, and nothing else of the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    isolated = ["--no-deps", "--no-build-isolation", "--no-compile"]
    subprocess.run([*pip, *isolated, "--target", folder, ROOT], check=True)
    return folder


def run(code, installed, folder):
    """What the code prints, with the wheel in place of the checkout."""
    path = f"import sys\nsys.path.insert(0, {str(installed)!r})\n"
    command = [sys.executable, "-P", "-c", path + code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return done.stdout.split("\n")


@pytest.mark.wheel
def test_pruning_and_the_library(installed, tmp_path):
    feather, mine, last, _ = run(PRUNE, installed, tmp_path)
    assert int(mine) == 16 and 19 <= int(feather) < 64
    assert last.endswith(f" 0.2.0 {installed}/prunescope/__init__.py")


@pytest.mark.wheel
def test_schemas_and_cards(installed, tmp_path):
    cards, name, *title = run(READ, installed, tmp_path)[0].split()
    assert int(cards) == len(list((ROOT / "data/tasks").glob("*.yaml"))) and name == "refcoco"
    assert title
