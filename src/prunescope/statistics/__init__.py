"""Statistics on the stored results: tables in, tables out, no torch, a seed for every draw.

Estimates are tidy: one row per estimate with `value`, `low`, `high` (an interval that resamples
images), `examples` and `units` (images behind it). Import from the modules:
`inputs` reads, `bootstrap` resamples, `position` is about where kept tokens lie, `accuracy` about
answers, `boxes` joins the two.
"""
