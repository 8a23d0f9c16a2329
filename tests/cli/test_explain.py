"""`prunescope explain`: all that a study does, and methods in words."""

from pathlib import Path

import pytest
import yaml

from prunescope import criteria
from prunescope.claims.claims import CLAIMS
from prunescope.cli import main
from prunescope.cli.method_words import SCORES, method_in_words
from prunescope.methods import LIBRARY
from prunescope.study import Study

ROOT = Path(__file__).parents[2]
ATTENTION = {"attention": {"rope": False}}


@pytest.mark.parametrize("name", ["testbed", "paper"])
def test_everything_that_a_study_has_is_named(name, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    config = f"workflow/config/{name}.yaml"
    assert main(["explain", config]) == 0
    out = capsys.readouterr().out
    study = Study.load(config)
    items = [*study.config["figures"], *study.config["tables"]]
    for word in [*study.models, *study.tasks, *study.methods, *items, *study.config["claims"]]:
        assert f"\n{word} " in out
    for claim in CLAIMS:
        assert claim.statement in out
    assert f"{study.config['reports']}/report.html" in out


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([], "the model as it is, with all visual tokens"),
        ([{"layer": 3, "remove": 0.75, "score": ATTENTION}],
         "before layer 3: keep 25 % by attention (without RoPE)"),
        ([{"layer": 0.5, "remove": 0.7, "power": 2, "score": ATTENTION}],
         "after 50 % of the layers: keep 9 % by attention (without RoPE)"),
        ([{"layer": 1, "keep": 20, "score": {"random": {}}},
          {"layer": 2, "keep": 0.5, "of": "all", "score": {"centre": None}}],
         "before layer 1: keep 20 tokens by a random draw; "
         "before layer 2: keep 50 % of all tokens by nearness to the centre"),
        ([{"layer": 1, "score": {"uniform": {"stride": 2}}, "positions": "compact"}],
         "before layer 1: keep a uniform grid (stride 2), positions numbered anew"),
        ([{"layer": 1, "remove": None, "score": {"lattice": {}},
           "always": {"uniform": {"stride": 3}}}],
         "before layer 1: keep some by an even lattice, and always a uniform grid (stride 3)"),
        ([{"layer": 0, "keep": 1.0, "score": {"random": {}}, "scan": "reversed"}],
         "before layer 0: keep 100 % by a random draw, image read reversed"),
    ],
)  # fmt: skip
def test_methods_in_words(stages, words):
    assert method_in_words(stages) == words


def test_every_criterion_has_words():
    assert set(SCORES) == set(criteria.registry())
    for stages in yaml.safe_load(LIBRARY.read_text()).values():
        assert method_in_words(stages)
