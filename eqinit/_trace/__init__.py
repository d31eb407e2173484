"""Run a constructor in part: trace it once, then compute only the outputs wanted.

The numbers are those that the constructor gives when it is simply called: its
operations are run one by one, as they would have been, and never fused into one
program, which would round differently (and take seconds to compile).
"""

from ._evaluate import evaluate as evaluate
from ._trace import Traced as Traced, Untraceable as Untraceable, trace as trace
