"""Write the methods of a study for one model, check that they fit it, and say how those of
`matched` were solved."""

from prunescope.jobs import run

from pathlib import Path

import pandas as pd
import yaml

from prunescope.budgets.calibration import Scores
from prunescope.budgets.matching import COLUMNS, solve
from prunescope.evaluation.setup import check_methods, checkpoint
from prunescope.methods import parse_methods
from prunescope.statistics.reading import read_scores
from prunescope.study.variations import Wanted


def make(scores, methods, matched, fixed, wanted, name, model, execution):
    solved, rows = {}, []
    if wanted:
        calibration = Scores(read_scores([scores])).calibration()
        solved, rows = solve([Wanted(**method) for method in wanted], fixed, calibration)
    parsed = parse_methods(fixed | solved, "methods")
    check_methods(checkpoint(name, model, execution), parsed.values())
    Path(methods).write_text(yaml.safe_dump(fixed | solved, sort_keys=False))
    pd.DataFrame(rows, columns=COLUMNS).to_csv(matched, index=False)


run(make, globals())
