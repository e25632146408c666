"""Generative adversarial networks for images of any size.

    min_G max_D  V(G, D) = E_x[log D(x)] + E_z[log(1 - D(G(z)))]    (Goodfellow et al. 2014, eq. 1)

The best discriminator against a fixed generator is D* = p_data / (p_data + p_g), for which
V(G, D*) = -log 4 + 2 JSD(p_data || p_g). Discriminators here give logits.

Shapes: b images, c channels, h x w pixels; l noise dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zoo_core import Checkpoint, Export, Images, Measured, Run, Takes, draws
from zoo_core.kits.distances import entropy
from zoo_core.kits.generators import Drawn, walks
from zoo_core.kits.generators.comparison import compare
from zoo_core.kits.generators.losses import discriminator_loss, generator_loss
from zoo_core.kits.generators.schedules import bounded, falling, set_rate
from zoo_core.kits.modes import looking
from zoo_core.kits.resampling import measured

from . import Sample, Train
from .networks import NETWORKS
from .schedule import generator_moves, parse

# -- networks -----------------------------------------------------------------------------------------


class Generator(nn.Module):
    """Noise to images in the range of its network, and to pixels."""

    def __init__(self, network: nn.Module, options: Train) -> None:
        super().__init__()
        self.network, self.latent = network, options.latent
        self.takes = (Takes("z", ("b", self.latent)),)
        self.low = 0.0 if options.network == "conv-small" else -1.0  # sigmoid or tanh

    def forward(self, z: Tensor) -> Tensor:
        """Images [b, c, h, w] in [low, 1] of noise z, float [b, l], drawn from N(0, I): ``torch.randn(16, 64)``."""
        images: Tensor = self.network(z)
        return images

    def scale(self, images: Tensor) -> Tensor:
        """Real images, uint8, in the range of the generated ones."""
        return self.low + images.float() * ((1 - self.low) / 255)

    @torch.no_grad()
    def pixels(self, z: Tensor, batch: int = 1000) -> Tensor:
        """Images in [0, 1], in parts of `batch`, by the running statistics."""
        with looking(self):
            parts = [(self(part) - self.low) / (1 - self.low) for part in z.split(batch)]
        return torch.cat(parts).clamp(0, 1)


def networks(options: Train, shape: Sequence[int]) -> tuple[Generator, nn.Module]:
    """Fresh generator and discriminator for images of a shape [c, h, w]."""
    generator, discriminator = NETWORKS[options.network](options, shape)
    return Generator(generator, options), discriminator


def build(checkpoint: Checkpoint[Train]) -> Generator:
    """The generator of a checkpoint, in eval mode."""
    generator, _ = networks(checkpoint.options, checkpoint.shape)
    return checkpoint.fill(generator)


def export(checkpoint: Checkpoint[Train]) -> Export:
    """Noise to images in [0, 1]."""
    g = build(checkpoint)
    return Export(g, lambda z: ((g(z) - g.low) / (1 - g.low)).clamp(0, 1), g.takes, "images")


# -- hooks -----------------------------------------------------------------------------------------


def train(run: Run, options: Train) -> dict[str, Tensor]:
    """Discriminator steps over the data; the generator takes its turn when the schedule says so."""
    data = run.dataset(options.data, "train", options.augment)
    g, d = networks(options, data.shape)
    adam_g, adam_d = adam(g, options.generator_rate, options), adam(d, options.discriminator_rate, options)
    run.prepare(generator=g, discriminator=d, adam_g=adam_g, adam_d=adam_d)
    total = options.total_steps(data)
    decay = bounded(options.average, total)
    kept: Generator = run.averaged(g, decay).module if decay else g  # type: ignore[assignment]
    schedule, snapshots = parse(options.discriminator_steps), {int(epoch) for epoch in options.snapshots.split(",")}
    fixed = draws.randn(100, options.latent, device=run.device)

    for step in run.steps(data, options):
        if options.schedule == "falling":
            set_rate(adam_g, options.generator_rate * falling(step.number, total))
            set_rate(adam_d, options.discriminator_rate * falling(step.number, total))
        x = g.scale(data.bytes(step.rows))
        generated = g(noise(len(x), options, run))
        teach_discriminator(run, options, d, adam_d, x, generated.detach())
        if generator_moves(schedule, step.number, step.epoch, options.epochs):
            for turn in range(options.generator_steps):
                if turn:
                    generated = g(noise(len(x), options, run))
                loss = generator_loss(d(generated), options.loss)
                run.descend(loss, adam_g)
                run.log(generator=loss)
        if step.ends_epoch and (step.last or step.epoch + 1 in snapshots):
            run.show(f"samples-epoch-{step.epoch + 1}", Images(kept.pixels(fixed).cpu(), columns=10))
    return kept.state_dict()


def adam(module: nn.Module, rate: float, options: Train) -> torch.optim.Adam:
    """The optimiser of one of the two networks."""
    return torch.optim.Adam(module.parameters(), rate, (options.beta1, 0.999), fused=True)


def teach_discriminator(
    run: Run, options: Train, d: nn.Module, adam_d: torch.optim.Adam, x: Tensor, generated: Tensor
) -> None:
    """One step of the discriminator, of real and generated images [b, c, h, w]."""
    real, fake = d(x), d(generated)
    loss = discriminator_loss(real, fake, options.loss, options.real_label, options.fake_label)
    run.descend(loss, adam_d)
    run.log(**{"discriminator": loss, "D(x)": real.sigmoid().mean(), "D(G(z))": fake.sigmoid().mean()})


def noise(n: int, options: Train, run: Run) -> Tensor:
    """z ~ N(0, I): [n, l]."""
    return draws.randn(n, options.latent, device=run.device)


def sample(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Images:
    """Images of random noise, or walks from one noise to another."""
    generator, latent = build(checkpoint).to(run.device), checkpoint.options.latent
    if options.show == "interpolation":
        rows = options.n or (10 if options.from_seed is None else 1)
        ends = walks.ends(run, rows, latent, options, lambda: build(checkpoint))
        parts = iter(walks.between(*ends).flatten(0, 1).split(1000))
        drawn = run.draw(rows * walks.STEPS, lambda n: generator.pixels(next(parts)), batch_size=1000)
        return Images(drawn, columns=walks.STEPS, walk=True)
    drawn = run.draw(options.n or 200, lambda n: generator.pixels(noise(n, checkpoint.options, run)), batch_size=1000)
    return Images(drawn, columns=options.columns)


def evaluate(run: Run, checkpoint: Checkpoint[Train], options: Drawn) -> dict[str, Measured]:
    """Compare generated images with all real test images, through the eyes of a judge."""
    trained = checkpoint.options
    data = run.dataset(trained.data, "test")
    generator, judge = build(checkpoint).to(run.device), options.judge_of(run, data)
    pixels = generator.pixels(noise(options.n or len(data), trained, run))
    others = options.others_of(run, trained.data, judge)
    comparison = compare(judge, pixels, data, options.neighbours, run.track, others)
    if judge is None:
        return {**comparison.scores, **dict.fromkeys(("class_entropy", "class_min", "class_max"), Measured(math.nan))}

    def evenness(answers: Tensor) -> float:
        return entropy(torch.bincount(answers, minlength=len(data.classes)))

    answers = comparison.answers
    shares = [Measured.percent(answers == label) for label in range(len(data.classes))]
    run.show("classes", comparison.histogram(data.classes))
    return {
        **comparison.scores,
        "class_entropy": measured(evenness, answers),
        "class_min": min(shares, key=lambda share: share.number),
        "class_max": max(shares, key=lambda share: share.number),
    }
