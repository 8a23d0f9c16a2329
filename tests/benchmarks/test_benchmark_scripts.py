"""What the scripts of benchmarks/ measure; the times themselves are no matter of a test."""

from prunescope.evaluation.side_information import replayed


def test_methods_that_are_timed_together_are_distinct(script):
    evaluation = script("evaluation")
    methods = evaluation.methods(evaluation.STUDY)
    assert len({method.stages for method in methods.values()}) == len(methods) > 30
    assert not any(map(replayed, methods.values()))
