"""DDPM: q adds noise, p takes it away. Shapes: b images, c channels, h x w pixels, t steps counted from 0."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_core import Animation, Checkpoint, Images, Measured, Run, draws

from . import Sample, Train


class Block(nn.Module):
    """Two convolutions that know which step it is."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(inside, outside, 3, padding=1), nn.Conv2d(outside, outside, 3, padding=1)
        self.norm, self.time = nn.GroupNorm(8, outside), nn.Linear(64, outside)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        x = F.silu(self.first(x)) + self.time(time)[:, :, None, None]
        return F.silu(self.norm(self.second(x)))


class Diffusion(nn.Module):
    """The noise in x_t; and the schedule of the paper, section 4: beta rises in a line, alpha_bar = prod (1 - beta)."""

    beta: Tensor
    alpha_bar: Tensor

    def __init__(self, shape: tuple[int, int, int], options: Train) -> None:
        super().__init__()
        self.shape, w, steps = shape, options.width, options.noise_steps
        self.down1, self.down2, self.middle = Block(shape[0], w), Block(w, 2 * w), Block(2 * w, 4 * w)
        self.up2, self.up1 = Block(6 * w, 2 * w), Block(3 * w, w)
        self.out = nn.Conv2d(w, shape[0], 1)
        beta = torch.linspace(1e-4, 0.02, steps) * 1000 / steps
        self.register_buffer("beta", beta.clamp(max=0.999), persistent=False)
        self.register_buffer("alpha_bar", (1 - self.beta).cumprod(0), persistent=False)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """The noise in x [b, c, h, w] at the steps t [b]."""
        angles = t[:, None] * torch.exp(-torch.arange(32, device=t.device) / 3.5)
        time = torch.cat([angles.sin(), angles.cos()], 1)
        x = F.pad(x, (0, -x.shape[3] % 4, 0, -x.shape[2] % 4), mode="replicate")
        one = self.down1(x, time)
        two = self.down2(F.avg_pool2d(one, 2), time)
        x = self.middle(F.avg_pool2d(two, 2), time)
        x = self.up2(torch.cat([F.interpolate(x, scale_factor=2), two], 1), time)
        x = self.up1(torch.cat([F.interpolate(x, scale_factor=2), one], 1), time)
        noise: Tensor = self.out(x)[:, :, : self.shape[1], : self.shape[2]]
        return noise

    def errors(self, pixels: Tensor, t: Tensor) -> Tensor:
        """Squared error [b] of the noise, equation 14, of pixels in [0, 1]; x_t is that of equation 4."""
        noise, kept = draws.randn_like(pixels), self.alpha_bar[t, None, None, None]
        error: Tensor = self(kept.sqrt() * (2 * pixels - 1) + (1 - kept).sqrt() * noise, t) - noise
        return error.square().mean((1, 2, 3))

    @torch.no_grad()
    def steps(self, x: Tensor) -> list[Tensor]:
        """x_T to x_0, algorithm 2: after each step the image as it is, [b, c, h, w] in [0, 1]."""
        seen = []
        for t in range(len(self.beta) - 1, -1, -1):
            beta, kept = self.beta[t], self.alpha_bar[t]
            noise = self(x, torch.full((len(x),), t, device=x.device))
            x = (x - beta / (1 - kept).sqrt() * noise) / (1 - beta).sqrt()
            x = x + beta.sqrt() * draws.randn_like(x) if t else x
            seen.append((x / 2 + 0.5).clamp(0, 1))
        return seen


def build(checkpoint: Checkpoint[Train]) -> Diffusion:
    return checkpoint.fill(Diffusion(checkpoint.shape, checkpoint.options))


def train(run: Run, options: Train) -> dict[str, Tensor]:
    """Algorithm 1, with a moving average of the weights."""
    data = run.dataset(options.data, "train", options.augment)
    net = Diffusion(data.shape, options)
    run.prepare(net=net)
    adam, average = torch.optim.Adam(net.parameters(), options.learning_rate), run.averaged(net, options.decay)
    run.prepare(adam=adam)
    for step in run.steps(data, options):
        t = draws.randint(options.noise_steps, (len(step.rows),), device=run.device)
        loss = net.errors(data.pixels(step.rows), t).mean()
        run.descend(loss, adam, clip=1.0)
        run.log(noise_error=loss)
    return average.module.state_dict()


def sample(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Images | Animation:
    net = build(checkpoint).to(run.device)
    if options.show == "images":
        drawn = run.draw(options.n, lambda n: net.steps(draws.randn(n, *net.shape, device=run.device))[-1], 64)
        return Images(drawn)
    seen = net.steps(draws.randn(options.n, *net.shape, device=run.device))
    shown = seen[:: max(1, len(seen) // 24)] + seen[-1:]
    return Animation(tuple(Images(x.cpu()) for x in shown), seconds=0.12)


@torch.no_grad()
def evaluate(run: Run, checkpoint: Checkpoint[Train]) -> dict[str, Measured]:
    net, trained = build(checkpoint).to(run.device), checkpoint.options
    data = run.dataset(trained.data, "test")
    errors = []
    for rows in run.track(data.rows().split(500)):
        t = draws.randint(trained.noise_steps, (len(rows),), device=run.device)
        errors.append(net.errors(data.pixels(rows), t))
    return {"noise_error": Measured.mean(torch.cat(errors))}
