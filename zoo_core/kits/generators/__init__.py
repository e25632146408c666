"""Models that draw images: the metrics and options that they share. Torch-free; `comparison` does the measuring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from ...cards.card import Metric
from ...cards.options import Options, option
from ...errors import NetworkError, UsageError

if TYPE_CHECKING:
    from torch import nn

    from ...data.images import ImageData
    from ...run.run import Run

METRICS = (  # what `comparison.compare` reports
    Metric("frechet", "Fréchet distance to real test images in the judge's features", "", "lower", 3),
    Metric("mmd2", "squared maximum mean discrepancy there, Gaussian kernel of median bandwidth", "", "lower", 4),
    Metric("class_js", "Jensen-Shannon divergence of the judged classes from those of real images", "nats", "lower", 4),
    Metric("density", "fidelity: real neighbourhoods around a generated image", "", "higher", 3),
    Metric("coverage", "variety: real neighbourhoods that hold a generated image", "", "higher", 3),
)


class Judged(Options):
    """How generated images are compared with real ones."""

    judge: str | None = option(
        None, "classifier that judges the images: a model of the zoo, or a run; by default that of the data, which is "
        "trained once, and kept, where the zoo has none",
    )  # fmt: skip
    neighbours: int = option(5, "k of density and coverage", ge=1, le=50)

    def judge_of(self, run: Run, data: ImageData) -> nn.Module | None:
        """The judge of a data set's images; None where they have no classes, so that nothing can be judged."""
        if self.judge:
            return run.load(self.judge, data)
        if len(data.classes) > 1:
            return run.load(f"judge.{data.name}", data)
        run.warn(f"{data.name} has no classes to tell apart, so no judge: what needs one is not measured")
        return None

    def others_of(self, run: Run, data: str, judge: nn.Module | None) -> ImageData | None:
        """Real images of training, for floors; None where nothing is judged, or they are not here."""
        try:
            return run.dataset(data, "train") if judge else None
        except (NetworkError, UsageError):
            return None


class Walk(Options):
    """The ends of a walk through the noise, for sample options that have a `show` with ``interpolation``."""

    from_seed: int | None = option(
        None, "the image that -n 1 --seed N draws is where the walk begins", ge=0, lt=2**32,
        only={"show": ("interpolation",)},
    )  # fmt: skip
    to_seed: int | None = option(None, "where it ends, likewise", ge=0, lt=2**32, only={"show": ("interpolation",)})

    @model_validator(mode="after")
    def _has_both_ends(self) -> Self:
        if (self.from_seed is None) != (self.to_seed is None):
            raise UsageError("a walk has two ends", "give --from-seed and --to-seed, or neither")
        return self


class Drawn(Judged):
    """How many images are drawn to be compared."""

    n: int | None = option(None, "images drawn; as many as there are real ones if not said", ge=10, le=10**6)
