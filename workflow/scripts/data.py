"""Load the examples of a benchmark once for all jobs, and write down how many there are."""

from prunescope.jobs import run

import json
from pathlib import Path

from prunescope.errors import InputError
from prunescope.tasks.card import read_task
from prunescope.tasks.examples import inventory


def make(card, counts, access, splits):
    task = read_task(card, access=access)
    try:
        facts = {split: inventory(task.of_split(split)) for split in splits}
    except InputError as error:
        advice = f"The other tasks go on; for a report without {task.name}, take it out of `tasks`"
        raise InputError(f"{str(error).rstrip('.')}. {advice}") from error
    Path(counts).write_text(json.dumps(facts, indent=1) + "\n")


run(make, globals())
