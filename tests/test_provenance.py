"""What records depend on is in their keys."""

import subprocess
import sys
from pathlib import Path

from prunescope.provenance import ENGINE, HERE, code

# They do not change what is computed: messages, where things lie, and what is kept of them.
ELSE = {"__init__.py", "errors.py", "plugins.py", "provenance.py", "hub", "records"}
MODULES = """
import sys, prunescope.evaluation.evaluate, prunescope.evaluation.score_extraction
print(*(m.__file__ for name, m in sys.modules.items() if name.split(".")[0] == "prunescope"))
"""


def test_every_module_that_a_record_is_computed_with_is_in_the_digest():
    ran = subprocess.run(
        [sys.executable, "-c", MODULES], capture_output=True, text=True, check=True
    )
    used = {Path(each) for each in ran.stdout.split()}
    outside = {path.relative_to(HERE).parts[0] for path in used if not covered(path)}
    assert len(used) > 50
    assert outside == ELSE


def covered(path):
    return any(code(name) in (path, *path.parents) for name in ENGINE)


def test_what_is_in_the_digest_is_there():
    assert all(code(name).exists() for name in ENGINE)
