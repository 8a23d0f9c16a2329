"""Statistics on the stored results: tables in, tables out, no torch, a seed for every draw.

Estimates are tidy: one row per estimate with `value`, `low`, `high` (an interval that resamples
images), `examples` and `units` (images behind it). Import from the modules:

- `inputs` reads: `read_records(paths, columns)`, `read_scores(paths)`, `localization_tasks`.
- `bootstrap`: `Bootstrap(resamples, level, seed)`, with `.interval(sums, statistic)` and
  `.means(values, units, contrasts)`.
- `position`, where kept tokens lie, from scores: `position_bias(scores, removes, bootstrap)` by
  row of the image and `map_bias(scores, removes, bootstrap)` by cell, both with the column
  `chance` (what choosing at random gives); `retention(scores, remove)` is P(kept | row, col) and
  `retention_maps(scores, removes)` the same along a dimension `remove`.
- `decay`, scores against place in the sequence: `rank_correlation(scores, bootstrap)` with the
  raster index, `decay_curve(scores, bootstrap)` (column `distance`, in tokens),
  `decay_slope(scores, bootstrap)`.
- `tokens`, kept tokens of any records, hundreds of millions of them: `count_tokens(paths, by)`
  gives counts by stage and raster index, `kept_position(paths, grid, bootstrap)` the measures
  of `position_bias` by method and stage.
- `accuracy`, answers: `by_method`, `estimates`, `differences`, `budgets`, `task_groups`,
  `compare(records, pairs, localization, bootstrap, adjust)`.
- `proportions`: `wilson(successes, trials, level)`, `mcnemar(gains, losses)`, `cohens_g`.
- `multiple`: `holm(p)`, `benjamini_hochberg(p)`, `adjusted(p, how)` with how: holm | bh.
- `boxes` joins places and answers: `with_recall`, `by_band`, `recall_by_layer`.
- `wide`, tables with a column for each task; `yes_no`, what such questions have besides accuracy;
  `silence`, tasks without a readable answer.
"""
