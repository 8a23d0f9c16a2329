"""The README's examples work as they stand there, and its table has all families."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from helpers.tiny_llava import build_inputs, build_llava
from prunescope import criteria, models
from prunescope.methods import check, parse_methods
from prunescope.methods.parsing import FIELDS
from prunescope.study import Study
from prunescope.testing.contracts import check_criterion

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
YAML = re.findall(r"```yaml\n(.*?)```", README, re.S)
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.fixture
def norm(monkeypatch):
    """The class that the README writes, found as if its file were there."""
    [source] = [code for code in PYTHON if "class" in code]
    namespace = {"__name__": "norm"}
    exec(source, namespace)
    monkeypatch.setattr(criteria, "known", lambda: {"norm": namespace["Norm"]})
    return namespace["Norm"]


def test_the_criterion_keeps_the_contract(norm):
    [test] = [code for code in PYTHON if "check_criterion" in code]
    exec(test, {"Norm": norm})
    check_criterion(norm(largest=False))


def test_the_method_names_the_criterion(norm):
    [method] = [each for each in YAML if "norm" in each]
    [parsed] = parse_methods(yaml.safe_load(method), "README").values()
    check(parsed, depth=12)
    assert parsed.stages[0].criterion == norm(largest=True)
    assert parsed.stages[0].count(144) == 36


def test_the_matched_methods_are_a_study(monkeypatch):
    monkeypatch.chdir(ROOT)
    [matched] = [each for each in YAML if "matched" in each]
    study = yaml.safe_load((ROOT / "workflow/config/smoke.yaml").read_text())
    complete = Study.of(study | yaml.safe_load(matched), "README")
    names = [method.name for method in complete.wanted]
    assert names == ["fastv-k1-as-feather", "lattice-k1-as-feather"]


def test_the_lmms_eval_that_was_tried_can_be_installed():
    [tried] = re.findall(r"have been tried, with ([\d.]+)", README)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    scorers = map(Requirement, project["optional-dependencies"]["scorers"])
    assert tried in {each.name: each.specifier for each in scorers}["lmms-eval"]


def test_the_models_of_the_hub_are_a_study(monkeypatch):
    monkeypatch.chdir(ROOT)
    [models] = [each for each in YAML if "prismatic" in each]
    complete = Study.of({"tasks": ["pope"]} | yaml.safe_load(models), "README")
    assert complete.models["paper"]["path"] == "data/models/paper"


def test_use_without_the_workflow():
    [use] = [code for code in PYTHON if "record_scores" in code]
    names = {"model": build_llava(), "inputs": build_inputs((5, 3))}
    exec(use, names)
    assert [[len(each) for each in stage] for stage in names["trace"].kept] == [[9, 9]]
    assert names["trace"].kv_lengths[3] == [9 + 1 + 5, 9 + 1 + 3]


def test_the_tables_have_all_families_and_criteria():
    stages, families = README.split("| key of a stage |")[1].split("| family |")
    rows = re.findall(r"^\| (`.*?) \|", families, re.M)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(models.known())
    [score] = re.findall(r"^\| `score` \|.*", stages, re.M)
    assert set(criteria.known()) <= set(re.findall(r"[\w-]+", score))
    for key in FIELDS:
        assert f"`{key}" in stages
