"""A conditional GAN, after Mirza & Osindero 2014 (https://arxiv.org/abs/1411.1784).

    min_G max_D  E_x,y[log D(x, y)] + E_z,y[log(1 - D(G(z, y), y))]                                   (eq. 2)

The label reaches the generator as an embedding beside the noise and through conditional batch
normalisation (de Vries et al. 2017), and the discriminator as a projection (Miyato & Koyama 2018,
eq. 6): D(x, y) = v . h(x) + e(y) . h(x). The discriminator is spectrally normalised (Miyato et al.
2018). Images are enlarged by sub-pixel convolutions (Shi et al. 2016), all of them 3 x 3.

Layers are named after the sizes that 28 x 28 images have on their way; larger images have further ones before and
after these.

Shapes: b images, c channels, h x w pixels, g x g' the smallest grid (7 x 7), k classes, l noise dimensions.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.optim.lr_scheduler import LambdaLR

from zoo_core import Checkpoint, Export, Images, Run, Takes, draws, sharing
from zoo_core.data.images import ImageData
from zoo_core.kits.classifiers import classified
from zoo_core.kits.generators.losses import discriminator_loss, generator_loss
from zoo_core.kits.generators.schedules import bounded, falling
from zoo_core.kits.grids import Crop, Grid, Padded

from . import Train

EMBEDDING = 32
COLUMNS = 10  # images of each class that training shows


def look_up(table: nn.Embedding, y: Tensor) -> Tensor:
    """The rows [b, d] of a table for labels y, int64 [b]; for shares of the labels, float [b, k], their mixture."""
    rows: Tensor = y @ table.weight if y.is_floating_point() else table(y)
    return rows


class ConditionalNorm(nn.Module):
    """Batch normalisation whose scale and shift belong to the class."""

    def __init__(self, channels: int, k: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale = nn.Embedding(k, channels)
        self.shift = nn.Embedding(k, channels)
        nn.init.ones_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x [b, c, h, w], normalised, scaled and shifted by the class y [b]."""
        shift, scale = look_up(self.shift, y), look_up(self.scale, y)
        return torch.addcmul(shift[:, :, None, None], self.norm(x), scale[:, :, None, None])


