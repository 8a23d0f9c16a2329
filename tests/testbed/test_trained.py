"""What was trained on a pretrained decoder, in data/testbed: small, gated, told by a card."""

import json
from pathlib import Path

import pytest
from safetensors import safe_open

from prunescope.checkpoints.merging import Merging

FOLDERS = sorted(
    file.parent
    for file in (Path(__file__).parents[2] / "data" / "testbed").glob("*/trained.safetensors")
)
every = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@every
def test_the_weights_are_small_and_are_those_to_merge(folder):
    assert (folder / "trained.safetensors").stat().st_size <= 25e6
    with safe_open(folder / "trained.safetensors", "numpy") as weights:
        vectors = weights.get_slice("new_tokens").get_shape()
        parts = {name.split(".")[0] for name in weights.keys()}  # noqa: SIM118
    assert vectors[0] == len(Merging.read(folder).tokens)
    assert parts == {"vision_tower", "multi_modal_projector", "updates", "new_tokens"}


@every
def test_the_gates_follow_from_their_values(folder):
    gates = json.loads((folder / "gates.json").read_text())
    assert gates["split"] == "dev" and len(gates["gates"]) >= 10
    for gate in gates["gates"]:
        low, high = (
            end if end is not None else default
            for end, default in ((gate["low"], float("-inf")), (gate["high"], float("inf")))
        )
        assert gate["met"] == (low <= gate["value"] <= high)
        assert gate["interval"][0] <= gate["value"] <= gate["interval"][1]


@every
def test_the_card_tells_the_gates_and_probes(folder):
    card = (folder / "README.md").read_text()
    gates = json.loads((folder / "gates.json").read_text())
    leaks = json.loads((folder / "leaks.json").read_text())
    assert gates["weights"] == leaks["weights"] and gates["weights"] in card
    for gate in gates["gates"]:
        assert f"| {gate['name']} | {gate['value']} |" in card
    for probe in leaks["probes"]:
        assert f"| {probe['name']} |" in card
