"""The encoder, the decoder, and the bound. Shapes: b images, k classes, c channels, h x w pixels, l the latent size."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_core import Checkpoint, Images, Measured, Run, UsageError, draws
from zoo_core.kits.grids import Crop, Grid, Pad

from . import Sample, Train


class FolderVAE(nn.Module):
    """q(z|x, y) and p(x|z, y); y is a class, or nothing where images have none."""

    def __init__(self, shape: tuple[int, int, int], classes: int, options: Train) -> None:
        super().__init__()
        grid, w, self.classes = Grid.of(shape, levels=2), options.width, max(1, classes)
        inner = 4 * w * grid.area
        self.encoder = nn.Sequential(
            Pad(grid), nn.Conv2d(shape[0], 2 * w, 4, 2, 1), nn.SiLU(), nn.Conv2d(2 * w, 4 * w, 4, 2, 1), nn.SiLU(),
            nn.Flatten(),
        )  # fmt: skip
        self.code = nn.Linear(inner + self.classes, 2 * options.latent)
        self.begin = nn.Linear(options.latent + self.classes, inner)
        self.decoder = nn.Sequential(
            nn.Unflatten(1, (4 * w, *grid.smallest)), nn.SiLU(), nn.ConvTranspose2d(4 * w, 2 * w, 4, 2, 1), nn.SiLU(),
            nn.ConvTranspose2d(2 * w, w, 4, 2, 1), nn.SiLU(), nn.Conv2d(w, shape[0], 3, padding=1), Crop(grid),
        )  # fmt: skip

    def hot(self, y: Tensor) -> Tensor:
        """Classes [b] to [b, k]."""
        return F.one_hot(y, self.classes).float()

    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the deviation of q(z|x, y), [b, l] each."""
        mean, log_deviation = self.code(torch.cat([self.encoder(x), self.hot(y)], 1)).chunk(2, 1)
        return mean, log_deviation.clamp(-7, 3)

    def decode(self, z: Tensor, y: Tensor) -> Tensor:
        """Images [b, c, h, w] in [0, 1]."""
        images: Tensor = self.decoder(self.begin(torch.cat([z, self.hot(y)], 1))).sigmoid()
        return images

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The two terms of the bound, [b] each: squared error of all pixels, and KL(q(z|x, y) || N(0, I))."""
        mean, log_deviation = self.encode(x, y)
        z = mean + log_deviation.exp() * draws.randn_like(mean)
        distance = 0.5 * (mean.square() + (2 * log_deviation).exp() - 1 - 2 * log_deviation).sum(1)
        return (self.decode(z, y) - x).square().sum((1, 2, 3)), distance


def build(checkpoint: Checkpoint[Train]) -> FolderVAE:
    return checkpoint.fill(FolderVAE(checkpoint.shape, len(checkpoint.classes), checkpoint.options))


def train(run: Run, options: Train) -> dict[str, Tensor]:
    data = run.dataset(options.data, "train", options.augment)
    vae = FolderVAE(data.shape, len(data.classes), options)
    adam = torch.optim.Adam(vae.parameters(), options.learning_rate)
    run.prepare(vae=vae, adam=adam)
    for step in run.steps(data, options):
        error, distance = vae(data.pixels(step.rows), data.labels[step.rows])
        run.descend((error + options.weight * distance).mean(), adam, clip=10.0)
        run.log(error=error.mean(), distance=distance.mean())
    return vae.state_dict()


@torch.no_grad()
def sample(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Images:
    vae, names = build(checkpoint).to(run.device), checkpoint.classes or ("",)
    if options.image:
        return seen(run, checkpoint, vae, options)
    asked = [names.index(options.class_)] if options.class_ else list(range(len(names)))
    y = torch.tensor(asked, device=run.device).repeat_interleave(options.n)
    parts = iter(y.split(256))
    drawn = run.draw(len(y), lambda n: vae.decode(draws.randn(n, checkpoint.options.latent, device=run.device),
                                                  next(parts)))  # fmt: skip
    return Images(drawn, tuple(names[label] for label in y.tolist()), options.n)


def seen(run: Run, checkpoint: Checkpoint[Train], vae: FolderVAE, options: Sample) -> Images:
    """Images of one's own above what the model makes of them."""
    if checkpoint.classes and not options.class_:
        raise UsageError("which class are the images of?", f"--class NAME, one of {', '.join(checkpoint.classes)}")
    x = run.own_images(options.image, checkpoint, options.invert).float() / 255
    label = checkpoint.classes.index(options.class_) if options.class_ else 0
    y = torch.full((len(x),), label, device=run.device)
    return Images(torch.cat([x, vae.decode(vae.encode(x, y)[0], y)]).cpu(), columns=len(x))


@torch.no_grad()
def evaluate(run: Run, checkpoint: Checkpoint[Train]) -> dict[str, Measured]:
    vae, data = build(checkpoint).to(run.device), run.dataset(checkpoint.options.data, "test")
    errors, distances, right = [], [], []
    for rows in run.track(data.rows().split(250)):
        x, y = data.pixels(rows), data.labels[rows]
        error, distance = vae(x, y)
        errors.append(error / x[0].numel())
        distances.append(distance)
        if data.classes:
            bounds = [sum(vae(x, torch.full_like(y, label))) for label in range(vae.classes)]
            right.append(torch.stack(bounds).argmin(0) == y)
    apart: Tensor | list[float] = 100 * torch.cat(right).float() if right else []
    return {"error": Measured.mean(torch.cat(errors)), "distance": Measured.mean(torch.cat(distances)),
            "told_apart": Measured.mean(apart, "the images have no classes")}  # fmt: skip
