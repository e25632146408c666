"""Measures of generated images, against closed forms."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import pytest
import torch
from conftest import SLICES
from elsewhere import THERE, elsewhere

from zoo_core import ImageData, Measured, Run, TrainingError, UsageError
from zoo_core.api.handle import Source, find_checkpoint, open_model
from zoo_core.api.measuring import measure
from zoo_core.api.training import open_other
from zoo_core.kits import distances, resampling
from zoo_core.kits.generators import comparison
from zoo_core.kits.generators.comparison import compare
from zoo_core.kits.generators.judging import judged
from zoo_core.run.reporter import Silent
from zoo_core.weights import computed, manifest, tensorfile


def test_frechet_distance_of_gaussians() -> None:
    """For commuting covariances it is |mean difference|² + sum (sqrt a - sqrt b)²."""
    torch.manual_seed(0)
    n = 200_000
    a = torch.randn(n, 3) * torch.tensor([1.0, 2.0, 3.0])
    b = torch.randn(n, 3) * torch.tensor([2.0, 2.0, 1.0]) + torch.tensor([1.0, 0.0, -1.0])
    assert abs(distances.frechet_distance(a, b) - (2 + 1 + 0 + 4)) < 0.15
    assert abs(distances.frechet_distance(a, a)) < 1e-6
    assert abs(distances.frechet_distance(a, b) - distances.frechet_distance(b, a)) < 1e-6


def test_density_and_coverage_know_copies_collapse_and_noise() -> None:
    torch.manual_seed(1)
    real = torch.randn(600, 4)
    density, coverage = distances.density_coverage(torch.randn(600, 4), real)
    assert 0.85 < density < 1.15 and coverage > 0.9
    density, coverage = distances.density_coverage(real[:1].repeat(600, 1), real)  # one point, repeated
    assert coverage < 0.1
    density, coverage = distances.density_coverage(torch.randn(600, 4) + 50, real)
    assert density == coverage == 0


def test_coverage_by_hand() -> None:
    real = torch.tensor([[0.0], [1.0], [10.0]])  # nearest neighbours at 1, 1 and 9
    density, coverage = distances.density_coverage(torch.tensor([[0.5]]), real, k=1)
    assert density == 2.0 and abs(coverage - 2 / 3) < 1e-6


def test_deviation() -> None:
    pixels = torch.stack([torch.zeros(1, 2, 2), torch.ones(1, 2, 2)])
    assert abs(distances.deviation(pixels) - 0.5**0.5) < 1e-6
    assert distances.deviation(torch.ones(5, 1, 2, 2)) == 0


# -- divergences and distances of the reference ------------------------------------------------------

GRID = torch.arange(-2, 2.5, 0.01, dtype=torch.double) + 0.005  # midpoints of bins


def uniform(low: float, high: float) -> torch.Tensor:
    return ((low < GRID) & (high > GRID)).double()


def gaussian(mean: float, deviation: float) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.linspace(-30, 30, 200_001, dtype=torch.double)
    return torch.distributions.Normal(mean, deviation).log_prob(x).exp(), x


def test_kl_of_uniforms() -> None:
    p1, p2, p3 = uniform(0, 1), uniform(0.5, 1.5), uniform(1, 2)
    assert distances.kl_divergence(p1, p2) == distances.kl_divergence(p1, p3) == math.inf
    wide = uniform(-2, 2)
    assert distances.kl_divergence(p1, wide) == pytest.approx(math.log(4))
    assert distances.kl_divergence(wide, p1) == math.inf
    assert distances.kl_divergence(p1, p1) == 0


def test_kl_of_gaussians() -> None:
    (p, _), (q, _) = gaussian(0, 1), gaussian(1.5, 2)
    closed = torch.distributions.kl_divergence(
        torch.distributions.Normal(0.0, 1.0), torch.distributions.Normal(1.5, 2.0)
    )
    assert distances.kl_divergence(p, q) == pytest.approx(float(closed), abs=1e-6)


def test_js_is_symmetric_and_bounded() -> None:
    p1, p2, p3 = uniform(0, 1), uniform(0.5, 1.5), uniform(1, 2)
    assert distances.js_divergence(p1, p3) == pytest.approx(math.log(2))  # disjoint
    assert distances.js_divergence(p1, p2) == pytest.approx(math.log(2) / 2)  # half of each overlaps
    assert distances.js_divergence(p1, p1) == 0
    torch.manual_seed(0)
    for _ in range(20):
        p, q = torch.rand(2, 7)
        js = distances.js_divergence(p, q)
        assert 0 <= js <= math.log(2) and js == pytest.approx(distances.js_divergence(q, p))


def test_entropy() -> None:
    assert distances.entropy(torch.ones(10)) == pytest.approx(math.log(10))
    assert distances.entropy(torch.tensor([0, 5, 0])) == 0


@pytest.mark.parametrize("bad", [[-1.0, 2.0], [0.0, 0.0], [math.nan, 1.0], [math.inf, 1.0]])
def test_what_is_no_distribution_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        distances.kl_divergence(torch.tensor(bad), torch.ones(2))


def test_wasserstein1_of_uniforms_and_gaussians() -> None:
    u = (torch.arange(10_000, dtype=torch.double) + 0.5) / 10_000
    assert distances.wasserstein1(u, u + 0.5) == pytest.approx(0.5)
    assert distances.wasserstein1(u, u + 1) == pytest.approx(1)
    assert distances.wasserstein1(u, u) == 0
    quantiles = torch.distributions.Normal(0.0, 1.0).icdf(u)
    assert distances.wasserstein1(quantiles, quantiles * 3) == pytest.approx(2 * math.sqrt(2 / math.pi), rel=1e-3)
    assert distances.wasserstein1(quantiles, quantiles[::7] + 2) == pytest.approx(2, abs=0.02)  # of unequal size
    assert distances.wasserstein1(torch.tensor([0.0, 0.0]), torch.tensor([1.0])) == 1


def test_mmd2_of_gaussians_in_closed_form() -> None:
    """For N(0, 1) and N(m, 1) and a kernel of width s: 2 s / sqrt(s² + 2) (1 - exp(-m² / (2 s² + 4)))."""
    torch.manual_seed(0)
    a, b, s, m = torch.randn(6000, 1), torch.randn(5000, 1) + 1.5, 0.8, 1.5
    closed = 2 * s / math.sqrt(s**2 + 2) * (1 - math.exp(-(m**2) / (2 * s**2 + 4)))
    assert distances.mmd2(a, b, bandwidth=s) == pytest.approx(closed, rel=0.03)


def test_mmd2_is_unbiased_and_sees_more_than_the_mean() -> None:
    torch.manual_seed(0)
    same = [distances.mmd2(torch.randn(60, 2), torch.randn(60, 2), bandwidth=1.0) for _ in range(300)]
    mean, error = sum(same) / 300, torch.tensor(same).std() / 300**0.5
    assert abs(mean) < 3 * float(error) and min(same) < 0
    assert distances.mmd2(torch.randn(2000, 2), 2 * torch.randn(2000, 2)) > 0.02


def test_median_bandwidth() -> None:
    assert distances.median_bandwidth(torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0]])) == 2


# -- through the eyes of a judge ---------------------------------------------------------------------


class Halves(torch.nn.Module):
    """Features are the means of the two halves of an image; counts the images that it is shown."""

    shown = 0

    def features(self, x: torch.Tensor) -> torch.Tensor:
        self.shown += len(x)
        halves: torch.Tensor = x.flatten(1).unflatten(1, (2, -1))
        return halves.mean(2) * 10

    def head(self, f: torch.Tensor) -> torch.Tensor:
        return torch.stack([f[:, 0] - f[:, 1], f[:, 1] - f[:, 0]], 1)


def drawn(n: int, shares: list[float]) -> torch.Tensor:
    bright = torch.multinomial(torch.tensor(shares), n, replacement=True)
    base = torch.where(bright[:, None, None, None] == torch.arange(2)[:, None].repeat(1, 4).view(1, 1, 2, 4), 0.7, 0.3)
    return (base + 0.2 * torch.rand(n, 1, 2, 4)).clamp(0, 1)


def halves(n: int = 500) -> ImageData:
    torch.manual_seed(0)
    images = (drawn(n, [0.5, 0.5]) * 255).byte()
    return ImageData("halves", "test", images, torch.zeros(n, dtype=torch.long), ("top", "bottom"), "0" * 64)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what was computed lies."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "computed"


def test_compare_knows_good_from_bad(cache: Path) -> None:
    real = halves()
    good, collapsed = (
        {name: one.number for name, one in compare(Halves(), drawn(500, shares), real).scores.items()}
        for shares in ([0.5, 0.5], [1.0, 0.0])
    )
    for name in ("frechet", "mmd2", "class_js"):
        assert good[name] < collapsed[name] / 3, name
    assert collapsed["coverage"] < 0.6 < good["coverage"]
    assert collapsed["class_js"] == pytest.approx(
        distances.js_divergence(torch.tensor([1.0, 0]), torch.tensor([0.5, 0.5])), abs=0.02
    )


def test_real_images_are_judged_once(cache: Path) -> None:
    real, pixels = halves(), drawn(300, [0.7, 0.3])
    first, again = Halves(), Halves()
    scores = compare(first, pixels, real).scores
    assert compare(again, pixels, real).scores == scores
    assert first.shown == 800 and 300 < again.shown < 350, "a few are judged again, to see that they are the same"
    assert len(list(cache.iterdir())) == 1
    compare(again, pixels, real.part(0, 400))  # cut, so other images
    compare(again, pixels, real, neighbours=7)
    assert len(list(cache.iterdir())) == 3


class Louder(Halves):
    """Another judge of the same name and weights."""

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return super().features(x) * 1.5


Louder.__qualname__, Louder.__module__ = Halves.__qualname__, Halves.__module__


@pytest.mark.parametrize("spoiled", ["a bit", "cut short", "of another judge", "not numbers", "a pickle", "a folder"])
def test_what_was_kept_is_never_believed(cache: Path, spoiled: str) -> None:
    real, pixels = halves(), drawn(300, [0.7, 0.3])
    true = compare(Halves(), pixels, real).scores
    (file,) = cache.iterdir()
    data, judge = bytearray(file.read_bytes()), Halves()
    facts = tensorfile.read(file).facts
    if spoiled == "a bit":
        data[-100] ^= 1
        file.write_bytes(data)
    elif spoiled == "cut short":
        file.write_bytes(data[:-100])
    elif spoiled == "of another judge":
        file.unlink()
        compare(Louder(), pixels, real)
        assert file.is_file(), "by its name it is of the same judge"
    elif spoiled == "not numbers":
        tensorfile.save(file, {"features": torch.full((500, 2), math.nan)}, facts, sealed=True)
    elif spoiled == "a pickle":
        file.write_bytes(b"\x80\x04N.")
    else:
        file.unlink()
        file.mkdir()
    assert compare(judge, pixels, real).scores == true
    assert judge.shown >= 800
    computed.sweep()
    assert compare(judge, pixels, real).scores == true


def test_what_was_computed_is_tidied(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, age in (("old", 300), ("recent", 200)):
        computed.keep(name, {"of": name}, {"x": torch.rand(100)})
        os.utime(cache / f"{name}.safetensors", times=(time.time() - age,) * 2)
    assert computed.recall("old", {"of": "old"}) and not computed.recall("old", {"of": "recent"})
    (cache / "damaged.safetensors").write_bytes(b"no")
    assert computed.sweep() == (1, 2)
    monkeypatch.setattr(computed, "MOST", 1500)
    computed.keep("new", {"of": "new"}, {"x": torch.rand(100)})
    assert sorted(path.stem for path in cache.iterdir()) == ["new", "old"], "the one that was used is kept"
    monkeypatch.setattr(tensorfile, "save", refused)
    computed.keep("newer", {}, {"x": torch.rand(100)})  # costs time later, and fails nothing now


def refused(*_: object, **__: object) -> str:
    raise TrainingError("no room")


def test_a_model_that_is_no_judge_is_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="Linear is no judge: it has no features and head"):
        judged(torch.nn.Linear(1, 1), torch.rand(2, 1, 8, 8))


# -- devices without double precision --------------------------------------------------------------


def test_distances_need_no_double_precision_of_the_device() -> None:
    torch.manual_seed(0)
    a, b = torch.rand(50, 3), torch.rand(60, 3)

    def measured(a: torch.Tensor, b: torch.Tensor) -> list[float]:
        return [
            distances.frechet_distance(a, b), *distances.density_coverage(a, b), distances.mmd2(a, b),
            distances.js_divergence(a[:, 0], a[:, 1]), distances.entropy(a[:, 0]),
            distances.wasserstein1(a[:, 0], b[:, 0]),
        ]  # fmt: skip

    expected = measured(a, b)
    with elsewhere(single=True):
        with pytest.raises(TypeError, match=r"cuda:1 has no torch\.float64"):
            a.to(THERE).double()
        assert measured(a.to(THERE), b.to(THERE)) == expected


@pytest.mark.parametrize("name", manifest.read())
def test_no_evaluation_needs_double_precision_of_the_device(name: str, cache: Path) -> None:
    handle = open_model(name)
    checkpoint = find_checkpoint(handle, Source())
    with elsewhere(single=True):
        run = Run(THERE, 0, SLICES, "evaluation", reporter=Silent(), open_model=open_other, few=True)
        found = measure(handle.model, checkpoint, handle.card.evaluate_options(), run)
    assert all(math.isfinite(value) for value in found.metrics.values())


# -- standard errors -------------------------------------------------------------------------------


def samples(n: int) -> list[torch.Tensor]:
    """So many samples of 200 points in the plane."""
    return list(torch.randn(n, 200, 2, generator=torch.Generator().manual_seed(5)) * torch.tensor([1.0, 2.0]))


@pytest.mark.parametrize("name", ["frechet", "mmd2", "deviation", "density", "coverage"])
def test_standard_errors_are_those_of_repeated_samples(name: str) -> None:
    """What one sample says of its own error, beside the deviation over many samples."""

    def both(a: torch.Tensor, b: torch.Tensor) -> tuple[float, float]:
        if name == "frechet":
            return distances.frechet_distance(a, b), resampling.frechet_error(a, b)
        if name == "mmd2":
            found = comparison._discrepancy(a, b, distances.untracked)
            assert found.error is not None
            return found.number, found.error
        if name in ("density", "coverage"):
            around = distances.neighbourhoods(a, b, groups=resampling.GROUPS)
            one = resampling.fidelity_and_variety(*around, 5)[name]
            assert one.error is not None
            return one.number, one.error
        return distances.deviation(a), resampling.jackknife(distances.deviation, a)

    firsts, seconds = samples(120), [sample + 1.0 for sample in samples(240)[120:]]
    found = torch.tensor([both(a, b) for a, b in zip(firsts, seconds, strict=True)])
    said, truth = float(found[:, 1].mean()), float(found[:, 0].std())
    too_large = {"density": 1.6, "coverage": 1.35}.get(name, 1.2)  # what is said of the former is rather too much
    assert 0.8 * truth < said < too_large * truth


def test_the_fast_way_to_the_error_of_a_frechet_distance_is_the_slow_one() -> None:
    a, b = samples(2)
    slow = resampling.jackknife(distances.frechet_distance, a, b + 1)
    assert resampling.frechet_error(a, b + 1) == pytest.approx(slow, rel=1e-6)


def test_a_share_has_the_error_of_a_share() -> None:
    found = Measured.percent(torch.tensor([True] * 30 + [False] * 10))
    assert found.value == 75.0 and found.error == pytest.approx(100 * math.sqrt(0.75 * 0.25 / 40))
    assert Measured.percent([1]).error is None and Measured.percent([]).value is None
    assert math.isnan(Measured.percent([math.nan]).number)


def test_what_the_points_add_to_the_discrepancy_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a sample is looked at in several parts."""
    a, b = samples(2)
    k = (-torch.cdist(torch.cat([a, b]).double(), torch.cat([a, b]).double()).square() / 2).exp()
    n = len(a)
    among = [float((block.sum() - n) / (n * (n - 1))) for block in (k[:n, :n], k[n:, n:])]
    truth = sum(among) - 2 * float(k[:n, n:].mean())
    assert distances.mmd2(a, b, bandwidth=1.0) == pytest.approx(truth, abs=1e-6)
    monkeypatch.setattr(distances.Squares, "MOST", 30 * n)
    assert distances.mmd2(a, b, bandwidth=1.0) == pytest.approx(truth, abs=1e-6)
