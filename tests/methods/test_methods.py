"""Methods as data."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prunescope.criteria.attention import Attention
from prunescope.criteria.uniform import Uniform
from prunescope.errors import InputError
from prunescope.methods import (
    Method,
    Stage,
    check,
    named_method,
    named_methods,
    parse_methods,
)

NOROPE = {"attention": {"rope": False}}
GRID = {"uniform": {"stride": 3, "start": "corner"}}
FEATHER = [
    {"layer": 8, "remove": 0.7, "score": NOROPE, "always": GRID},
    {"layer": 16, "remove": 0.7, "power": 2, "score": NOROPE},
]


def parse(stages):
    return parse_methods({"m": stages}, "f.yaml")["m"]


def test_feather():
    method = parse(FEATHER)
    first, second = method.stages
    assert first == Stage(8, Attention(rope=False), keep=1 - 0.7, always=Uniform(3, "corner"))
    assert second == Stage(16, Attention(rope=False), keep=(1 - 0.7) ** 2)
    assert (first.count(729), second.count(275)) == (218, 24)
    assert method.mean_tokens([275, 24], 729, 32) == 263
    check(method, 32, (27, 27))


@pytest.mark.parametrize("name", ["ensemble", "feather", "feather-position-shuffle"])
def test_grids_of_feather_start_in_the_corner(name):
    grids = [stage.always for stage in named_methods()[name].stages if stage.always]
    assert grids == [Uniform(3, start="corner")]


def test_a_stage_does_not_claim_that_it_removes_nothing():
    """`remove` and `power` are arguments alone; what they come to is in `keep`."""
    stage = Stage(3, Attention(), remove=0.75, power=2)
    assert stage.keep == 0.25**2
    assert not hasattr(stage, "remove") and not hasattr(stage, "power")
    assert replace(stage, layer=4) == Stage(4, Attention(), keep=0.25**2)
    assert replace(stage, keep=None, remove=0.5) == Stage(3, Attention(), keep=0.5)


def test_unpruned():
    assert parse([]) == Method(name="m")
    assert parse([]).mean_tokens([], 729, 32) == 729


@pytest.mark.parametrize(
    ("present", "remove", "kept"),
    [(729, 0.25, 546), (729, 0.5, 364), (729, 0.75, 182), (729, 0.9, 72), (400, 0.9, 39)],
)
def test_counts_of_the_paper(present, remove, kept):
    [stage] = parse([{"layer": 3, "remove": remove, "score": NOROPE}]).stages
    assert stage.count(present) == kept


@given(st.integers(0, 800), st.floats(0, 0.99), st.integers(1, 3))
def test_counts_are_the_reference_expression(present, remove, power):
    [stage] = parse([{"layer": 3, "remove": remove, "power": power, "score": NOROPE}]).stages
    assert stage.count(present) == int(present * (1 - remove) ** power)
    assert 0 <= stage.count(present) <= present


def test_keep_as_count_or_fraction():
    stages = parse([
        {"layer": 1, "keep": 40, "score": NOROPE}, {"layer": 2, "keep": 0.5, "score": NOROPE}
    ]).stages  # fmt: skip
    assert [stage.count(n) for stage in stages for n in (30, 100)] == [30, 40, 15, 50]


def test_layer_as_a_fraction_of_the_depth():
    method = parse([{"layer": 0.25, "remove": 0.5, "score": NOROPE}])
    assert (method.layers(12), method.layers(32)) == ([3], [8])


def test_to_dict_is_canonical():
    spelled = [{**FEATHER[0], "positions": "original"}, FEATHER[1]]
    spelled[0]["score"] = {"attention": {"heads": "mean", "rope": False, "softmax": "image"}}
    assert parse(spelled).to_dict() == parse(FEATHER).to_dict()
    assert parse(FEATHER).to_dict()["stages"][1]["always"] is None
    assert parse(FEATHER).to_dict() != parse(FEATHER[:1]).to_dict()


STAGE = {"layer": 3, "remove": 0.5, "score": NOROPE}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kep": 0.5}, "unknown key 'kep'; allowed: .*'keep'"),
        ({"layer": None}, "layer: expected a number"),
        ({"layer": -1}, "layer: must be at least 0"),
        ({"layer": 1.5}, "layer: a fraction of the depth lies in"),
        ({"remove": 1}, r"remove: must lie in \[0, 1\), got 1"),
        ({"remove": -0.1}, "remove: must lie in"),
        ({"remove": "half"}, "remove: expected a number, got 'half'"),
        ({"keep": 0.5}, "give `remove` or `keep`, not both"),
        ({"power": 0}, "power: must be a whole number from 1"),
        ({"of": "some"}, r"of: 'some' is not one of \['left', 'all'\]"),
        ({"positions": "new"}, r"positions: 'new' is not one of \['original', 'compact', 'shuff"),
        ({"score": {"uniform": {"stride": 2}}}, "uniform has a count of its own"),
        ({"always": NOROPE}, "always: attention has no count of its own"),
        ({"score": {"no": {}}}, "score: unknown criterion 'no'; known: "),
    ],
)
def test_wrong_stage(change, message):
    with pytest.raises(InputError, match=rf"^f\.yaml: m\[0\].*{message}"):
        parse([STAGE | change])


@pytest.mark.parametrize("keep", [0, 0.0, 1.5, -1])
def test_keep_outside(keep):
    with pytest.raises(InputError, match=r"f\.yaml: m\[0\].*keep"):
        parse([{"layer": 3, "keep": keep, "score": NOROPE}])


@pytest.mark.parametrize("missing", ["layer", "score", "remove"])
def test_missing_key(missing):
    with pytest.raises(InputError, match=missing):
        parse([{key: value for key, value in STAGE.items() if key != missing}])


@pytest.mark.parametrize("data", [[], {"m": {}}, {"m": ["x"]}, {"m": None}])
def test_wrong_shape(data):
    with pytest.raises(InputError, match=r"^f\.yaml"):
        parse_methods(data, "f.yaml")


def test_layers_must_increase():
    with pytest.raises(InputError, match="method 'm': layers of stages must increase"):
        parse([STAGE, STAGE])
    mixed = parse([STAGE, {**STAGE, "layer": 0.25}])
    check(mixed, 32)
    with pytest.raises(InputError, match=r"layers \[3, 3\] of 12"):
        check(mixed, 12)


@pytest.mark.parametrize(
    ("change", "grid", "message"),
    [
        ({"layer": 12}, None, r"layer must lie in 0\.\.11"),
        ({"layer": 0}, None, r"attention reads the layer before .* 1\.\.11"),
        ({"always": {"uniform": {"stride": 7}}}, (6, 6), "does not fit a grid of 6 x 6"),
    ],
)
def test_check(change, grid, message):
    with pytest.raises(InputError, match=f"method 'm', stage at layer .*{message}"):
        check(parse([STAGE | change]), 12, grid)


def test_stages_in_python_are_checked_too():
    with pytest.raises(InputError, match="keep"):
        Stage(3, Attention())
    with pytest.raises(InputError, match="positions"):
        Stage(3, Attention(), keep=0.5, positions="new")


def test_a_fraction_of_all_tokens():
    [method] = parse_methods(
        {"m": [{"layer": 2, "keep": 0.25, "of": "all", "score": NOROPE}]}, "f"
    ).values()
    [stage] = method.stages
    assert [stage.count(left, 100) for left in (100, 30, 20)] == [25, 25, 20]
    assert parse_methods({"m": [{"layer": 2, "keep": 0.25, "score": NOROPE}]}, "f")["m"] != method
    with pytest.raises(InputError, match="of: only goes with a fraction"):
        Stage(2, stage.score, keep=9, of="all")


@pytest.mark.parametrize("value", [True, "0.5", np.float32(0.5), torch.tensor(0.5)], ids=repr)
def test_python_is_checked_like_yaml(value):
    for build in (
        lambda: Stage(2, Attention(), keep=value),
        lambda: Stage(value, Attention(), keep=0.5),
    ):
        with pytest.raises(InputError, match="expected a number"):
            build()
    for field in ("rope", "query", "softmax", "heads", "projections"):
        with pytest.raises(InputError, match=f"{field}: 'mean of all' is not"):
            Attention(**{field: "mean of all"})


def test_python_says_the_same_as_yaml():
    stages = [
        Stage(layer=8, remove=0.7, score=Attention(rope=False), always=Uniform(3, "corner")),
        Stage(16, Attention(rope=False), remove=0.7, power=2),
    ]
    assert Method(stages, name="m") == parse(FEATHER)
    assert Method(stages).to_dict()["stages"] == parse(FEATHER).to_dict()["stages"]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Stage(3, "attention", keep=0.5), r"score: expected a criterion.*got 'attention'"),
        (lambda: Stage(3, None), "score: expected a criterion"),
        (lambda: Stage(3, Attention(), keep=0.5, always="uniform"), "always: expected a criterion"),
        (lambda: Stage(3, Attention(), keep=0.5, power=2), "power: only goes with `remove`"),
        (lambda: Stage(3, Attention(), remove=0.5, keep=2), "give `remove` or `keep`, not both"),
        (lambda: Method("feather"), "method 'unnamed': stages: expected a list, got 'feather'"),
        (lambda: Method([FEATHER[0]], "mine"), "method 'mine': stages: expected Stage, got {"),
    ],
)
def test_mistakes_in_python_are_named(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_the_library_has_methods_by_name():
    library = named_methods()
    assert library["feather"] == named_method("feather") and library["unpruned"].stages == ()
    assert all(method.name == name for name, method in library.items())
    library.clear()
    with pytest.raises(InputError, match="method: unknown 'fether'; did you mean 'feather'"):
        named_method("fether")
