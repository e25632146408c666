"""The conditional GAN: its losses, its average, its labels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import SLICES
from zoo_cgan.model import Discriminator, Generator, update_average
from zoo_judge.model import Judge

import zoo_core as zoo
from zoo_core.api.calls import Circumstances, make_run
from zoo_core.api.training import open_other
from zoo_core.kits.generators.losses import discriminator_loss, generator_loss
from zoo_core.kits.generators.usefulness import accuracy_score, real_images
from zoo_core.run.reporter import Silent


def test_losses_by_hand() -> None:
    real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-2.0, 0.0])
    assert math.isclose(float(discriminator_loss(real, fake, "hinge")), (0 + 0.5) / 2 + (0 + 1) / 2)
    expected = -(torch.sigmoid(real).log().mean() + (1 - torch.sigmoid(fake)).log().mean())
    torch.testing.assert_close(discriminator_loss(real, fake, "non-saturating"), expected)
    torch.testing.assert_close(generator_loss(fake, "hinge"), torch.tensor(1.0))
    torch.testing.assert_close(generator_loss(fake, "non-saturating"), -torch.sigmoid(fake).log().mean())


def test_the_average_converges_to_a_constant_model_statistics_included() -> None:
    a, b = Generator(4, 8, (1, 28, 28), 10), Generator(4, 8, (1, 28, 28), 10)
    b.norm7.norm.running_mean.fill_(3.0)  # type: ignore[union-attr]
    update_average(a, b, 0.5)
    torch.testing.assert_close(a.norm7.norm.running_mean, torch.full((8,), 1.5))
    for _ in range(40):
        update_average(a, b, 0.5)
    for mine, theirs in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_both_networks_see_the_label() -> None:
    torch.manual_seed(0)
    generator, discriminator = Generator(4, 8, (1, 28, 28), 10).eval(), Discriminator(8, (1, 28, 28), 10)
    z, y = torch.randn(6, 4), torch.arange(6)
    x = generator(z, y)
    assert x.shape == (6, 1, 28, 28) and float(x.min()) >= -1 and float(x.max()) <= 1
    assert not torch.equal(x, generator(z, y.flip(0)))
    logits, classes = discriminator(x, y)
    assert logits.shape == (6,) and classes.shape == (6, 10)
    assert not torch.allclose(logits, discriminator(x, y.flip(0))[0])


def test_the_discriminator_is_spectrally_normalised() -> None:
    discriminator = Discriminator(8, (1, 28, 28), 10)
    x, y = torch.randn(4, 1, 28, 28), torch.arange(4)
    for _ in range(30):  # the power iteration takes a step in every forward pass
        discriminator(x, y)
    layer = discriminator.body[3]
    assert isinstance(layer, torch.nn.Conv2d)
    assert abs(float(torch.linalg.matrix_norm(layer.weight.flatten(1), 2)) - 1) < 0.05


def test_without_labels_none_can_be_asked_for(tmp_path: Path) -> None:
    tiny: dict[str, Any] = {"iterations": 4, "batch_size": 8, "generator_width": 8, "discriminator_width": 8}
    run = zoo.train("cgan", preset="unlabelled", output=tmp_path / "run", data_root=SLICES, **tiny).folder
    drawn = zoo.sample(run, n=3, data_root=SLICES)
    assert isinstance(drawn, zoo.Images)
    assert drawn.pixels.shape == (3, 1, 28, 28) and not drawn.captions
    with pytest.raises(zoo.UsageError, match="never saw a label"):
        zoo.sample(run, class_="sandal", data_root=SLICES)
    metrics = zoo.evaluate(run, per_class=10, data_root=SLICES).metrics
    assert math.isnan(metrics["share"]) and math.isfinite(metrics["frechet"])


def test_judges_that_are_not_there_cost_no_other_number(tmp_path: Path) -> None:
    tiny: dict[str, Any] = {"iterations": 4, "batch_size": 8, "generator_width": 8, "discriminator_width": 8}
    run = zoo.train("cgan", data="mnist", output=tmp_path / "run", data_root=SLICES, **tiny).folder
    more: dict[str, Any] = {"independent": True, "score": True, "score_images": 50, "score_epochs": 1}
    found = zoo.evaluate(run, per_class=10, data_root=SLICES, **more)
    assert found.absent["share_others"] == "there are no further judges of mnist"
    assert 0 <= found["accuracy_score"] <= 100 and 0 <= found["accuracy_real"] <= 100
    assert math.isfinite(found["share"]) and found.floors["coverage"] > 0.5


def test_what_is_learned_from_images_is_asked_of_real_ones() -> None:
    """A judge's architecture learns from real images, or from the same images with labels that mean nothing."""
    run = make_run(Circumstances(0, "cpu", SLICES, Silent()), "evaluation", open_other)
    train, test = (run.dataset("mnist", part) for part in ("train", "test"))
    judge = Judge(0.0, network="lenet")
    before = {name: tensor.clone() for name, tensor in judge.state_dict().items()}
    with run.seeded():
        images, labels = real_images(train, 400)
        right = accuracy_score(judge, images, labels, test, 20)
        wrong = accuracy_score(judge, images, labels.roll(1), test, 20)
    assert right.number > 60 and wrong.number < 30 and right.error
    assert all(torch.equal(before[name], tensor) for name, tensor in judge.state_dict().items())
    with pytest.raises(zoo.UsageError, match="too few"):
        accuracy_score(judge, images[:100], labels[:100], test, 1)
