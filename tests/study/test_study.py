"""A study's configuration: defaults, sweeps, and one clear error for each thing wrong."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from helpers.testbed_model import save_model
from prunescope.errors import InputError
from prunescope.evaluation.setup import check_methods, checkpoint
from prunescope.hub import origins
from prunescope.methods import parse_methods
from prunescope.study import Study
from prunescope.study.models import job_settings, model_files
from prunescope.study.study import SCHEMA

ROOT = Path(__file__).parents[2]
SOURCE = "study.yaml"
STUDIES = sorted((ROOT / "workflow/config").glob("*.yaml"))
FASTV = {"layer": 1, "remove": 0.75, "score": {"attention": {"rope": True}}}


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a random model of 6 layers."""
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def config(model):
    return {"name": "tiny", "models": {"random": {"path": str(model)}}, "tasks": ["locate"]}


def check(config):
    """All checks that come before the first answer."""
    study = Study.of(config, SOURCE)
    methods = parse_methods(study.methods, SOURCE)
    for name, model in study.models.items():
        model_files(model)
        if origins.is_present(model):
            check_methods(checkpoint(name, model, study.execution), methods.values())
    return study


def names(config):
    return list(Study.of(config, SOURCE).methods)


def schema_parts(schema, path="study"):
    for key, part in schema.get("properties", {}).items():
        yield f"{path}.{key}", part, key in schema.get("required", [])
        yield from schema_parts(part, f"{path}.{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from schema_parts(schema[key], f"{path}[]")


def objects(schema):
    if schema.get("properties"):
        yield schema
    parts = [
        *schema.get("properties", {}).values(),
        schema.get("items"),
        schema.get("additionalProperties"),
    ]
    for part in parts:
        if isinstance(part, dict):
            yield from objects(part)


def test_schema_is_closed_and_explains_every_key():
    schema = yaml.safe_load(SCHEMA.read_text())
    for path, part, required in schema_parts(schema):
        assert part.get("description"), f"{path} has no description"
        assert required or "default" in part, f"{path} has no default"
    assert all(part["additionalProperties"] is False for part in objects(schema))


def test_defaults_reach_nested_keys_and_leave_the_input_alone(config):
    config["limits"] = {"evaluate": 3}
    before = deepcopy(config)
    complete = check(config).config
    assert complete["limits"] == {"attention": None, "evaluate": 3, "tasks": {}}
    assert complete["bootstrap"]["level"] == 0.95
    assert complete["models"]["random"]["sha256"] is None
    assert complete["reports"] == "reports/tiny"
    assert config == before


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: p.stem)
def test_the_configurations_that_come_with_the_project_are_valid(path):
    assert Study.load(path).tasks


def test_a_sweep_takes_every_combination_and_names_it(config):
    config["sweeps"] = [{"methods": ["fastv"], "layer": [1, 3], "remove": [0.5, 0.9]}]
    assert names(config) == [
        "unpruned", "fastv-k1-r0.5", "fastv-k1-r0.9", "fastv-k3-r0.5", "fastv-k3-r0.9",
    ]  # fmt: skip
    [stage] = Study.of(config, SOURCE).methods["fastv-k3-r0.9"]
    assert stage == FASTV | {"layer": 3, "remove": 0.9}


def test_a_reading_curve_is_a_sweep(config):
    """The image until layer K and no longer; at layer 0 that is the library's `text-only`."""
    config["sweeps"] = [{"methods": ["no-image"], "layer": [0, 2, 4]}]
    methods = Study.of(config, SOURCE).methods
    assert methods["no-image-k4"] == [{"layer": 4, "score": {"none": {}}}]
    assert list(methods) == ["unpruned", "no-image-k0", "no-image-k2", "no-image-k4"]
    config["methods"] = ["unpruned", "text-only"]
    assert names(config) == ["unpruned", "text-only", "no-image-k2", "no-image-k4"]


