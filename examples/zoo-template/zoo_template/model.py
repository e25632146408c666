"""The algorithm. Torch is imported here, and only here."""

import torch
from torch import nn

from zoo_core import Images


class Pixels(nn.Module):
    def __init__(self):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(1, 28, 28))

    def forward(self, x):
        return nn.functional.binary_cross_entropy_with_logits(self.logits.expand_as(x), x, reduction="sum") / len(x)


def train(run, epochs):
    images = run.dataset("mnist", "train").images
    pixels = Pixels()
    adam = torch.optim.Adam(pixels.parameters(), lr=0.05)
    model, optimizer = run.module(pixels), run.optimizer(adam)
    for step in run.steps(images, batch_size=128, epochs=epochs, state={"pixels": pixels, "adam": adam}):
        loss = model(images[step.rows].float() / 255)
        optimizer.zero_grad()
        run.backward(loss)
        optimizer.step()
        run.log(nll=loss)
    return pixels.state_dict()


def sample(checkpoint):
    return Images(torch.bernoulli(checkpoint.fill(Pixels()).logits.detach().sigmoid().expand(16, 1, 28, 28)))


@torch.no_grad()
def evaluate(run, checkpoint):
    pixels, images = checkpoint.fill(Pixels()).to(run.device), run.dataset("mnist", "test").images
    return {"nll": float(pixels(images.float() / 255))}
