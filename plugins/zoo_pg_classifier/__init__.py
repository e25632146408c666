"""A classifier trained by policy gradient (Williams 1992): it is only told how bad its guess was."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from zoo_core import Budget, Card, Claim, Equation, Metric, OfImages, OnImages, Options, Plugin, Preset, option


class Train(OnImages, Budget):
    """What is learned, and how the gradient is estimated."""

    task: Literal["images", "threshold"] = option("images", "the data's images, or y = 1 if x > 5 on the line")
    hidden: int = option(256, "width of the hidden layer", ge=1, le=65536)
    learner: Literal["policy-gradient", "supervised"] = option(
        "policy-gradient", "sees the loss of the class that it drew, or the label"
    )
    baseline: Literal["none", "batch-mean", "learned"] = option(
        "learned",
        "subtracted from the loss: nothing, the mean of the other losses of the batch, or a prediction from x",
    )
    samples: int = option(16, "classes drawn for each input", ge=1, le=1000)
    entropy: float = option(0.01, "weight of an entropy bonus", ge=0, le=10)
    epochs: int = option(10, "passes over the training inputs", ge=1, le=10_000)
    learning_rate: float = option(1e-3, "of Adam", gt=0, le=1)
    compare: bool = option(False, "train the other estimators and the supervised twin too; show all curves")
    seeds: int = option(3, "seeds of each in --compare", ge=1, le=100)

    @model_validator(mode="after")
    def _line_has_no_images(self) -> Train:
        if self.task == "threshold" and (self.data != "mnist" or self.augment != "none" or self.size):
            raise ValueError("--task threshold has no images; leave out --data, --size and --augment")
        return self


class Sample(OfImages):
    """What to show: test images, or those of your own with their likeliest classes."""

    n: int = option(16, "test images shown", unit="images", ge=1, le=400)


class Evaluate(Options):
    """How the variance of the gradient estimate is measured."""

    estimates: int = option(100, "estimates of the same gradient", ge=2, le=100_000)


PLAIN: dict[str, Any] = {"baseline": "none", "samples": 1, "entropy": 0.0}

METRICS = (
    Metric("accuracy", "test inputs classified correctly", "%", "higher"),
    Metric("class_min", "the same, of the worst class", "%", "higher"),
    Metric("gradient_variance", "E|estimate - gradient|² of the expected loss, at a batch of test inputs", "", "", 5),
    Metric("gradient_norm2", "|gradient|² there", "", "", 5),
)


def _todays(options: dict[str, Any], version: int) -> dict[str, Any]:
    """Today's training options: in version 1 `data` said the task."""
    toy = options.get("data") == "threshold"
    return {**options, "data": "mnist", "task": "threshold"} if toy else options


CARD = Card(
    name="pg-classifier",
    summary="Classifier trained by policy gradient, from a black-box loss",
    idea="The network draws a class and is told only the loss of that class, without a gradient; raising the "
    "log-probability of what went better than expected is gradient descent on the expected loss.",
    paper="Williams 1992, Simple statistical gradient-following algorithms for connectionist reinforcement learning, "
    "https://doi.org/10.1007/BF00992696",
    limits=(
        "Who has the labels does better with them: the supervised twin learns faster and ends higher.",
        "With many classes a draw is seldom right at first, and learning from draws alone takes that much longer.",
    ),
    licence="MIT",
    metrics=METRICS,
    presets={
        "mnist": Preset(
            Train(),
            "784-256-10, learned baseline, 16 draws an input, entropy bonus",
            claims=(Claim("accuracy", 97.0, "at least"),),
        ),
        "plain": Preset(
            Train(**PLAIN),
            "no baseline, one draw, no bonus",
            claims=(Claim("accuracy", 75.0, "at least", source="published"),),
        ),
        "batch-mean": Preset(Train(**{**PLAIN, "baseline": "batch-mean"}), "one draw, batch mean as the baseline"),
        "supervised": Preset(
            Train(learner="supervised"),
            "the twin that sees the label",
            claims=(Claim("accuracy", 0.0, "above", than="plain", source="published", says="better than by draws"),),
        ),
        "threshold": Preset(Train(task="threshold", hidden=16, epochs=20), "y = 1 if x > 5"),
    },
    task="image-classification",
    sample_options=Sample,
    evaluate_options=Evaluate,
    axes={"": "share of wrong draws"},
    tiny={"iterations": 6, "batch_size": 16, "hidden": 8},
    takes="x, float [b, 784] in [0, 1]: images, flattened",
    gives="logits, float [b, 10], and expected losses, float [b]",
    equations=(
        Equation(
            "∇E[L] = E[(L(y) - b) ∇log p(y|x)],  y ~ p(y|x)",
            "Williams 1992, theorem 1",
            ".model:surrogate",
            "tests/test_pg_classifier.py::test_the_estimate_is_unbiased_on_two_weights",
        ),
        Equation(
            "b: any number that does not depend on y",
            "Williams 1992",
            ".model:baseline",
            "tests/test_pg_classifier.py::test_a_baseline_never_depends_on_its_own_draw",
        ),
    ),
    options_version=2,
    migrate=_todays,
)

plugin = Plugin(CARD)
