"""Accuracy by variant of the attention score, at equal numbers of tokens.

Rows of one K keep equally many tokens. FastV takes the last token's attention in layer K - 1,
softmax over the image, mean over heads. Every other row changes one of these: softmax over the
whole row (FastV's code), also with the mean of all queries (its paper); mean over the text's
queries; maximum over heads; queries and keys of layer K. Bars: 95 % intervals, by image.
"""

from prunescope.jobs import run

from prunescope.figures.recipes import forest_of_groups as make

run(make, globals())
