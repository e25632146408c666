"""Models that draw images: the metrics and options that they share. Torch-free; `comparison` does the measuring."""

from __future__ import annotations

from ...cards.card import Metric
from ...cards.options import Options, option

METRICS = (  # what `comparison.compare` reports
    Metric("frechet", "Fréchet distance to real test images in the judge's features", "", "lower", 3),
    Metric("mmd2", "squared maximum mean discrepancy there, Gaussian kernel of median bandwidth", "", "lower", 4),
    Metric("class_js", "Jensen-Shannon divergence of the judged classes from those of real images", "nats", "lower", 4),
    Metric("density", "fidelity: real neighbourhoods around a generated image", "", "higher", 3),
    Metric("coverage", "variety: real neighbourhoods that hold a generated image", "", "higher", 3),
)


class Judged(Options):
    """How generated images are compared with real ones."""

    judge: str | None = option(None, "model of the zoo that classifies the images; by default that of the data set")
    neighbours: int = option(5, "k of density and coverage", ge=1, le=50)

    def judge_of(self, data: str) -> str:
        """The name of the judge for images of a data set."""
        return self.judge or f"judge.{data}"


class Drawn(Judged):
    """How many images are drawn to be compared."""

    n: int | None = option(None, "images drawn; as many as there are real ones if not said", ge=10, le=10**6)
