"""The card of a trained folder says what its files say."""

import json

import pytest
from transformers import LlavaConfig, SiglipVisionConfig

from prunescope.training.smol_card import write_card

RECIPES = {"tower": {"steps": 7, "batch": 3, "rate": 0.1, "matrix_rate": 0.2}}
LEAKS = {
    "images": {"fit": 20, "test": 10},
    "probes": [{"name": "own colour", "measure": "accuracy", "value": 0.98, "chance": 0.3}],
}


@pytest.fixture
def folder(tmp_path):
    tower = SiglipVisionConfig(image_size=96, patch_size=4, num_hidden_layers=2, hidden_size=24)
    LlavaConfig(vision_config=tower).save_pretrained(tmp_path)
    (tmp_path / "leaks.json").write_text(json.dumps(LEAKS))
    return tmp_path


def write(folder, met):
    gate = {"name": "locate, unpruned", "value": 0.81, "interval": [0.7, 0.9], "bound": ">= 0.85"}
    gates = {"weights": "abc", "questions": {"locate": 9}, "gates": [gate | {"met": met}]}
    finding = {"name": "relation", "value": 0.6, "interval": [0.5, 0.7]}
    (folder / "gates.json").write_text(json.dumps(gates | {"findings": [finding]}))
    write_card(folder, RECIPES, {"tower": 12.4}, rank=5)
    return (folder / "README.md").read_text()


def test_the_card_names_gates_probes_and_stages(folder):
    text = write(folder, met=True)
    assert "24 x 24 = 576 visual tokens" in text and "rank 5" in text
    assert "| locate, unpruned | 0.81 | 0.7 to 0.9 | >= 0.85 | yes |" in text
    assert "| relation | 0.6 | 0.5 to 0.7 |" in text
    assert "| own colour | accuracy | 0.98 | 0.3 |" in text
    assert "| tower | 7 | 3 | 0.1 | 0.2 | 0 | 12 |" in text
    assert "All gates are met." in text


def test_a_missed_gate_is_said(folder):
    text = write(folder, met=False)
    assert "1 of 1 gates are not met." in text and "**no**" in text and "All gates" not in text


def test_the_history_of_the_weights_is_told(folder):
    (folder / "history.md").write_text("Stopped and resumed once.\n")
    assert "Stopped and resumed once." in write(folder, met=True)
