"""The key `claims` of a study's file: what may be written there."""

import pytest

from helpers.pages import ROOT
from prunescope.claims import Thresholds
from prunescope.errors import InputError
from prunescope.study import Study

CONFIG = {"name": "tiny", "models": {"rope": {"path": "model"}}, "tasks": ["locate"]}


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(ROOT)


def claims(methods=("unpruned", "feather"), **keys):
    config = CONFIG | {"methods": [*methods], "claims": keys}
    return Study.of(config, "study.yaml").config["claims"]


def test_every_key_is_a_threshold():
    assert Thresholds(**claims()).reading_curve_methods == []


@pytest.mark.parametrize("depth", [0.1, 1, 3])
def test_a_depth_is_a_fraction_or_a_layer(depth):
    assert claims(early_depth=depth)["early_depth"] == depth


@pytest.mark.parametrize("depth", [0, 1.5, -1])
def test_other_depths_are_errors(depth):
    with pytest.raises(InputError, match=r"study\.yaml.*early_depth"):
        claims(early_depth=depth)


def test_methods_of_the_reading_curve_are_those_of_the_study():
    assert claims(reading_curve_methods=["feather"])["reading_curve_methods"] == ["feather"]
    with pytest.raises(InputError) as error:
        claims(reading_curve_methods=["feather-k24"])
    for part in ("study.yaml: claims.reading_curve_methods", "'feather-k24'", "['feather', "):
        assert part in str(error.value)


def test_the_papers_layers_are_fractions_or_numbers():
    with pytest.raises(InputError, match="paper_layers"):
        claims(paper_layers="depths")
