from prunescope.methods import Method as Method
from prunescope.methods import Stage as Stage
from prunescope.methods import named_methods as named_methods
from prunescope.pruning import prune as prune
from prunescope.scores import record_scores as record_scores

__version__: str
