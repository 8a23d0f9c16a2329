"""Code on the pages runs as it stands, on tiny models."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from torch import Tensor

from helpers.chat_model import save_model
from helpers.pages import PAGES, README, ROOT, blocks
from helpers.tiny_benchmarks import picture
from helpers.tiny_llava import build_inputs, build_llava
from prunescope import criteria
from prunescope.criteria import Criterion, Selection
from prunescope.methods import check, parse_methods
from prunescope.study import Study, paths
from prunescope.study.study import SCHEMA
from prunescope.testing.contracts import check_criterion

KEYS = yaml.safe_load(SCHEMA.read_text())["properties"].keys()
LIBRARY = ROOT / "docs/library.md"
IMPORTS = {"dataclass": dataclass, "ClassVar": ClassVar, "Criterion": Criterion, "Tensor": Tensor}
[LLAVA] = [code for code in blocks(README, "python") if "llava-1.5" in code]


class Tokens:
    """A processor whose answers are the numbers of their tokens."""

    def batch_decode(self, tokens, skip_special_tokens):
        return tokens.tolist()


def run(page: Path, *left_out: str, **given) -> dict:
    """The names that the Python of a page defines, one block after the other, and those `given`.

    The page may use a model, its processor, inputs and batches of them, as its text says.
    left_out: words of blocks that are not run.
    """
    inputs = build_inputs((5, 3))
    names = {"model": build_llava(), "inputs": inputs, "processor": Tokens(), "batches": [inputs]}
    names |= IMPORTS | {"Selection": Selection, "__name__": "page"} | given
    for code in blocks(page, "python"):
        if not any(word in code for word in left_out):
            exec(code, names)
    return names


@pytest.fixture
def register(monkeypatch):
    """Registers a criterion, as if its file were in the package."""

    def add(criterion: type[Criterion]) -> type[Criterion]:
        registry = criteria.registry() | {criterion.name: criterion}
        monkeypatch.setattr(criteria, "registry", lambda: registry)
        return criterion

    return add


@pytest.fixture
def norm(register):
    """The criterion that the library page writes."""
    [source] = [code for code in blocks(LIBRARY, "python") if "class Norm" in code]
    exec(source, names := {"__name__": "norm"})
    return register(names["Norm"])


def test_the_library_page(norm):
    names = run(LIBRARY, "lmms_eval", "class Norm", Norm=norm)
    assert [[len(kept) for kept in stage] for stage in names["trace"].kept] == [[9, 9]]
    assert len(names["answers"]) == len(names["kept"]) == 2
    assert names["scores"].shape == (2, 6, 2, 36)
    check_criterion(norm(largest=False))


@pytest.mark.parametrize("page", [README, ROOT / "docs/index.md"], ids=["README", "index"])
def test_the_first_lines(page):
    names = run(page, "llava-1.5")
    assert [len(stage) for stage in names["trace"].kept] == [2, 2]
    assert sum(map(len, names["trace"].kept[-1])) < 2 * 36


def test_the_criterion_of_the_front_page(register):
    check_criterion(register(run(README, "llava-1.5")["Norm"])())


def test_llava_of_the_hub(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_model(Path("llava-hf/llava-1.5-7b-hf"))
    picture(0).save("photo.jpg")
    assert "cuda" in LLAVA and len(LLAVA.splitlines()) <= 13
    exec(LLAVA.replace("cuda", "cpu"), names := {})
    assert len(names["trace"].kept) == 2 and capsys.readouterr().out.strip()


YAML = [
    pytest.param(yaml.safe_load(text), id=f"{page.stem}-{number}")
    for page in PAGES
    for number, text in enumerate(blocks(page, "yaml"))
    if "extends:" not in text
]
STUDIES = blocks(ROOT / "docs/studies.md", "yaml")
EXTENSIONS = [yaml.safe_load(text) for text in STUDIES if "extends:" in text]
BASE = {"models": {"rope": {"path": "data/testbed/rope"}}, "tasks": ["pope"]}


def test_a_study_that_extends_another_has_its_own_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    [data] = EXTENSIONS
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(data))
    study = Study.load(tmp_path / "mine.yaml")
    assert (paths.folder(study), paths.reports(study)) == ("results/mine", "reports/mine")
    assert list(study.tasks) == data["tasks"]


@pytest.mark.parametrize("data", YAML)
def test_yaml_is_part_of_a_study_or_of_a_library(data, norm, monkeypatch):
    monkeypatch.chdir(ROOT)
    if data.keys() <= KEYS:
        methods = ["unpruned", "feather", *data.get("methods", [])]
        study = Study.of(BASE | data | {"methods": methods}, "page")
        data = study.methods
    methods = parse_methods(data, "page")
    for method in methods.values():
        check(method, depth=12)


def test_the_matched_methods():
    [matched] = [data for [data] in (case.values for case in YAML) if "matched" in data]
    study = Study.of(BASE | matched | {"methods": ["unpruned", "feather"]}, "page")
    names = [method.name for method in study.wanted]
    assert names == ["fastv-k1-as-feather", "lattice-k1-as-feather"]


def test_the_converted_model_is_in_the_default_folder():
    [models] = [data for [data] in (case.values for case in YAML) if "paper" in str(data)]
    study = Study.of(BASE | models, "page")
    assert study.models["paper"]["path"] == "data/models/paper"
