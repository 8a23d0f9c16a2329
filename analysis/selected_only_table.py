"""Accuracy if only the selected tokens enter the language model (table 2 of FEATHER).

"Before the LLM" replays what the named method keeps, so that no layer sees another token: the
accuracy depends on which tokens are selected, not on earlier layers. The paper uses the score
without RoPE, at an early and a later K. share is the mean share of visual tokens per layer.
Intervals are 95 %, by image, exact where events are rare.
"""

from prunescope.jobs import run

from prunescope.figures.tables import write_by_task as make

run(make, globals())
