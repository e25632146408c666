"""A conditional GAN for 28 x 28 images.

The label reaches the generator as an embedding beside the noise and through conditional batch
normalisation (de Vries et al. 2017), and the discriminator as a projection (Miyato & Koyama 2018,
eq. 6): D(x, y) = v . h(x) + e(y) . h(x). The discriminator is spectrally normalised (Miyato et al.
2018). Images are enlarged by sub-pixel convolutions (Shi et al. 2016), all of them 3 x 3.

Shapes: b images, c channels, k = 10 classes, l noise dimensions.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from zoo_core import Checkpoint, Images, Run, Table
from zoo_core.kits import distances

from . import CLASSES, Evaluate, Sample, Train

K = len(CLASSES)
EMBEDDING = 32


class ConditionalNorm(nn.Module):
    """Batch normalisation whose scale and shift belong to the class."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale = nn.Embedding(K, channels)
        self.shift = nn.Embedding(K, channels)
        nn.init.ones_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.addcmul(self.shift(y)[:, :, None, None], self.norm(x), self.scale(y)[:, :, None, None])


class Generator(nn.Module):
    """Noise and label to an image."""

    def __init__(self, latent: int, width: int) -> None:
        super().__init__()
        self.latent = latent
        self.embed = nn.Embedding(K, EMBEDDING)
        self.start = nn.Linear(latent + EMBEDDING, width * 49)
        self.norm7 = ConditionalNorm(width)
        self.to14 = nn.Conv2d(width, 4 * (width // 2), 3, padding=1)
        self.norm14 = ConditionalNorm(width // 2)
        self.mix14 = nn.Conv2d(width // 2, width // 2, 3, padding=1)
        self.norm_mix = ConditionalNorm(width // 2)
        self.to28 = nn.Conv2d(width // 2, 4, 3, padding=1)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Images [b, 1, 28, 28] in [-1, 1] of noise z [b, l] and labels y [b]."""
        h = self.start(torch.cat([z, self.embed(y)], 1)).unflatten(1, (-1, 7, 7))
        h = F.relu(self.norm7(h.contiguous(memory_format=torch.channels_last), y))
        h = F.relu(self.norm14(F.pixel_shuffle(self.to14(h), 2), y))
        h = F.relu(self.norm_mix(self.mix14(h), y))
        return torch.tanh(F.pixel_shuffle(self.to28(h), 2))

    @torch.no_grad()
    def pixels(self, z: Tensor, y: Tensor, batch: int = 1000) -> Tensor:
        """Images in [0, 1], in parts of `batch`."""
        parts = zip(z.split(batch), y.split(batch), strict=True)
        return torch.cat([(self(*part) + 1) / 2 for part in parts])


class Discriminator(nn.Module):
    """Image and label to one logit, and, for the auxiliary loss, class logits."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),  # one channel at 28 x 28 becomes four at 14 x 14, which is much faster
            spectral_norm(nn.Conv2d(4, width // 2, 3, padding=1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width // 2, width, 3, 2, 1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, width, 3, padding=1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, 2 * width, 3, 2, 1)), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.real = spectral_norm(nn.Linear(2 * width + 1, 1))
        self.project = spectral_norm(nn.Embedding(K, 2 * width))
        self.classify = nn.Linear(2 * width, K)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [b] of "x is real and shows y", and of the classes [b, k]."""
        h = self.body(x).sum((2, 3))
        variety = h.std(0).mean().expand(len(h), 1)  # a collapsed batch gives itself away (Karras et al. 2018)
        return self.real(torch.cat([h, variety], 1))[:, 0] + (self.project(y) * h).sum(1), self.classify(h)


def discriminator_loss(kind: str, real: Tensor, fake: Tensor) -> Tensor:
    """Loss of logits [b] of real and generated images."""
    if kind == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(kind: str, fake: Tensor) -> Tensor:
    """Loss of logits [b] of generated images; non-saturating is -log D(G(z))."""
    return -fake.mean() if kind == "hinge" else F.softplus(-fake).mean()


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """average <- decay * average + (1 - decay) * model, batch statistics included."""
    pairs = zip(average.state_dict().values(), model.state_dict().values(), strict=True)
    mine, theirs = zip(*((a, m) for a, m in pairs if a.is_floating_point()), strict=True)
    torch._foreach_lerp_(mine, theirs, 1 - decay)


def build(checkpoint: Checkpoint) -> Generator:
    """The generator of a checkpoint, in eval mode."""
    generator = Generator(checkpoint.options.latent, checkpoint.options.generator_width)
    checkpoint.fill(generator)
    return generator


def train(run: Run, options: Train) -> dict[str, Tensor]:
    """One discriminator step, one generator step, on the same generated batch; keep the average generator."""
    data = run.dataset("fashion-mnist", "train")
    generator, discriminator = (
        Generator(options.latent, options.generator_width),
        Discriminator(options.discriminator_width),
    )
    average = copy.deepcopy(generator).to(run.device)
    g, d = run.module(generator), run.module(discriminator)
    betas = (options.beta1, 0.999)
    adam_g = torch.optim.Adam(generator.parameters(), options.generator_rate, betas, fused=True)
    adam_d = torch.optim.Adam(discriminator.parameters(), options.discriminator_rate, betas, fused=True)
    optimizer_g, optimizer_d = run.optimizer(adam_g), run.optimizer(adam_d)
    total = run.count_steps(data, options.batch_size, options.epochs, options.iterations)
    decay = [
        torch.optim.lr_scheduler.LambdaLR(adam, lambda s: min(1.0, 2 - 2 * s / total)) for adam in (adam_g, adam_d)
    ]
    state = {"generator": generator, "discriminator": discriminator, "average": average, "adam_g": adam_g,
             "adam_d": adam_d, "decay_g": decay[0], "decay_d": decay[1]}  # fmt: skip
    fixed = torch.randn(10 * K, options.latent, device=run.device)

    for step in run.steps(data, batch_size=options.batch_size, iterations=total, state=state):
        x, y = data.images[step.rows].float() / 127.5 - 1, data.labels[step.rows]
        z, wanted = torch.randn(len(x), options.latent, device=x.device), torch.randint(K, (len(x),), device=x.device)
        generated = g(z, wanted)

        (real, named), (fake, _) = d(x, y), d(generated.detach(), wanted)
        loss_d = discriminator_loss(options.loss, real, fake)
        optimizer_d.zero_grad()
        run.backward(loss_d + F.cross_entropy(named, y) if options.auxiliary else loss_d)
        optimizer_d.step()

        discriminator.requires_grad_(False)
        fake, named = d(generated, wanted)
        loss_g = generator_loss(options.loss, fake)
        optimizer_g.zero_grad()
        run.backward(loss_g + options.auxiliary * F.cross_entropy(named, wanted))
        optimizer_g.step()
        discriminator.requires_grad_(True)

        update_average(average, generator, options.average)
        for schedule in decay:
            schedule.step()
        run.log(discriminator=loss_d, generator=loss_g)
        if step.ends_epoch and (step.last or (step.epoch + 1).bit_count() == 1):  # after 1, 2, 4, 8 ... epochs
            run.show(f"samples-epoch-{step.epoch + 1}", grid(average.eval(), fixed))
    return average.state_dict()


def grid(generator: Generator, z: Tensor) -> Images:
    """A row for each class; z is [k * columns, l]."""
    y = torch.arange(K, device=z.device).repeat_interleave(len(z) // K)
    return Images(generator.pixels(z, y).cpu(), tuple(CLASSES[i] for i in y.tolist()), len(z) // K)


def sample(run: Run, checkpoint: Checkpoint, options: Sample) -> Images:
    """n images of one class, or n of every class."""
    generator = build(checkpoint).to(run.device)
    if options.class_ is None:
        return grid(generator, torch.randn(K * options.n, generator.latent, device=run.device))
    z = torch.randn(options.n, generator.latent, device=run.device)
    y = torch.full((options.n,), CLASSES.index(options.class_), device=run.device)
    return Images(generator.pixels(z, y).cpu(), (options.class_,) * options.n, options.columns)


@torch.no_grad()
def evaluate(run: Run, checkpoint: Checkpoint, options: Evaluate) -> dict[str, float]:
    """Compare generated images with all real test images, through the eyes of a judge."""
    data = run.dataset("fashion-mnist", "test")
    generator, judge = build(checkpoint).to(run.device), run.load(options.judge)
    y = torch.arange(K, device=run.device).repeat_interleave(options.per_class or len(data) // K)
    pixels = generator.pixels(torch.randn(len(y), generator.latent, device=run.device), y)
    found = distances.compare(judge, pixels, data.images, options.neighbours, run.track)
    right, right_real = (found.answers == y).float(), (found.real_answers == data.labels).float()
    rows = []
    for label, name in enumerate(CLASSES):
        mine, real = y == label, data.labels == label
        varies = distances.deviation(pixels[mine]) / distances.deviation(data.images[real].float() / 255)
        rows.append((name, 100 * float(right[mine].mean()), 100 * float(right_real[real].mean()), varies))
    run.show("classes", Table(("class", "share", "share_real", "deviation"), tuple(rows)))
    return {
        "share": sum(row[1] for row in rows) / K,
        "share_min": min(row[1] for row in rows),
        "share_real": 100 * float(right_real.mean()),
        **found.scores,
        "deviation_min": min(row[3] for row in rows),
    }
