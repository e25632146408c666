"""REINFORCE (Williams 1992) on a pole that stands on a cart: an agent, which needs no data set."""

from zoo_core import Budget, Card, Metric, Options, Plugin, Preset, option


class Train(Budget):
    """The agent, and how it learns; an epoch means nothing here, so `--iterations` counts."""

    iterations: int = option(150, "updates, each after a batch of episodes", ge=1, le=100_000)
    episodes: int = option(16, "that are played at once before an update", ge=2, le=10_000)
    hidden: int = option(32, "width of the policy", ge=1, le=4096)
    discount: float = option(0.99, "what a reward is worth one step later", ge=0, le=1)
    learning_rate: float = option(1e-2, "of Adam", gt=0, le=1)
    enough: float = option(480.0, "mean return at which it stops", gt=0, le=500)


class Sample(Options):
    """What is shown."""

    n: int = option(3, "episodes", ge=1, le=64)


CARD = Card(
    name="cartpole",
    api="0.2",
    summary="An agent that balances a pole on a cart",
    idea="The cart is pushed to the left or to the right. What was done in an episode that lasted long becomes "
    "likelier, what was done in a short one less likely.",
    paper="Williams 1992, Simple statistical gradient-following algorithms for connectionist reinforcement learning; "
    "the cart: Barto et al. 1983, Neuronlike adaptive elements that can solve difficult learning control problems",
    licence="MIT",
    metrics=(
        Metric("return", "steps until the pole falls, 500 at most", "steps", "higher", 1),
        Metric("fell_after", "steps of the episodes in which it fell", "steps", "higher", 1),
    ),
    presets={"small": Preset(Train(), "a policy of 32 hidden units")},
    task="reinforcement-learning",
    sample_options=Sample,
    tiny={"iterations": 6, "episodes": 4, "hidden": 8},
)
plugin = Plugin(CARD)
