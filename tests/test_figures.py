"""The figures that the zoo claims, measured again on all test images."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

import zoo_core as zoo
from zoo_core import Claim
from zoo_core.plugin.registry import load
from zoo_core.weights import manifest

pytestmark = pytest.mark.full_data


def aims(name: str) -> list[Claim]:
    """What the zoo promises of weights by itself: bounds."""
    plugin, _, preset = name.partition(".")
    claims = load(plugin).card.presets[preset].claims
    measured = {metric.name for metric in load(plugin).card.measured()}
    bounds = [claim for claim in claims if not claim.source and claim.kind in ("at least", "at most")]
    return [claim for claim in bounds if claim.metric in measured]


COMPARED = ("cgan.dcgan", "gan.dcgan")  # measured by one test, so that neither is measured twice


def measured(name: str) -> Mapping[str, float]:
    """What `evaluate` says of pinned weights now, after comparing it with the manifest and the aims.

    Equal means within a unit of the last digit shown, or what another processor's rounding may change.
    """
    found = zoo.evaluate(name, device="cpu").metrics
    for metric in load(name.partition(".")[0]).card.measured():
        value = manifest.pin(name).metrics[metric.name]
        assert found[metric.name] == pytest.approx(value, rel=0.01, abs=10.0**-metric.decimals), (name, metric.name)
    for aim in aims(name):
        value = found[aim.metric]
        assert value >= aim.value if aim.kind == "at least" else value <= aim.value, (name, str(aim))
    return found


@pytest.mark.parametrize("name", sorted(manifest.read().keys() - set(COMPARED)))
def test_evaluate_gives_what_the_manifest_says_and_reaches_the_aims(name: str) -> None:
    measured(name)


def test_so_do_both_gans_and_the_conditional_one_is_better() -> None:
    """As the README says of both."""
    cgan, gan = (measured(name) for name in COMPARED)
    for metric in ("frechet", "mmd2", "class_js"):
        assert gan[metric] > 5 * cgan[metric], metric
    assert gan["coverage"] < cgan["coverage"] and gan["density"] < cgan["density"]


def test_there_are_aims() -> None:
    assert sum(bool(aims(name)) for name in manifest.read()) >= 8


def test_cgan_draws_what_is_asked_for_and_varies() -> None:
    found = zoo.evaluate("cgan.dcgan", seed=1)  # not the seed of the manifest
    assert found["share"] >= found["share_real"]
    assert found["share_min"] >= 78
    assert found["deviation_min"] >= 0.8
    assert found["coverage"] >= 0.7
