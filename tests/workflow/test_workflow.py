"""The workflow as files: rules and plans. Nothing is computed; the smoke study does that."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from helpers.testbed_model import save_model

ROOT = Path(__file__).parents[2]
RULE_FILES = sorted((ROOT / "workflow/rules").glob("*.smk"))


def rules():
    """Name and text of every rule that runs a script; not of those that reuse one (`use rule`)."""
    for file in RULE_FILES:
        for block in re.split(r"(?m)^(?=rule |use rule )", file.read_text())[1:]:
            if block.startswith("rule ") and "script:" in block:
                yield re.match(r"rule (\w+):", block)[1], block


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The smoke study on two random models in two shards, somewhere else than the real one."""
    folder = tmp_path_factory.mktemp("study")
    config = yaml.safe_load((ROOT / "workflow/config/smoke.yaml").read_text())
    model = {"path": str(folder / "model")}
    config |= {"name": f"dry-{os.getpid()}", "models": {"a": model, "b": model}, "shards": 2}
    config["tables"]["models_table"] = {"methods": ["feather"]}
    save_model(folder / "model")
    (folder / "study.yaml").write_text(yaml.safe_dump(config))
    return folder / "study.yaml"


def snakemake(*arguments):
    command = [sys.executable, "-m", "snakemake", "--nolock", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("name", "text"), [pytest.param(*rule, id=rule[0]) for rule in rules()])
def test_rule_script_log_and_benchmark_have_one_name(name, text):
    assert re.search(r'script:\n +"\.\./scripts/(\w+)\.py"', text)[1] == name
    for directive in ("log", "benchmark"):
        [path] = re.findall(rf'(?m)^    {directive}:\n +f?"(.*)"', text)
        assert name in re.split(r"[/.]", path), f"{directive}: {path}"
    assert text.split("\n")[1].strip().startswith('"""'), "no docstring"


@pytest.mark.parametrize(("name", "text"), [pytest.param(*rule, id=rule[0]) for rule in rules()])
def test_an_edit_of_the_code_that_a_script_imports_reruns_its_rule(name, text):
    """`test_provenance` shows that the digest changes with every module that a script imports."""
    assert f'code=code_of("{name}"),' in text.split("    params:\n")[1]


def test_so_it_is_with_figures_and_the_notebook():
    figures = (ROOT / "workflow/rules/figures.smk").read_text()
    assert 'code=script_digest(scripts.ANALYSIS / f"{name}.py"),' in figures
    report = (ROOT / "workflow/rules/report.smk").read_text()
    [notebook] = re.findall(r'notebook:\n +"\.\./\.\./(.*)"', report)
    assert f'code=script_digest("{notebook}"),' in report


def test_scripts_are_short_and_all_used():
    scripts = {path.stem: path for path in (ROOT / "workflow/scripts").glob("*.py")}
    assert set(scripts) <= {name for name, _ in rules()}
    assert all(len(path.read_text().splitlines()) <= 40 for path in scripts.values())


class _Closed(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML keeps the last without a word."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(set(map(str, keys))) == len(keys), f"{node.start_mark}: {keys}"
        return super().construct_mapping(node, deep)


@pytest.mark.parametrize("path", sorted((ROOT / "workflow").rglob("*.yaml")), ids=lambda p: p.name)
def test_no_key_stands_twice(path):
    assert yaml.load(path.read_text(), _Closed)


def test_profile_of_slurm_names_rules_there_are():
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    runs_a_model = {name for name, text in rules() if "gpu=GPUS" in text}
    assert set(profile["set-resources"]) == runs_a_model | {"calibrate", "convert"}


def test_plan_has_every_step_but_training(study):
    plan = snakemake("--dry-run", "--cores", 2, "--configfile", study)
    assert plan.returncode == 0, plan.stdout + plan.stderr
    jobs = dict(re.findall(r"(?m)^(\w+) +(\d+)$", plan.stdout + plan.stderr))
    config = yaml.safe_load(study.read_text())
    assert jobs["attention"] == jobs["evaluate"] == str(len(config["tasks"]) * 2 * 2)
    # over all models
    once = {"models_table", "cost_table", "content_free", "content_free_heads"}
    once |= {"content_free_table", "explanations_table"}
    items = {*config["figures"], *config["tables"], "ledger", "operations", "timing"}
    assert {jobs[name] for name in once | {"page"}} == {"1"}
    assert {jobs[name] for name in items - once} == {"2"}
    for path in ("a/figures/retention_maps.png", "b/ledger.csv", "tables/models_table.csv"):
        assert f"{config['name']}/{path}" in plan.stdout + plan.stderr
    text = (ROOT / "workflow/rules/testbed.smk").read_text()
    training = set(re.findall(r"(?m)^rule (\w+)", text))
    assert training and not training & jobs.keys()
    assert plan.stderr.count(f"Study {config['name']}: about") == 1
    assert "Study dry-" not in plan.stdout


def test_a_graph_is_a_graph_and_no_plan(study):
    graph = snakemake("--rulegraph", "--configfile", study)
    assert graph.stdout.startswith("digraph") and graph.stdout.rstrip().endswith("}")
    assert "Study dry-" not in graph.stdout + graph.stderr


def test_wrong_configuration_is_one_message_before_any_job(study):
    wrong = snakemake("--dry-run", "--configfile", study, "--config", "tasks=[locat]")
    assert wrong.returncode != 0
    assert (
        "study.yaml: tasks: unknown 'locat'; did you mean 'locate'?" in wrong.stderr + wrong.stdout
    )
    assert "jobid" not in wrong.stdout + wrong.stderr
