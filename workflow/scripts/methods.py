"""Write the methods of a study for one model, and how those of `matched` were solved."""

from prunescope.jobs import run

from pathlib import Path

import pandas as pd
import yaml

from prunescope.budgets.calibration import Scores
from prunescope.budgets.matching import COLUMNS, solve
from prunescope.statistics.reading import read_scores
from prunescope.study.variations import Wanted


def make(scores, methods, matched, fixed, wanted):
    solved, rows = {}, []
    if wanted:
        calibration = Scores(read_scores([scores])).calibration()
        solved, rows = solve([Wanted(**method) for method in wanted], fixed, calibration)
    Path(methods).write_text(yaml.safe_dump(fixed | solved, sort_keys=False))
    pd.DataFrame(rows, columns=COLUMNS).to_csv(matched, index=False)


run(make, globals())