def test_sweeps_do_not_repeat_a_method(config):
    config["methods"] = ["unpruned", {"fastv": [FASTV]}]
    config["sweeps"] = [
        {"methods": ["fastv"], "layer": [1, 3]},
        {"methods": ["fastv"], "layer": [3], "remove": [0.5, 0.75]},
    ]
    assert names(config) == ["unpruned", "fastv", "fastv-k3", "fastv-k3-r0.5"]


def test_a_method_may_be_named_twice(config):
    twice = {"methods": ["fastv"], "layer": [3], "share": [0.5, 0.5]}
    config["methods"] = ["unpruned", "fastv", {"mine": [FASTV]}, {"mine": [FASTV]}, "fastv"]
    config["matched"] = [twice, twice]
    assert names(config) == ["unpruned", "fastv", "mine", "fastv-k3-t0.5"]


def test_a_sweep_changes_all_stages_and_the_grid(config):
    config["sweeps"] = [{"methods": ["feather"], "layer": [[1, 4]], "remove": [0.5], "stride": [2]}]
    methods = Study.of(config, SOURCE).methods
    first, second = methods["feather-k1+4-r0.5-s2"]
    assert (first["layer"], second["layer"]) == (1, 4)
    assert first["remove"] == second["remove"] == 0.5
    assert first["always"] == {"uniform": {"stride": 2, "start": "corner"}}
    assert methods.keys() == {"unpruned", "feather-k1+4-r0.5-s2"}


def test_a_sweep_may_remove_another_fraction_at_each_stage(config):
    config["sweeps"] = [{"methods": ["feather"], "remove": [[0.4, 0.8]]}]
    first, second = Study.of(config, SOURCE).methods["feather-r0.4+0.8"]
    assert (first["remove"], second["remove"]) == (0.4, 0.8)


def test_matched_methods_are_called_after_their_budgets(config):
    config["methods"] = ["unpruned", "feather"]
    config["matched"] = [
        {"methods": ["fastv"], "layer": [1, 3], "share": [0.5, 0.42]},
        {"methods": ["uniform"], "knob": "stride", "as": ["feather"]},
    ]
    study = check(config)
    assert study.config["calibration"] == {"task": "locate", "split": "dev", "examples": 100}
    wanted = study.wanted
    assert [method.name for method in wanted] == [
        "fastv-k1-t0.5", "fastv-k1-t0.42", "fastv-k3-t0.5", "fastv-k3-t0.42", "uniform-as-feather",
    ]  # fmt: skip
    assert wanted[3].stages == [FASTV | {"layer": 3}] and wanted[3].share == 0.42
    assert (wanted[4].knob, wanted[4].budget_of, wanted[4].share) == ("stride", "feather", None)
    assert list(study.methods)[2:] == [method.name for method in wanted]


