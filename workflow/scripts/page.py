"""Write the report page."""

from prunescope.jobs import run

from pathlib import Path

from prunescope.report.manifest import manifest
from prunescope.report.notes import left_out, silent
from prunescope.report.page import Findings, Items, within, write
from prunescope.statistics.reading import read_records


def make(
    ledgers, published, benchmarks, shown, records, attention, template, page,
    study, stands_for, captions, configuration, seed, tolerance,
):  # fmt: skip
    home = Path(page).parent
    mute, lacking = silent(read_records(records, ["invalid"])), left_out(records)
    notes = {model: lacking.get(model, []) + mute[model] for model in stands_for}
    own = zip(stands_for, ledgers, published, benchmarks, stands_for.values(), strict=True)
    findings = {m: Findings(*within(home / m, shown), *each, notes[m]) for m, *each in own}
    facts = {"configuration": configuration, "seed": seed} | manifest(attention)
    write(page, study, findings, Items(*within(home, shown)), captions, facts, tolerance, template)


run(make, globals())
