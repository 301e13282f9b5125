"""What is around every formula: argument checks, settings, weights, reduction, the base of the modules."""

from . import check as check, numbers as numbers
from .formula import checked as checked, formula as formula
from .module import Activation as Activation, Loss as Loss
from .numerics import times as times
from .reduce import entry_weight as entry_weight, kept as kept, paired as paired, reduce as reduce
from .settings import (
    BatchReduction as BatchReduction,
    Flag as Flag,
    Index as Index,
    Integer as Integer,
    Norm as Norm,
    NotNegative as NotNegative,
    Number as Number,
    OpenShare as OpenShare,
    Positive as Positive,
    PositiveScalar as PositiveScalar,
    Reduction as Reduction,
    Scalar as Scalar,
    Share as Share,
)
