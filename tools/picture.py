"""Draw the picture of README.md, book/_static/losses.svg: `python tools/picture.py`."""

from pathlib import Path

import matplotlib as mpl
import torch

from lossbook.functional import huber_loss, l1_loss, mse_loss
from lossbook.notebook.plots import style, value_and_gradient

style()
mpl.rcParams.update({"svg.hashsalt": "lossbook", "svg.fonttype": "none"})
error = torch.linspace(-3, 3, 121)
losses = {"squared": mse_loss, "absolute": l1_loss, "Huber, delta 1": huber_loss}
figure, _ = value_and_gradient(
    error,
    {name: lambda x, loss=loss: loss(x, torch.zeros_like(x), reduction="none") for name, loss in losses.items()},
    value_limits=(0, 4),
    gradient_limits=(-4, 4),
    label="error",
)
target = Path(__file__).parent.parent / "book" / "_static" / "losses.svg"
figure.savefig(target, metadata={"Date": None})
print(f"drew {target.name}")
