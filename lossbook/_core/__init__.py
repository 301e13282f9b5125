"""What is around every formula: argument checks, settings, weights, reduction, the base of the modules."""

from . import check as check, numbers as numbers
from .formula import checked as checked, formula as formula
from .kinds import (
    AnyTensor as AnyTensor,
    BinaryLabel as BinaryLabel,
    ClassIndex as ClassIndex,
    ClassTarget as ClassTarget,
    Count as Count,
    EntryWeight as EntryWeight,
    Label as Label,
    Lengths as Lengths,
    Logits as Logits,
    LogProbs as LogProbs,
    MaskTarget as MaskTarget,
    Normalizer as Normalizer,
    NotNegativeReal as NotNegativeReal,
    OpenShares as OpenShares,
    Probability as Probability,
    Rate as Rate,
    Real as Real,
    Shares as Shares,
    Sign as Sign,
    Symbols as Symbols,
    Variance as Variance,
    Weight as Weight,
    check_domain as check_domain,
)
from .module import Activation as Activation, Loss as Loss
from .numerics import beside as beside, clip as clip, times as times
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
