"""Links, commands, files, names and keys on the pages exist."""

import re
import shlex
import tomllib
from collections import Counter
from itertools import takewhile
from pathlib import Path

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from helpers.pages import PAGES, README, ROOT, anchors, blocks, commands, links
from prunescope import criteria, models
from prunescope.cli.app import app
from prunescope.methods import named_methods
from prunescope.methods.parsing import KEYS
from prunescope.study import scripts

LIBRARY = ROOT / "docs/library.md"
BUILT = [ROOT / f"docs/reference/{name}.md" for name in ("study", "task")]  # from the schemas
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def named(page: Path, program: str) -> list[list[str]]:
    """Arguments of each command of `program` on the page."""
    lines = [shlex.split(line) for line in commands(page)]
    return [words[1:] for words in lines if words[0] == program]


def table(page: Path, head: str) -> list[list[str]]:
    """Cells of the rows of the table whose header begins with `head`."""
    lines = [line.strip() for line in page.read_text().splitlines()]
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {head} |")) + 2
    rows = takewhile(lambda line: line.startswith("|"), lines[start:])
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_the_front_page_is_short():
    assert len(README.read_text().splitlines()) <= 120


@every_page
def test_links_lead_somewhere(page):
    for target, anchor in links(page):
        assert target.exists() or target in BUILT, target
        assert not anchor or anchor in anchors(target), f"{target}#{anchor}"


@every_page
def test_commands_of_prunescope_exist(page):
    for words in named(page, "prunescope"):
        command = get_command(app)
        while hasattr(command, "commands"):  # a group, such as `records`
            assert words[0] in command.commands, words
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options | {"--help"}


def test_commands_about_studies_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    lines = {tuple(words) for page in PAGES for words in named(page, "prunescope")}
    lines = {words for words in lines if words[0] in ("explain", "plan") and words[1:]}
    assert {command for command, _ in lines} == {"explain", "plan"}
    for words in lines:
        assert CliRunner().invoke(app, list(words)).exit_code == 0, words


@every_page
def test_targets_of_make_exist(page):
    makefile = (ROOT / "Makefile").read_text()
    for target, *_ in named(page, "make"):
        assert re.search(rf"(?m)^{target}:", makefile), target


@every_page
def test_files_in_commands_exist(page):
    names = re.findall(
        r"(?:workflow|tests|benchmarks|analysis|src)/[\w/.-]+\.(?:yaml|py)", page.read_text()
    )
    missing = {name for name in names if not (ROOT / name).exists()}
    assert missing <= {"src/prunescope/criteria/norm.py"}  # which the reader writes


@every_page
def test_extras_are_declared(page):
    for line in commands(page):
        for extras in re.findall(r"\.\[([\w,]+)\]", line):
            assert set(extras.split(",")) <= EXTRAS.keys(), line


def test_the_stages_table_has_all_keys_and_criteria():
    rows = dict(table(LIBRARY, "key of a stage"))
    assert set(criteria.registry()) <= set(re.findall(r"[\w-]+", rows["`score`"]))
    assert set(KEYS) == set(re.findall(r"`(\w+)`", " ".join(rows)))


def test_the_arguments_table_has_what_scripts_may_ask_for():
    rows = table(ROOT / "CONTRIBUTING.md", "argument of `make`")
    listed = set(re.findall(r"`(\w+)`", " ".join(name for name, *_ in rows)))
    assert listed >= {*scripts.RESULTS, *scripts.SETTINGS, *scripts.FILES, "cards"}


def test_the_families_table_has_all_families():
    names = " ".join(family for family, *_ in table(LIBRARY, "family"))
    assert sorted(re.findall(r"`(\w+)`", names)) == sorted(models.registry())


def test_the_methods_table_has_all_methods_of_the_library():
    names = " ".join(name for name, *_ in table(LIBRARY, "name"))
    assert sorted(re.findall(r"`([\w-]+)`", names)) == sorted(named_methods())


def test_the_protocols_table_counts_the_cards():
    cards = [yaml.safe_load(path.read_text()) for path in (ROOT / "data/tasks").glob("*.yaml")]
    having = Counter(name for card in cards for name in card.get("protocols", {}))
    rows = table(ROOT / "docs/benchmarks.md", "protocol")
    counts = [re.findall(r"`(\w+)`", names) for names, _ in rows]
    assert sorted(name for names in counts for name in names) == sorted(having)
    assert [{having[name] for name in names} for names in counts] == [{16}, {12}, {11}, {7}]


def test_the_rules_of_the_design_exist():
    workflow = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    names = " ".join(rule for rule, *_ in table(ROOT / "docs/design.md", "rule"))
    for rule in re.findall(r"`(\w+)`", names):
        assert re.search(rf"(?m)^(rule|use rule .*\bas) {rule}\b", workflow), rule


def test_the_studies_table_has_the_studies_of_the_testbed():
    rows = {name.strip("`") for name, *_ in table(ROOT / "docs/studies.md", "file")}
    papers = {
        f"{name}.yaml"
        for cell, *_ in table(ROOT / "docs/paper.md", "study in `workflow/config/`")
        for name in re.findall(r"`([\w-]+)`", cell)
    }
    assert rows | papers == {path.name for path in (ROOT / "workflow/config").glob("*.yaml")}


def test_lmms_eval_of_the_extra_was_tried():
    [tried] = re.findall(r"have been tried, with ([\d.]+)", LIBRARY.read_text())
    assert f">={tried}," in "".join(EXTRAS["scorers"])


def test_yaml_blocks_are_yaml():
    assert all(yaml.safe_load(text) for page in PAGES for text in blocks(page, "yaml"))
