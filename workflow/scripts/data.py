"""Load the examples of a benchmark, once for all jobs, and write down what is there."""

import json
from pathlib import Path

from prunescope import tasks
from prunescope.scripting import run


def make(card, found, access, splits):
    task = tasks.read_task(card, access=access)
    facts = {split: tasks.inventory(task.of_split(split)) for split in splits}
    Path(found).write_text(json.dumps(facts, indent=1) + "\n")


run(make, globals())
