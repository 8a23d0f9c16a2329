"""Where models come from: what a study's `trained` asks for."""

import pytest

from prunescope.errors import InputError
from prunescope.hub import origins
from prunescope.study import Study

STUDY = {"name": "s", "tasks": ["locate"], "methods": ["unpruned"]}


def study(**model):
    return Study.of(STUDY | {"models": {"smol": {"protocol": "smol"} | model}}, "study.yaml")


def test_a_merger_is_asked_for_by_the_folder_of_what_was_trained():
    made = study(trained={"folder": "data/testbed/smol"})
    request = {"folder": "data/testbed/smol", "decoder": "smollm2-135m-instruct"}
    assert origins.mergers(made.models) == {"data/models/smol": request}
    assert origins.downloads(made.models) == origins.conversions(made.models) == {}


def test_a_merged_model_is_present_once_its_marker_tells_the_same_request(tmp_path):
    [model] = study(trained={"folder": "a"}, path=str(tmp_path)).models.values()
    assert not origins.is_present(model)
    origins.write_marker(tmp_path, model["trained"], [])
    assert origins.is_present(model)
    assert not origins.is_present(model | {"trained": {"folder": "b"}})


def test_one_origin_alone():
    with pytest.raises(InputError, match=r"both hub and trained are given; allowed: one of path"):
        study(trained={"folder": "a"}, hub={"repo": "b/c"})


def test_an_unknown_decoder():
    with pytest.raises(InputError, match=r"trained.decoder: .*smollm2-135m-instruct"):
        study(trained={"folder": "a", "decoder": "gpt"})
