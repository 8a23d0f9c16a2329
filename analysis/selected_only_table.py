"""Only the tokens that the score selects enter the language model (table 2 of FEATHER).

"Before the LLM" replays what the method named beside it keeps, so that no layer ever sees another
token: what is left of the accuracy is owed to which tokens are selected. The paper runs it without
RoPE in the score, at an early and a later K; if the later selects better, its row is the better
one. share is what a layer sees on average of the visual tokens. Intervals are 95 %, by image.
"""

from prunescope.jobs import run

from prunescope.figures.tables import write_by_task as make

run(make, globals())
