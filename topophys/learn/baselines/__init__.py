"""Networks to compare with, behind the interface of the encoders, and the formula itself."""

from topophys.learn.baselines.convolution import ConvolutionBaseline
from topophys.learn.baselines.formula import SampledFormula
from topophys.learn.baselines.plain import LogisticBaseline, PerceptronBaseline

__all__ = ["ConvolutionBaseline", "LogisticBaseline", "PerceptronBaseline", "SampledFormula"]
