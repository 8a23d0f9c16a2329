"""Write the report page."""

from pathlib import Path

from prunescope.provenance import manifest
from prunescope.report import Findings, Items, within, write
from prunescope.scripting import run


def make(
    ledgers, published, shown, attention, template, page,
    study, models, captions, configuration, seed,
):  # fmt: skip
    home = Path(page).parent
    files = zip(models, ledgers, published, strict=True)
    findings = {name: Findings(*within(home / name, shown), *own) for name, *own in files}
    facts = {"configuration": configuration, "seed": seed} | manifest(attention)
    write(page, study, findings, Items(*within(home, shown)), captions, facts, template)


run(make, globals())
