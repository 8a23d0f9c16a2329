"""How a method is carried out on a running model; `prunescope.pruning` is the way in."""
