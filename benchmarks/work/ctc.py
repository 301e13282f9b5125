import torch
import torch.nn.functional as F

from work import READABLE, Args, Loss, Work


def utterances(scale: float, frames: int, batch: int, symbols: int, labels: int) -> Args:
    log_probs = (scale * torch.randn(frames, batch, symbols)).log_softmax(2)
    lengths = torch.full((batch,), frames), torch.full((batch,), labels)
    return log_probs, torch.randint(1, symbols, (batch, labels)), *lengths


def cudnn(args: Args) -> Loss:
    """Torch takes cuDNN when labels and lengths are int32, on the CPU, one label list after the other."""
    labels, frames, lengths = (a.cpu().int().flatten() for a in args[1:])
    if not torch._use_cudnn_ctc_loss(args[0], labels, frames, lengths, 0):
        raise NotImplementedError("cuDNN does not take this")
    return lambda log_probs, *others: F.ctc_loss(log_probs, labels, frames, lengths)


WORK = Work(
    utterances,
    F.ctc_loss,
    small=(100, 32, 32, 25),
    cpu=[(200, 32, 32, 50)],
    cuda=[(1000, 64, 32, 200)],
    peers={"cudnn": cudnn},
    readable=READABLE | {"time/eager": 6.0},
    fused={"cuda": {"time/eager": 0.5, "repeatable": 1.0}},
    dtype=torch.float32,
    # Torch's gradient is right only behind a log_softmax, which changes nothing where the arguments are one.
    before=lambda args: (F.log_softmax(args[0], 2), *args[1:]),
)
