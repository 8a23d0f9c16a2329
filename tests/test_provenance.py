"""What records depend on is in their keys."""

import subprocess
import sys
from pathlib import Path

from prunescope.provenance import ENGINE, HERE

# Do not change what is computed: messages, where things lie, and what is kept of them.
ELSE = (
    "__init__", "disk", "discovery", "errors", "intact", "memory", "origins", "provenance", "store",
)  # fmt: skip
MODULES = """
import sys, prunescope.evaluation, prunescope.extraction
print(*(m.__file__ for name, m in sys.modules.items() if name.split(".")[0] == "prunescope"))
"""


def test_every_module_that_a_record_is_computed_with_is_in_the_digest():
    ran = subprocess.run(
        [sys.executable, "-c", MODULES], capture_output=True, text=True, check=True
    )
    used = {Path(each) for each in ran.stdout.split()}
    outside = {
        path.relative_to(HERE)
        for path in used
        if not any(each in (path, *path.parents) for each in ENGINE)
    }
    assert len(used) > 50
    assert outside == {*(Path(f"{name}.py") for name in ELSE), Path("testbed/__init__.py")}


def test_what_is_in_the_digest_is_there():
    assert all(path.exists() for path in ENGINE)
