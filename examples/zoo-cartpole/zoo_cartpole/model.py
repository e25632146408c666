"""The environment, the policy, and REINFORCE. Shapes: b episodes at once, t steps; a state is [x, v, angle, turn]."""

import torch
from torch import Tensor, nn

from zoo_core import Animation, Checkpoint, Images, Measured, Run, Several, Table

from . import Sample, Train

LONGEST, EPISODES, EVERY = 500, 100, 4  # steps of one; how many are measured; steps from one frame to the next
GRAVITY, CART, POLE, HALF, FORCE, TICK = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02  # m/s², kg, kg, m, N, s
FAR, TILTED = 2.4, 0.2095  # m, rad (12 degrees): beyond these an episode ends


class Policy(nn.Module):
    """States [b, 4] to the log-odds [b] of a push to the right."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, state: Tensor) -> Tensor:
        odds: Tensor = self.layers(state).squeeze(1)
        return odds


def pushed(state: Tensor, right: Tensor) -> Tensor:
    """The state a tick later: Barto et al. 1983, appendix, by Euler's method."""
    x, v, angle, turn = state.unbind(1)
    sine, cosine, mass = angle.sin(), angle.cos(), CART + POLE
    push = (FORCE * (2 * right - 1) + POLE * HALF * turn.square() * sine) / mass
    spin = (GRAVITY * sine - cosine * push) / (HALF * (4 / 3 - POLE * cosine.square() / mass))
    speed = push - POLE * HALF * spin * cosine / mass
    return torch.stack([x + TICK * v, v + TICK * speed, angle + TICK * turn, turn + TICK * spin], 1)


def play(policy: Policy, n: int, device: torch.device, greedy: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Episodes: states [t, b, 4], log-probabilities of what was done [t, b], whether the pole still stood [t, b]."""
    state, stands = torch.empty(n, 4, device=device).uniform_(-0.05, 0.05), torch.ones(n, device=device)
    states, chances, standing = [], [], []
    for _ in range(LONGEST):
        odds = policy(state)
        right = (odds > 0).float() if greedy else torch.bernoulli(odds.detach().sigmoid())
        states.append(state)
        chances.append(-nn.functional.binary_cross_entropy_with_logits(odds, right, reduction="none"))
        standing.append(stands)
        state = torch.where(stands[:, None] > 0, pushed(state, right), state)
        stands = stands * (state[:, 0].abs() < FAR) * (state[:, 2].abs() < TILTED)
        if not stands.any():
            break
    return torch.stack(states), torch.stack(chances), torch.stack(standing)


def build(checkpoint: Checkpoint[Train]) -> Policy:
    return checkpoint.fill(Policy(checkpoint.options.hidden))


def train(run: Run, options: Train) -> dict[str, Tensor]:
    policy = Policy(options.hidden)
    adam = torch.optim.Adam(policy.parameters(), options.learning_rate)
    run.prepare(policy=policy, adam=adam)
    best = run.best(policy, better="higher")
    for _ in run.steps(None, options):
        _, chances, stood = play(policy, options.episodes, run.device)
        gains = torch.zeros_like(stood)
        after = torch.zeros(options.episodes, device=run.device)
        for t in range(len(stood) - 1, -1, -1):
            after = gains[t] = stood[t] + options.discount * after
        advantage = (gains - gains[stood > 0].mean()) / (gains[stood > 0].std() + 1e-6)
        loss = -(chances * advantage * stood).sum() / stood.sum()
        lasted = stood.sum(0).mean()
        best.look(lasted)  # of the policy that has played, before it changes
        run.descend(loss, adam, clip=1.0)
        run.log(loss=loss, lasted=lasted)
        if lasted >= options.enough:
            run.finish()
    best.restore()
    return policy.state_dict()


@torch.no_grad()
def sample(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Several:
    states, _, stood = play(build(checkpoint).to(run.device), options.n, run.device, greedy=True)
    lasted = stood.sum(0).int().tolist()
    rows = tuple((number + 1, steps, steps == LONGEST) for number, steps in enumerate(lasted))
    names = [[f"{number}: step {EVERY * t}" for number, *_ in rows] for t in range(len(states) // EVERY)]
    frames = tuple(Images(drawn(states[EVERY * t].cpu()), tuple(said)) for t, said in enumerate(names))
    return Several({"film": Animation(frames, seconds=0.05), "episodes": Table(("episode", "steps", "stood"), rows)})


def drawn(states: Tensor, height: int = 60, width: int = 120) -> Tensor:
    """Carts and poles, [b, 1, height, width], dark on white."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    place = (states[:, 0, None, None] / FAR / 2 + 0.5) * width  # [b, 1, 1]
    up, side = (height - 10 - y)[None], x[None] - place
    cart = (up.abs() < 4) & (side.abs() < 9)
    along = side * states[:, 2, None, None].sin() + up * states[:, 2, None, None].cos()
    across = side * states[:, 2, None, None].cos() - up * states[:, 2, None, None].sin()
    pole = (along > 0) & (along < 40) & (across.abs() < 1.5)
    ground = (up == -5).expand_as(cart)
    return 1 - (cart | pole | ground).float().unsqueeze(1)


@torch.no_grad()
def evaluate(run: Run, checkpoint: Checkpoint[Train]) -> dict[str, Measured]:
    _, _, stood = play(build(checkpoint).to(run.device), EPISODES, run.device, greedy=True)
    lasted = stood.sum(0)
    return {"return": Measured.mean(lasted), "fell_after": Measured.mean(lasted[lasted < LONGEST], "it never fell")}
