"""Digests of code: what records depend on is in their keys, what a job imports is in its rule."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from prunescope.provenance import ENGINE, HERE, code, imported_files, script_digest

ROOT = Path(__file__).parents[1]
SCRIPTS = [
    *sorted(ROOT.glob("workflow/scripts/*.py")),
    *sorted(ROOT.glob("analysis/*.py")),
    ROOT / "notebooks/retention_maps.ipynb",
]
# Parts that do not change what is computed: messages, places of files, and the store.
NOT_ENGINE = {
    "__init__.py",
    "errors.py",
    "plugins.py",
    "progress.py",
    "provenance.py",
    "schemas.py",
}
NOT_ENGINE |= {"hub", "records", "study", "method_names.py"}
# Imports each script anew, and prints the files of prunescope that it loads.
IMPORT = """
import contextlib, json, runpy, sys

def modules():
    return [name for name in sys.modules if name.split(".")[0] == "prunescope"]

files = {}
for script in sys.argv[1:]:
    for name in modules():
        del sys.modules[name]
    with contextlib.redirect_stdout(sys.stderr):
        runpy.run_path(script, run_name="job")
    files[script] = [sys.modules[name].__file__ for name in modules()]
print(json.dumps(files))
"""


def python(program, *arguments):
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_that_a_record_is_computed_with_is_in_the_digest():
    used = imported_files(HERE / "evaluation/evaluate.py")
    used |= imported_files(HERE / "evaluation/score_extraction.py")
    outside = {path.relative_to(HERE).parts[0] for path in used if not in_engine(path)}
    assert outside <= NOT_ENGINE


def in_engine(path):
    return any(code(name) in (path, *path.parents) for name in ENGINE)


def test_what_is_in_the_digest_exists():
    assert all(code(name).exists() for name in ENGINE)


@pytest.fixture(scope="module")
def imported():
    """Files of prunescope that are loaded when a script is imported, by script."""
    scripts = [path for path in SCRIPTS if path.suffix == ".py"]
    return json.loads(python(IMPORT, *scripts))


def test_all_modules_that_scripts_load_are_in_their_digests(imported):
    assert len(imported) > 40
    for script, files in imported.items():
        lacking = set(map(Path, files)) - imported_files(script)
        assert files and not lacking, f"{script}: not in its digest: {lacking}"


@pytest.fixture
def package(tmp_path):
    """A package with a chain of imports, one inside a function, plug-ins, data, and a bystander."""
    files = {
        "__init__.py": "",
        "first.py": "from prunescope.second import thing\n",
        "second.py": "def thing():\n    from prunescope.rules import known\n",
        "rules/__init__.py": "from prunescope.plugins import discover\n",
        "rules/found.py": "",
        "rules/table.json": "[1]",
        "rules/library.yaml": "reaches jobs as parameters",
        "plugins.py": "",
        "bystander.py": "import prunescope.first\n",
    }
    home = tmp_path / "prunescope"
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


@pytest.mark.parametrize("kind", ["py", "ipynb"])
def test_what_a_script_depends_on(package, tmp_path, kind):
    script, line = tmp_path / f"script.{kind}", "import prunescope.first"
    cells = {"cells": [{"cell_type": "code", "source": [line]}]}
    script.write_text(line if kind == "py" else json.dumps(cells))
    names = {str(path.relative_to(package)) for path in imported_files(script, package)}
    assert names == {
        "__init__.py", "first.py", "second.py", "plugins.py",
        "rules/__init__.py", "rules/found.py", "rules/table.json",
    }  # fmt: skip


def test_the_digest_of_a_script_changes_with_any_module(monkeypatch):
    script = ROOT / "workflow/scripts/evaluate.py"
    before, read = script_digest(script), Path.read_bytes
    files = imported_files(script)
    assert HERE / "criteria/uniform.py" in files and HERE / "methods/stages.py" in files
    for edited in files:
        monkeypatch.setattr(
            Path, "read_bytes", lambda path, e=edited: read(path) + b"#" * (path == e)
        )
        assert script_digest(script) != before, edited
    monkeypatch.setattr(Path, "read_bytes", read)
    assert script_digest(script) == before
