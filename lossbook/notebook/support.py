"""Ask the same of two libraries and put the answers side by side: what the page *Support matrix* runs."""

import io
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.gradcheck import GradcheckError

from .._core.derivatives import first_order, forward_mode, second_order, vmap
from .._core.trial import Trial, difference, in_short

VERSIONS_PATTERN = r"(?<=torch )\d[\w.+]* and lossbook \d[\w.+]*"
"""What nbval does not compare: with another version the page is stale where an answer differs, and there alone."""

Loss = Callable[..., Tensor]
Args = tuple[Any, ...]
SIZES = (8, 5, 7)  # samples in a batch, none of them another size of an example
CHECKS = {
    "gradient": first_order,
    "second derivative": second_order,
    "forward mode": forward_mode,
    "vmap": vmap,
}


class Found(NamedTuple):
    """What came of one try: whether it is what one wants, and a word or two."""

    good: bool
    words: str


YES, NONE = Found(True, "yes"), Found(True, "–")


@dataclass(frozen=True)
class Example:
    """Arguments of a loss for any number of samples.

    Attributes:
        make: called with the number of samples, gives the arguments, in float64.
        gradients: positions of the arguments that take gradients.
        dims: the dimension of each argument that holds the samples, None where it has none.
        settings: keyword arguments.
    """

    make: Callable[[int], Args]
    gradients: tuple[int, ...] = (0,)
    dims: tuple[int | None, ...] | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def drawn(self, samples: int) -> Args:
        """The same arguments each time."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self.make(samples)

    def trial(self, loss: Loss, samples: int) -> Trial:
        return Trial(loss, self.drawn(samples), self.settings, self.gradients)

    def dim(self, place: int) -> int | None:
        return 0 if self.dims is None else self.dims[place]


def failure(error: Exception) -> Found:
    """An error in the words of a table: its class, or what it says of a derivative or of ``vmap``."""
    if isinstance(error, GradcheckError):
        return Found(False, "wrong")
    slow = "there is no batching rule" in in_short(error)  # a warning, made an error
    return Found(False, "slow path" if slow else f"`{type(error).__name__}`")


def differentiated(loss: Loss, example: Example, what: str) -> Found:
    """Try one of ``CHECKS``: a derivative against differences or another mode, ``vmap`` against a loop.

    Example:
        >>> import torch
        >>> pair = Example(lambda n: (torch.randn(n, 3).double(), torch.randn(n, 3).double()), (0, 1))
        >>> differentiated(torch.nn.functional.mse_loss, pair, "second derivative")
        Found(good=True, words='yes')
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=".*performance drop because we have not yet implemented.*")
        try:
            found = CHECKS[what](example.trial(loss, 2))
        except Exception as error:
            return failure(error)
    return YES if found is None else Found(False, "wrong")


def precise(loss: Loss, example: Example, dtype: torch.dtype, exact: Loss) -> Found:
    """Compare the value in a dtype with that of ``exact`` in float64, and the gradient with the loss's own there.

    The value may be off by 4 roundings, the gradient by 16; in float32 and float64 also by what a rounding of the
    arguments does to the value.
    """
    narrow = example.trial(loss, 8).cast(dtype)
    wide = narrow.cast(torch.float64)
    try:
        value, gradients = narrow.value_and_gradients()
    except Exception as error:
        return failure(error)
    if value.dtype != dtype:
        return Found(False, f"gives {str(value.dtype).removeprefix('torch.')}")
    slopes = wide.value_and_gradients()[1]
    eps = torch.finfo(dtype).eps
    moved = sum((a * g).abs().sum().item() for a, g in zip(wide.leaves()[0], slopes, strict=True))
    slack = 4 * eps * (1.0 + (moved if dtype.itemsize >= 4 else 0.0))
    off = [difference(value, exact(*wide.args, **example.settings), slack)]
    off += [difference(a, b, 16 * eps) for a, b in zip(gradients, slopes, strict=True)]
    return YES if off == [None] * len(off) else Found(False, "imprecise")


def graphs(loss: Loss, example: Example) -> Found:
    """Count the graphs that ``torch.compile(fullgraph=True, dynamic=True)`` makes for three batch sizes."""
    made = []

    def backend(graph: Any, inputs: Any) -> Any:
        made.append(inputs)
        return graph

    torch._dynamo.reset()
    compiled = torch.compile(loss, fullgraph=True, dynamic=True, backend=backend)
    try:
        with torch.no_grad():
            for samples in SIZES:
                compiled(*example.drawn(samples), **example.settings)
    except Exception as error:
        return failure(error)
    return Found(len(made) == 1, f"{len(made)}")


