"""Decoders of a study: sources, files, names, and where their scores lie."""

from pathlib import Path

import pytest

from prunescope.errors import InputError
from prunescope.study import Study, paths, probes

ROOT = Path(__file__).parents[2]
SMOL = {"pretrained": "smollm2-135m-instruct"}


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(ROOT)


def study(**probe):
    config = {"name": "s", "models": {"rope": {"path": "data/testbed/rope"}}, "tasks": ["locate"]}
    return Study.of(config | {"probe": probe}, "s.yaml")


def test_a_decoder_comes_a_second_time_without_training():
    found = probes.probed(study(decoders={"smol": {**SMOL, "untrained": True}}).config)
    assert list(found) == ["smol", "smol-untrained"]
    assert [probed.trained for probed in found.values()] == [True, False]
    assert {probed.path for probed in found.values()} == {
        "results/pretrained/smollm2-135m-instruct"
    }
    assert found["smol"].files() == ["results/pretrained/smollm2-135m-instruct"]


def test_a_decoder_of_the_hub_is_downloaded():
    hub = {"repo": "org/name", "revision": "v1"}
    config = study(decoders={"big": {"hub": hub}}).config
    [(folder, download)] = probes.downloads(config).items()
    assert folder == "data/models/big"
    assert download == {"key": "probe.decoders.big.hub", "part": "decoder", "request": hub}
    assert probes.probed(config)["big"].files() == ["data/models/big/origin.json"]


def test_a_folder_is_read_as_it_is():
    found = probes.probed(study(decoders={"own": {"path": "data/testbed/rope"}}).config)["own"]
    assert "data/testbed/rope/model.safetensors" in found.files()
    config = study(decoders={"own": {"path": "data/none"}}).config
    with pytest.raises(InputError, match=r"probe\.decoders\.own\.path: there is no folder"):
        probes.probed(config)["own"].files()


def test_figures_are_given_the_stores_of_all_decoders():
    probed = study(decoders={"smol": {**SMOL, "untrained": True}}, contents=["words", "constant"])
    assert paths.results(probed)["probes"] == [
        f"results/s/probe/{name}/{content}.zarr"
        for name in ("smol", "smol-untrained")
        for content in ("words", "constant")
    ]


@pytest.mark.parametrize(
    ("decoders", "message"),
    [
        ({"a": {}}, r"probe\.decoders\.a: give one of .*; found none"),
        ({"a": {**SMOL, "path": "x"}}, "found pretrained and path"),
        ({"rope": SMOL}, r"probe\.decoders\.rope: the name is taken"),
        ({"a": {**SMOL, "untrained": True}, "a-untrained": SMOL}, "the name is taken"),
        ({"a": {"pretrained": "gpt"}}, r"probe\.decoders\.a\.pretrained"),
        ({"a": {**SMOL, "weights": 1}}, "weights"),
    ],
)
def test_mistakes_are_named(decoders, message):
    with pytest.raises(InputError, match=message):
        study(decoders=decoders)


def test_the_study_of_origins_is_one():
    found = Study.load("workflow/config/origins.yaml")
    assert "smollm2-untrained" in probes.probed(found.config)