class Generator(nn.Module):
    """Noise and label to an image."""

    def __init__(self, latent: int, width: int, shape: Sequence[int], k: int) -> None:
        super().__init__()
        self.latent, self.k, self.grid = latent, k, Grid.of(shape)
        self.takes = (Takes("z", ("b", latent)), Takes("y", ("b",), 0, k - 1, whole=True))
        self.embed = nn.Embedding(k, EMBEDDING)
        self.start = nn.Linear(latent + EMBEDDING, width * self.grid.area)
        self.norm7 = ConditionalNorm(width, k)
        further = range(self.grid.levels - 2)
        self.larger = nn.ModuleList(nn.Conv2d(width, 4 * width, 3, padding=1) for _ in further)
        self.larger_norms = nn.ModuleList(ConditionalNorm(width, k) for _ in further)
        self.to14 = nn.Conv2d(width, 4 * (width // 2), 3, padding=1)
        self.norm14 = ConditionalNorm(width // 2, k)
        self.mix14 = nn.Conv2d(width // 2, width // 2, 3, padding=1)
        self.norm_mix = ConditionalNorm(width // 2, k)
        self.to28 = nn.Conv2d(width // 2, 4 * self.grid.channels, 3, padding=1)
        self.crop = Crop(self.grid)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Images [b, c, h, w] in [-1, 1] of noise z, float [b, l] from N(0, I), and labels y, int64 [b] below k.

        Shares of the labels, float [b, k], give what lies between the classes.
        """
        h = self.start(torch.cat([z, look_up(self.embed, y)], 1)).unflatten(1, (-1, *self.grid.smallest))
        h = F.relu(self.norm7(h.contiguous(memory_format=torch.channels_last), y))
        for larger, norm in zip(self.larger, self.larger_norms, strict=True):
            h = F.relu(norm(F.pixel_shuffle(larger(h), 2), y))
        h = F.relu(self.norm14(F.pixel_shuffle(self.to14(h), 2), y))
        h = F.relu(self.norm_mix(self.mix14(h), y))
        images: Tensor = self.crop(torch.tanh(F.pixel_shuffle(self.to28(h), 2)))
        return images

    @torch.no_grad()
    def pixels(self, z: Tensor, y: Tensor, batch: int = 1000) -> Tensor:
        """Images in [0, 1], in parts of `batch`."""
        parts = zip(z.split(batch), y.split(batch), strict=True)
        return torch.cat([(self(*part) + 1) / 2 for part in parts])


class Discriminator(nn.Module):
    """Image and label to one logit, and, for the auxiliary loss, class logits."""

    def __init__(self, width: int, shape: Sequence[int], k: int) -> None:
        super().__init__()
        grid = Grid.of(shape)
        further = [spectral_norm(nn.Conv2d(width // 2, width // 2, 3, 2, 1)) for _ in range(grid.levels - 2)]
        self.body = Padded(
            grid, nn.PixelUnshuffle(2),  # one channel at 28 x 28 becomes four at 14 x 14, which is much faster
            spectral_norm(nn.Conv2d(4 * grid.channels, width // 2, 3, padding=1)), nn.LeakyReLU(0.2),
            *[layer for convolution in further for layer in (convolution, nn.LeakyReLU(0.2))],
            spectral_norm(nn.Conv2d(width // 2, width, 3, 2, 1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, width, 3, padding=1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, 2 * width, 3, 2, 1)), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.real = spectral_norm(nn.Linear(2 * width + 1, 1))
        self.project = spectral_norm(nn.Embedding(k, 2 * width))
        self.classify = nn.Linear(2 * width, k)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [b] of "x is real and shows y", and of the classes [b, k]."""
        h = self.body(x).sum((2, 3))
        variety = (
            sharing.whole(h).std(0).mean().expand(len(h), 1)
        )  # a collapsed batch gives itself away (Karras et al. 2018)
        return self.real(torch.cat([h, variety], 1))[:, 0] + (self.project(y) * h).sum(1), self.classify(h)


# -- losses ----------------------------------------------------------------------------------------


def classification_loss(class_logits: Tensor, y: Tensor) -> Tensor:
    """The auxiliary loss -E[log p(y | x)] (Odena et al. 2017, https://arxiv.org/abs/1610.09585).

    Args:
        class_logits: [b, k]. y: int64 [b].
    """
    return F.cross_entropy(class_logits, y)


# -- training --------------------------------------------------------------------------------------


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """average <- decay * average + (1 - decay) * model, batch statistics included (Yazici et al. 2019)."""
    pairs = zip(average.state_dict().values(), model.state_dict().values(), strict=True)
    mine, theirs = zip(*((a, m) for a, m in pairs if a.is_floating_point()), strict=True)
    torch._foreach_lerp_(mine, theirs, 1 - decay)


def averaging(options: Train, data: ImageData) -> float:
    """The decay of the average: it looks back over a tenth of the training at most, else a short one is all beginning.

    Of Fashion-MNIST it is what was asked for: so unfinished runs of earlier releases go on as they began.
    """
    return options.average if data.name == "fashion-mnist" else bounded(options.average, options.total_steps(data))


def build(checkpoint: Checkpoint[Train]) -> Generator:
    """The generator of a checkpoint, in eval mode."""
    options, k = checkpoint.options, checkpoint.options.kinds(len(checkpoint.classes))
    return checkpoint.fill(Generator(options.latent, options.generator_width, checkpoint.shape, k))


def export(checkpoint: Checkpoint[Train]) -> Export:
    """Noise, and a label where the generator knows any, to images in [0, 1]."""
    g = build(checkpoint)
    if checkpoint.options.labelled:
        return Export(g, lambda z, y: (g(z, y) + 1) / 2, g.takes, "images", {"y": checkpoint.classes})
    return Export(g, lambda z: (g(z, torch.zeros_like(z[:, 0], dtype=torch.int64)) + 1) / 2, g.takes[:1], "images")


def train(run: Run, options: Train) -> dict[str, Tensor]:
    """One discriminator step, one generator step, on the same generated batch; keep the average generator."""
    data = classified(run.dataset(options.data, "train", options.augment))
    k = options.kinds(len(data.classes))
    labels = data.labels if options.labelled else torch.zeros_like(data.labels)
    g = Generator(options.latent, options.generator_width, data.shape, k)
    d = Discriminator(options.discriminator_width, data.shape, k)
    average = copy.deepcopy(g)
    betas = (options.beta1, 0.999)
    adam_g = torch.optim.Adam(g.parameters(), options.generator_rate, betas, fused=True)
    adam_d = torch.optim.Adam(d.parameters(), options.discriminator_rate, betas, fused=True)
    total = options.total_steps(data)
    schedules = [LambdaLR(adam, lambda step: falling(step, total)) for adam in (adam_g, adam_d)]
    run.prepare(generator=g, discriminator=d, average=average)
    run.prepare(adam_g=adam_g, adam_d=adam_d, decay_g=schedules[0], decay_d=schedules[1])
    fixed = draws.randn(COLUMNS * len(data.classes), options.latent, device=run.device)

    decay = averaging(options, data)
    for step in run.steps(data, options):
        x, y = to_range(data.bytes(step.rows)), labels[step.rows]
        z, wanted = draws.randn(len(x), options.latent, device=x.device), draws.randint(k, (len(x),), device=x.device)
        generated = g(z, wanted)
        loss_d = teach_discriminator(run, options, d, adam_d, (x, y), (generated.detach(), wanted))
        loss_g = teach_generator(run, options, d, adam_g, (generated, wanted))
        update_average(average, g, decay)
        for schedule in schedules:
            schedule.step()
        run.log(discriminator=loss_d, generator=loss_g)
        if step.ends_epoch and (step.last or (step.epoch + 1).bit_count() == 1):  # after 1, 2, 4, 8 ... epochs
            run.show(f"samples-epoch-{step.epoch + 1}", grid(average.eval(), fixed, data.classes))
    return average.state_dict()


Labelled = tuple[Tensor, Tensor]  # images [b, c, h, w] in [-1, 1], and labels [b]


def teach_discriminator(
    run: Run, options: Train, d: Discriminator, adam: torch.optim.Adam, real: Labelled, fake: Labelled
) -> Tensor:
    """One step of the discriminator; its adversarial loss."""
    (of_real, class_logits), (of_fake, _) = d(*real), d(*fake)
    loss = discriminator_loss(of_real, of_fake, options.loss)
    run.descend(loss + classification_loss(class_logits, real[1]) if options.auxiliary else loss, adam)
    return loss


def teach_generator(run: Run, options: Train, d: Discriminator, adam: torch.optim.Adam, fake: Labelled) -> Tensor:
    """One step of the generator that made `fake`; its adversarial loss."""
    of_fake, class_logits = d(*fake)
    loss = generator_loss(of_fake, options.loss)
    run.descend(loss + options.auxiliary * classification_loss(class_logits, fake[1]), adam)
    return loss


def to_range(images: Tensor) -> Tensor:
    """uint8 to float in [-1, 1], the range of the generator."""
    return images.float() / 127.5 - 1


def grid(generator: Generator, z: Tensor, classes: Sequence[str]) -> Images:
    """A row for each class, of noise z [classes * columns, l]; without labels just so many images."""
    y = torch.arange(len(z), device=z.device) // COLUMNS
    if generator.k < len(classes):
        return Images(generator.pixels(z, torch.zeros_like(y)).cpu(), columns=COLUMNS)
    return Images(generator.pixels(z, y).cpu(), tuple(classes[i] for i in y.tolist()), COLUMNS)
