"""The algorithm. Torch is imported here, and only here."""

import torch
from torch import Tensor, nn
from zoo_core import Budget, Checkpoint, Images, Run, draws


class Pixels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(1, 28, 28))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(self.logits.expand_as(x), x, reduction="sum") / len(x)


def build(checkpoint: Checkpoint[Budget]) -> Pixels:
    return checkpoint.fill(Pixels())


def train(run: Run, options: Budget) -> dict[str, Tensor]:
    data, pixels = run.dataset("mnist", "train"), Pixels()
    adam = torch.optim.Adam(pixels.parameters(), lr=0.05)
    run.prepare(pixels=pixels, adam=adam)
    for step in run.steps(data, options):
        loss = pixels(data.pixels(step.rows))
        run.descend(loss, adam)
        run.log(nll=loss)
    return pixels.state_dict()


def sample(checkpoint: Checkpoint[Budget]) -> Images:
    return Images(draws.bernoulli(build(checkpoint).logits.detach().sigmoid().expand(16, 1, 28, 28)))


@torch.no_grad()
def evaluate(run: Run, checkpoint: Checkpoint[Budget]) -> dict[str, float]:
    return {"nll": float(build(checkpoint).to(run.device)(run.dataset("mnist", "test").pixels()))}