def taken_apart(loss: Loss, example: Example) -> Found:
    """Compute the loss by the operations that a compiler takes it apart into: the number has to be the same."""
    from torch.fx.experimental.proxy_tensor import make_fx  # imports the compiler

    args, call = example.drawn(SIZES[0]), _Call(loss, example.settings)
    try:
        value = make_fx(call, decomposition_table=_decompositions())(*args)(*args)
    except Exception as error:
        return failure(error)
    return YES if torch.allclose(value, call(*args)) else Found(False, "wrong")


@cache
def _decompositions() -> dict[Any, Any]:
    from torch.export import default_decompositions

    table: Any = default_decompositions()
    return dict(table.items())


class _Call(nn.Module):
    def __init__(self, loss: Loss, settings: dict[str, Any]) -> None:
        super().__init__()
        self.loss, self.settings = loss, settings

    def forward(self, *args: Tensor) -> Tensor:
        return self.loss(*args, **self.settings)


@contextmanager
def _unheard() -> Iterator[None]:
    """An export that fails prints its graph and logs, besides raising."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def exported(loss: Loss, example: Example) -> Found:
    """Export with a batch of any size, and run what was exported on another size."""
    from torch.export import Dim, export  # imports the compiler

    args, call = example.drawn(SIZES[0]), _Call(loss, example.settings)
    dims = [example.dim(place) for place in range(len(args))]
    dynamic = tuple({} if dim is None else {dim: Dim.DYNAMIC} for dim in dims)
    more = example.drawn(SIZES[1])
    try:
        with _unheard():
            value = export(call, args, dynamic_shapes=(dynamic,)).module()(*more)
    except Exception as error:
        return failure(error)
    return YES if torch.allclose(value, call(*more)) else Found(False, "wrong")


def refused(call: Callable[[], Any]) -> Found:
    """Make a call that holds a mistake: it should raise.

    Example:
        >>> import torch
        >>> wrong = torch.zeros(4, 1), torch.zeros(4)
        >>> refused(lambda: torch.nn.functional.mse_loss(*wrong))
        Found(good=False, words='a warning')
    """
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            value = call()
        except Exception:
            return Found(True, "refused")
    if said:
        return Found(False, "a warning")
    return Found(False, "a number" if isinstance(value, Tensor) else "accepted")


def right(loss: Loss, args: Args, value: float, slope: float | None = None, **settings: Any) -> Found:
    """Compare a loss of extreme arguments with what mathematics says, to six digits.

    Args:
        loss: the loss.
        args: its arguments; the gradient is that of the first.
        value: what it has to be.
        slope: what the first entry of the gradient has to be; all others have to be finite.
        settings: keyword arguments.
    """
    leaf = args[0].detach().clone().requires_grad_()
    try:
        found = loss(leaf, *args[1:], **settings)
        (gradient,) = torch.autograd.grad(found.sum(), leaf)
    except Exception as error:
        return failure(error)
    first = gradient.flatten()[0].item() if slope is not None else 0.0
    for name, number, truth in (("", found.item(), value), ("gradient ", first, slope or 0.0)):
        if not math.isclose(number, truth, rel_tol=1e-6, abs_tol=1e-6):
            return Found(False, name + _told(number))
    odd = gradient[~gradient.isfinite()]
    return Found(False, "gradient " + _told(odd[0].item())) if odd.numel() else YES


def left_out(loss: Loss, example: Example, how: str | None) -> Found:
    """Give the first sample NaN and leave it out: the value has to be finite, and its gradient 0.

    Args:
        loss: the loss.
        example: its arguments.
        how: "ignore_index", or the name of the weight that is 0; None where there is no argument for it.
    """
    if how is None:
        return Found(False, "no way")
    args = list(example.drawn(3))
    dim = example.dim(0) or 0
    args[0] = args[0].index_fill(dim, torch.tensor([0]), math.nan).requires_grad_()
    settings = dict(example.settings)
    if how == "ignore_index":
        args[-1] = args[-1].index_fill(0, torch.tensor([0]), -100)
    else:
        weight = torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64)
        settings[how] = weight if how == "sample_weight" else weight[:, None].expand_as(args[0])
    try:
        value = loss(*args, **settings)
        gradient = torch.autograd.grad(value, args[0])[0].select(dim, 0)
    except Exception as error:
        return failure(error)
    if not value.isfinite():
        return Found(False, _told(value.item()))
    return YES if not gradient.any() else Found(False, "gradient " + _told(gradient.flatten()[0].item()))


def nothing(loss: Loss, example: Example) -> Found:
    """Take the mean over no sample, which is 0 divided by 0: NaN, every time."""
    args = example.drawn(0)
    try:
        values = []
        for left in (7.0, 3.0, 5.0):
            torch.full((), left, dtype=torch.float64)  # freed at once: what is not written to may show it
            values.append(loss(*args, **example.settings).item())
    except Exception as error:
        return failure(error)
    return Found(True, "NaN") if all(map(math.isnan, values)) else Found(False, "leftover memory")


def _told(number: float) -> str:
    return "NaN" if math.isnan(number) else f"{number:.4g}".replace("-", "−")


class Answers:
    """What was found: for each question and loss, the answer of torch and that of lossbook."""

    def __init__(self, links: Mapping[str, str]) -> None:
        """Begin with no question.

        Args:
            links: the losses, each with the page that its row leads to.
        """
        self.links = dict(links)
        self.found: dict[str, dict[str, tuple[Found, Found]]] = {}

    def ask(self, question: str, answer: Callable[[str, int], Found | None]) -> None:
        """Ask of every loss, on both sides.

        Args:
            question: heads the column.
            answer: called with the name of a loss and the side, 0 for torch and 1 for lossbook; None means that the
                question makes no sense for this loss.
        """
        self.found[question] = {name: self._both(answer, name) for name in self.links}

    def _both(self, answer: Callable[[str, int], Found | None], name: str) -> tuple[Found, Found]:
        theirs, ours = answer(name, 0), answer(name, 1)
        return (theirs or NONE, ours or NONE)

    def pairs(self, *questions: str) -> Iterator[tuple[Found, Found]]:
        """The cells of some questions, or of all, that are asked of the loss."""
        for question in questions or self.found:
            yield from (pair for pair in self.found[question].values() if pair[0] is not NONE)

    def count(self, *questions: str) -> "Count":
        """Count the cells by which side is as one wants it."""
        goods = [(theirs.good, ours.good) for theirs, ours in self.pairs(*questions)]
        kinds = ((True, True), (False, True), (True, False), (False, False))
        return Count(*(goods.count(kind) for kind in kinds))

    def table(self, *questions: str) -> "Table":
        """One table: a column for each question, a row for each loss, the last one for all that both sides do."""
        found = {name: [self.found[question][name] for question in questions] for name in self.links}
        alike = [name for name in found if all(theirs.good and theirs == ours for theirs, ours in found[name])]
        rows = [(self._link(name), *(cell(*pair) for pair in found[name])) for name in found if name not in alike]
        if alike:
            columns = zip(*(found[name] for name in alike), strict=True)
            words = (dict.fromkeys(pair[1].words for pair in column if pair[0] is not NONE) for column in columns)
            rows.append((", ".join(map(self._link, alike)), *(" or ".join(each) or NONE.words for each in words)))
        return Table(("Loss", *questions), tuple(rows))

    def _link(self, name: str) -> str:
        return f"[`{name}`]({self.links[name]})"

    def summary(self, groups: Mapping[str, Sequence[str]]) -> "Table":
        """How many cells of each group are good on which side, and with which versions that was found."""
        counts = [(name, self.count(*questions)) for name, questions in groups.items()]
        total = Count(*(sum(numbers) for numbers in zip(*(count for _, count in counts), strict=True)))
        rows = [(name, *map(str, count)) for name, count in (*counts, ("**together**", total))]
        head = ("What is asked", "Both do", "Only lossbook does", "Only torch does", "Neither does")
        differ = total.only_ours + total.only_theirs
        said = f"Of {sum(total)} cells, {differ} differ."
        versions = f"torch {torch.__version__} and lossbook {version('lossbook')}"
        return Table(head, tuple(rows), f"{said}\nRun with {versions}, on a CPU.")


class Count(NamedTuple):
    """Cells by who does what one wants."""

    both: int
    only_ours: int
    only_theirs: int
    neither: int


def cell(theirs: Found, ours: Found) -> str:
    """One answer where both give the same; else both, and bold what one does not want.

    Example:
        >>> cell(Found(False, "NaN"), Found(True, "yes"))
        '**torch: NaN**; lossbook: yes'
    """
    if theirs == ours:
        return ours.words
    sides = (("torch", theirs), ("lossbook", ours))
    said = [(found.good, f"{who}: {found.words}") for who, found in sides]
    return "; ".join(words if good else f"**{words}**" for good, words in said)


@dataclass(frozen=True, repr=False)
class Table:
    """A table that a notebook shows, and a line above it."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    above: str = ""

    def __repr__(self) -> str:
        return f"a table of {len(self.rows)} rows"

    def _repr_markdown_(self) -> str:
        lines = (self.head, ("---",) * len(self.head), *self.rows)
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"{self.above}\n\n{table}" if self.above else table
