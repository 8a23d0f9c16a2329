"""Accuracy by how the attention score is taken, at the same count.

All rows of one K keep the same number of tokens. FastV takes the last token's attention in layer
K - 1, softmax over the image, mean over heads; each other row changes one of these: softmax over
the whole row (as FastV's code has it) and, with it, the mean of all queries (the text of its
paper); the mean of all text tokens as the query; the maximum over heads; the queries and keys of
layer K itself. Bars are 95 % intervals that resample images; the table beside has the tokens.
"""

from prunescope.jobs import run

from prunescope.figures.recipes import forest_of_groups as make

run(make, globals())
