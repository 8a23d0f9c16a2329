"""Intervals for many checks at once: Bonferroni's correction."""

from dataclasses import replace

from scipy.special import stdtrit  # `scipy.stats` takes a second to import

from prunescope.claims.evidence import Effect


def widened(effect: Effect, tests: int, level: float) -> Effect:
    """The effect with an interval that covers together with those of `tests` - 1 other effects.

    Each half of the interval of coverage `level` grows as Student's interval for the effect's
    images does. So the chance that any of the intervals misses its truth is at most 1 - level.
    """
    if tests == 1 or effect.units < 2:
        return effect
    tail = (1 - level) / 2
    wide, plain = (stdtrit(effect.units - 1, 1 - t) for t in (tail / tests, tail))
    lower, upper = (wide / plain * (end - effect.value) for end in (effect.low, effect.high))
    return replace(effect, low=effect.value + lower, high=effect.value + upper)
