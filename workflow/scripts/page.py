"""Write the report page."""

from prunescope.jobs import run

from pathlib import Path

from prunescope.report.manifest import manifest, page_facts, sizes
from prunescope.report.notes import left_out, silent
from prunescope.report.page import Items, ModelItems, Report, within
from prunescope.statistics.reading import read_records


def make(
    ledgers, published, benchmarks, shown, records, attention, template, page,
    study, stands_for, notebook, captions, configuration, seed, tolerance, timings,
):  # fmt: skip
    home, answers = Path(page).parent, read_records(records, ["invalid"])
    lacking, mute, size = left_out(records), silent(answers), sizes(answers, attention)
    files = zip(stands_for, ledgers, published, benchmarks, strict=True)
    models = {
        model: ModelItems(
            *within(home / model, shown),
            *tables,
            stands_for=stands_for[model],
            size=size[model],
            notebook=home / model / notebook,
            notes=lacking.get(model, []) + mute[model],
        )
        for model, *tables in files
    }
    facts = {"study": configuration, "seed": seed} | page_facts(timings) | manifest(attention)
    across = Items(*within(home, shown))
    Report(study, models, across, captions, facts, tolerance).write(Path(page), Path(template))


run(make, globals())