WRONG = {
    "unknown method": ({"methods": ["fastvv"]}, "methods: unknown 'fastvv'; did you mean 'fastv'"),
    "unknown method in a sweep": (
        {"sweeps": [{"methods": ["x"]}]},
        "sweeps[0].methods: unknown 'x'",
    ),
    "sweep that fits nothing": (
        {"sweeps": [{"methods": ["uniform"], "remove": [0.5]}]},
        "sweeps[0].remove: 0.5 does not fit",
    ),
    "one layer for three stages": (
        {"sweeps": [{"methods": ["pyramiddrop"], "layer": [3]}]},
        "sweeps[0].layer: 3 does not fit 'pyramiddrop': 1 values of layer for 3 stages",
    ),
    "matched without a budget": (
        {"matched": [{"methods": ["fastv"]}]},
        "matched[0]: give the budgets, `share` or `as`",
    ),
    "matched without its knob": (
        {"matched": [{"methods": ["uniform"], "share": [0.5]}]},
        "matched[0].knob: no stage of 'uniform' has a remove",
    ),
    "matched to a method of another study": (
        {"matched": [{"methods": ["fastv"], "as": ["feather"]}]},
        "matched[0].as: unknown 'feather'; allowed: ['unpruned']",
    ),
    "calibrated on what is evaluated": (
        {"matched": [{"methods": ["fastv"], "share": [0.5]}], "calibration": {"split": "test"}},
        "calibration.split: 'test' is the split of task 'locate' that is evaluated",
    ),
    "calibrated on another task": (
        {"calibration": {"task": "count"}},
        "calibration.task: unknown 'count'; allowed: ['locate']",
    ),
    "layer beyond the depth": (
        {"methods": ["unpruned", {"late": [FASTV | {"layer": 6}]}]},
        "method 'late', stage at layer 6: layer must lie in 0..5",
    ),
    "keep above 1": (
        {"methods": ["unpruned", {"all": [{"layer": 1, "keep": 1.5, "score": {"random": {}}}]}]},
        "keep: a fraction lies in (0, 1], got 1.5",
    ),
    "nothing kept": (
        {"methods": ["unpruned", {"none": [FASTV | {"remove": 1.0}]}]},
        "none[0].remove: must lie in [0, 1), got 1.0",
    ),
    "misspelt key": ({"dtpye": "float32"}, "unknown 'dtpye'; did you mean 'dtype'"),
    "limit of another task": (
        {"limits": {"tasks": {"locat": 3}}},
        "limits.tasks: unknown 'locat'",
    ),
    "misspelt nested key": ({"limits": {"evalute": 3}}, "limits: key: unknown 'evalute'"),
    "misspelt key of a stage": (
        {"methods": ["unpruned", {"m": [FASTV | {"lyer": 1}]}]},
        "m[0]: unknown key 'lyer'; allowed: ['layer'",
    ),
    "wrong value": ({"dtype": "float8"}, "dtype: 'float8' is not one of ['float32'"),
    "empty task list": ({"tasks": []}, "tasks: [] should be non-empty"),
    "unknown task": ({"tasks": ["locat"]}, "tasks: unknown 'locat'; did you mean 'locate'"),
    "unknown figure": ({"figures": {"map": {}}}, "figures: unknown 'map'"),
    "unknown argument of a figure": (
        {"figures": {"retention_maps": {"removed": [0.5]}}},
        "figures.retention_maps: unknown 'removed'; did you mean 'removes'",
    ),
    "a result as an argument": (
        {"figures": {"retention_maps": {"attention": ["x.zarr"]}}},
        "figures.retention_maps: unknown 'attention'; allowed: ['layers', 'removes', ",
    ),
    "missing arguments of a figure": (
        {"figures": {"stage_pairs": {}}},
        "figures.stage_pairs: give firsts, seconds; allowed: ['bootstrap', 'firsts', 'method', ",
    ),
    "missing argument of a table": (
        {"tables": {"models_table": {}}},
        "tables.models_table: give methods; allowed: ['bootstrap', 'methods']",
    ),
    "unknown family": (
        {"figures": {"accuracy_vs_budget": {"families": ["nope"]}}},
        "figures.accuracy_vs_budget.families: unknown 'nope'; allowed: ['unpruned']",
    ),
    "unknown method that fails": (
        {"figures": {"examples": {"fails": "nope"}}},
        "figures.examples.fails: unknown 'nope'; allowed: ['unpruned']",
    ),
    "layer of no method": (
        {
            "figures": {"accuracy_by_layer": {"layers": [1, 2, 3]}},
            "sweeps": [{"methods": ["fastv"], "layer": [1, 3]}],
        },
        "figures.accuracy_by_layer.layers: unknown '2'; allowed: ['1', '3']",
    ),
    "layer of another family": (
        {
            "figures": {"accuracy_by_layer": {"layers": [1, 2], "families": ["fastv"]}},
            "sweeps": [{"methods": ["fastv"], "layer": [1]}, {"methods": ["knn"], "layer": [2]}],
        },
        "figures.accuracy_by_layer.layers: unknown '2'; allowed: ['1']",
    ),
    "a name in the place of a list": (
        {"tables": {"criteria_table": {"methods": "unpruned"}}},
        "tables.criteria_table.methods: expected a list, got 'unpruned'",
    ),
    "unknown method in a figure": (
        {"tables": {"differences": {"pairs": [["unprunned", "fastv"]]}}},
        "tables.differences.pairs: unknown 'unprunned'; did you mean 'unpruned'",
    ),
    "two methods of one name": (
        {"methods": ["unpruned", {"mine": [FASTV]}, {"mine": [FASTV | {"layer": 2}]}]},
        "study.yaml: methods: there is another 'mine' already",
    ),
    "a method called as another of the library": (
        {"methods": ["unpruned", {"fastv": [FASTV | {"layer": 2}]}, "fastv"]},
        "study.yaml: methods: there is another 'fastv' already",
    ),
    "a point of a sweep called as a method": (
        {
            "methods": ["unpruned", {"fastv-k3": [FASTV | {"layer": 2}]}],
            "sweeps": [{"methods": ["fastv"], "layer": [1, 3]}],
        },
        "sweeps[0]: there is another 'fastv-k3' already",
    ),
    "a point of a sweep called as a method, with the stages of a third": (
        {
            "methods": ["unpruned", {"mine": [FASTV]}, {"fastv-k1": [FASTV | {"layer": 2}]}],
            "sweeps": [{"methods": ["fastv"], "layer": [1]}],
        },
        "sweeps[0]: there is another 'fastv-k1' already",
    ),
    "a matched method called as another": (
        {
            "methods": ["unpruned", {"fastv-t0.5": [FASTV]}],
            "matched": [{"methods": ["fastv"], "share": [0.5]}],
        },
        "matched[0]: there is another 'fastv-t0.5' already",
    ),
    "two budgets of one name": (
        {"matched": [{"methods": ["fastv"], "share": [0.5, 0.50000001]}]},
        "matched[0]: there is another 'fastv-t0.5' already",
    ),
    "without the unpruned model": (
        {"methods": ["fastv"]},
        "methods: 'unpruned' must be one of them",
    ),
    "a tower without attention maps": (
        {"models": {"swin": {"path": "data/testbed/swin"}}, "methods": ["unpruned", "fastervlm"]},
        "models.swin: method 'fastervlm': tower-attention needs the attention of a vision tower",
    ),
    "model from nowhere": (
        {"models": {"random": {"protocol": None}}},
        "study.yaml: models.random: no source is given; allowed: one of path (a folder), hub",
    ),
    "model from two places": (
        {"models": {"random": {"hub": {"repo": "a/b"}, "prismatic": {}}}},
        "study.yaml: models.random: both hub and prismatic are given; allowed: one of path",
    ),
    "misspelt key of a source": (
        {"models": {"random": {"hub": {"repo": "a/b", "revison": "v2"}}}},
        "study.yaml: models.random.hub: key: unknown 'revison'; did you mean 'revision'",
    ),
    "hub without a repository": (
        {"models": {"random": {"hub": {"revision": "v2"}}}},
        "study.yaml: models.random.hub: 'repo' is a required property",
    ),
    "folder without a model": (
        {"models": {"random": {"path": "data/tasks"}}},
        "data/tasks has no config.json",
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_one_line_says_what_is_wrong(config, change, message):
    with pytest.raises(InputError) as error:
        check(config | change)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_models_of_the_hub_have_a_folder_and_are_checked_when_they_are_there(config):
    hub = {"hub": {"repo": "a/b"}}
    config["models"] = {"tiny": hub, "put": hub | {"path": "x"}, "paper": {"prismatic": {}}}
    models = check(config).models
    assert {name: model["path"] for name, model in models.items()} == {
        "tiny": "data/models/tiny", "put": "x", "paper": "data/models/paper",
    }  # fmt: skip
    assert models["tiny"]["hub"] == {"repo": "a/b", "revision": "main"}
    assert models["paper"]["prismatic"] == {
        "checkpoint": {
            "repo": "TRI-ML/prismatic-vlms", "revision": "main",
            "folder": "prism-siglip-controlled+7b",
        },
        "vision": {"repo": "google/siglip-so400m-patch14-384", "revision": "main"},
        "dino": None,
        "tokenizer": {"repo": "meta-llama/Llama-2-7b-hf", "revision": "main"},
        "dtype": "bfloat16",
    }  # fmt: skip
    assert model_files(models["put"]) == ["x/origin.json"]
    needed = {"path": "x", "sha256": None, "protocol": None, "resize": None}
    assert job_settings(check(config).models["put"]) == needed


def test_figures_may_show_families_layers_and_failures_of_the_study(config):
    config["sweeps"] = [{"methods": ["fastv"], "layer": [1, 3], "remove": [0.5]}]
    config["sweeps"] += [{"methods": ["uniform"], "layer": [2]}]
    config["matched"] = [{"methods": ["knn"], "knob": "keep", "as": ["fastv-k1-r0.5"]}]
    config["figures"] = {
        "accuracy_vs_budget": {"families": ["fastv", "uniform", "knn", "fastv-k1-r0.5"]},
        "accuracy_by_layer": {"layers": [2]},
        "retention_maps": {"layers": [5]},
        "examples": {"fails": "uniform-k2"},
    }
    assert check(config).config["figures"] == config["figures"]


def test_weights_must_have_the_digest(config):
    config["models"]["random"] |= {"sha256": "0" * 64}
    with pytest.raises(InputError, match=r"model 'random': .* says 0000"):
        check(config)


def test_numerics_reach_every_score(config):
    inline = {"mine": [FASTV | {"always": {"attention": {"rope": False}}}]}
    asked = {
        "methods": ["unpruned", "fastv", inline],
        "sweeps": [{"methods": ["feather"], "remove": [0.5]}],
    }
    for numerics, arithmetic in (("exact", None), ("feather", "model")):
        methods = Study.of(config | asked | {"numerics": numerics}, SOURCE).methods
        stages = [stage for stages in methods.values() for stage in stages]
        scores = [stage[key] for stage in stages for key in ("score", "always") if key in stage]
        arithmetics = [
            score["attention"].get("arithmetic") for score in scores if "attention" in score
        ]
        assert arithmetics == [arithmetic] * 5


def test_a_model_is_asked_by_a_protocol_of_every_card(config):
    config["models"]["random"]["protocol"] = "llava15"
    config["tasks"] = ["refcoco", "pope"]
    task = check(config).task_for("refcoco", "random")
    assert task.padded and task.access.folder == Path("data/downloads")
    config["tasks"] = ["refcoco", "vsr"]
    config["models"]["random"]["protocol"] = "paligemma"
    with pytest.raises(InputError, match=r"vsr\.yaml: protocols: no 'paligemma'; allowed: \['int"):
        check(config)


def test_a_study_may_extend_another(config, tmp_path):
    base, middle = tmp_path / "base.yaml", tmp_path / "middle.yaml"
    first = {"methods": ["unpruned", "fastv"], "limits": {"attention": 3, "evaluate": 5}}
    base.write_text(yaml.safe_dump(config | first | {"models": {"other": {"path": "x"}}}))
    middle.write_text(yaml.safe_dump({"extends": str(base), "limits": {"evaluate": 7}}))
    last = {"extends": str(middle), "models": {"other": None} | config["models"]}
    complete = check(last | {"limits": {"attention": None}, "methods": ["unpruned"]}).config
    assert complete["limits"] == {"attention": None, "evaluate": 7, "tasks": {}}
    assert list(complete["models"]) == ["random"]
    assert complete["methods"] == ["unpruned"] and complete["name"] == "tiny"


def test_wrong_extensions_are_told(config, tmp_path):
    circle = tmp_path / "circle.yaml"
    circle.write_text(yaml.safe_dump({"extends": str(circle)}))
    with pytest.raises(InputError, match=r"extends: .*circle\.yaml -> .*circle\.yaml is a circle"):
        check(config | {"extends": str(circle)})
    with pytest.raises(InputError, match=r"there is no file nowhere\.yaml"):
        check(config | {"extends": "nowhere.yaml"})
    with pytest.raises(InputError, match="extends: 3 is not of type"):
        check(config | {"extends": 3})
