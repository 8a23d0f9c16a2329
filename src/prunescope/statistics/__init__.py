"""Statistics of the stored results: tables in, tables out, a seed for every draw, no torch.

Estimates are tidy: one row each with `value`, `low`, `high` (an interval over images), `examples`
and `units` (the images behind it). docs/statistics.md explains the intervals. Modules:

- `reading`: `read_records`, `read_scores`, `read_every_scores`, `localization_tasks`.
- `bootstrap`: `Bootstrap(resamples, level, seed)`, intervals that resample images.
- `accuracy`: means, paired differences and tests of answers; budgets; groups of tasks.
- `rare`: intervals of answers and their differences that also hold where few images vary.
- `by_method`: tables with a row for each method.
- `position`: where kept tokens lie, from scores, at any layer and fraction.
- `kept_tokens`: where kept tokens lie, from records of any size.
- `sequence_shares`: share kept in the first, middle and last part of the sequence and of the rows.
- `quarters`: kept tokens by quarters of the height, in which a regular grid is even.
- `uniformity`: how far kept tokens are from an even choice.
- `decay`: scores against the place in the sequence.
- `boxes`: kept tokens of the true box, and accuracy by its place.
- `proportions`: exact intervals, McNemar's test, Cohen's g.
- `multiple`: p-values adjusted for many tests.
- `yes_no`: F1 and other measures of yes-no questions.
"""
