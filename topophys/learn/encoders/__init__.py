"""Networks to compare with, behind the interface of the encoders, and the formula itself."""

from topophys.learn.encoders.baselines import (
    ConvolutionBaseline,
    LogisticBaseline,
    PerceptronBaseline,
    SampledFormula,
)

__all__ = ["ConvolutionBaseline", "LogisticBaseline", "PerceptronBaseline", "SampledFormula"]
