import torch.nn.functional as F

from work import LIGHT
from work._classes import labelled, over_classes
from work._peers import liger, named

WORK = over_classes(
    labelled,
    F.cross_entropy,
    cuda=[(8192, 128256), (16384, 32000), (4096, 151936)],
    peers={"liger": liger("cross_entropy"), "quack": named("quack.cross_entropy", "cross_entropy")},
    fused={"cpu": LIGHT, "cuda": {"of copy": 0.8, "time/compile": 1 / 1.3, "time/liger": 1.0}},
)
