"""Metrics that several cards share: what `zoo_core.kits.distances.compare` reports of generated images. Torch-free."""

from __future__ import annotations

from ..cards.card import Metric

GENERATED = (
    Metric("frechet", "Fréchet distance to real test images in the judge's features", "", "lower", 3),
    Metric("mmd2", "squared maximum mean discrepancy there, Gaussian kernel of median bandwidth", "", "lower", 4),
    Metric("class_js", "Jensen-Shannon divergence of the judged classes from those of real images", "nats", "lower", 4),
    Metric("density", "fidelity: real neighbourhoods around a generated image", "", "higher", 3),
    Metric("coverage", "variety: real neighbourhoods that hold a generated image", "", "higher", 3),
)
