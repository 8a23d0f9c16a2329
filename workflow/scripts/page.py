"""Write the report page."""

from pathlib import Path

from prunescope.provenance import manifest
from prunescope.report import write
from prunescope.scripting import run


def make(
    figures, tables, ledger, published, attention, template, page,
    study, captions, configuration, seed,
):  # fmt: skip
    facts = {"configuration": configuration, "seed": seed} | manifest(attention)
    files = _by_name(figures), _by_name(tables), ledger, published
    write(page, study, *files, captions, facts, template)


def _by_name(paths):
    return {Path(path).stem: path for path in paths}


run(make, globals())
