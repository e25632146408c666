"""The GAN: its schedule language, its losses, its networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import SLICES
from zoo_gan import CARD, Train
from zoo_gan.model import networks
from zoo_gan.schedule import generator_moves, parse

import zoo_core as zoo
from zoo_core import UsageError
from zoo_core.cards.options import resolve
from zoo_core.kits.generators.losses import discriminator_loss, generator_loss
from zoo_core.kits.generators.schedules import set_rate


def turns(text: str, per_epoch: int, epochs: int) -> list[list[int]]:
    """For each epoch, after how many discriminator steps since the last turn the generator moves."""
    schedule, since, found = parse(text), 0, []
    for epoch in range(epochs):
        gaps = []
        for step in range(per_epoch):
            since += 1
            if generator_moves(schedule, epoch * per_epoch + step, epoch, epochs):
                gaps.append(since)
                since = 0
        found.append(gaps)
    return found


def test_schedules_of_the_published_experiments() -> None:
    assert turns("4", 8, 2) == [[4, 4], [4, 4]]
    assert turns("32 to 1, 1", 64, 2) == [[32, 32], [1] * 64]
    falling = turns("16 to 1, 8 to 10, 4 to 20, 2 to 30, 1", 16, 31)
    assert [gaps[0] for gaps in falling] == [16] + [8] * 9 + [4] * 10 + [2] * 10 + [1]
    assert [len(gaps) for gaps in falling] == [1] + [2] * 9 + [4] * 10 + [8] * 10 + [16]
    halves = turns("1 to 50%, 1/2", 6, 4)
    assert halves == [[1] * 6, [1] * 6, [1, 2, 1, 2], [1, 2, 1, 2]]


@pytest.mark.parametrize(
    "text", ["", "0", "x", "1,2", "1 to 3", "2 to 5, 3 to 5, 1", "1 to 5, 2 to 3, 1", "1/0", "-1", "1.5"]
)
def test_what_is_no_schedule_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(Train, {"discriminator_steps": text}, owner="gan")
    assert "--discriminator-steps" in str(caught.value) or "schedule" in str(caught.value)


def test_label_smoothing() -> None:
    real, fake = torch.tensor([[1.5]]), torch.tensor([[-0.5]])
    log = torch.nn.functional.logsigmoid
    one_sided = -(0.9 * log(real) + 0.1 * log(-real) + log(-fake))
    torch.testing.assert_close(discriminator_loss(real, fake, real_label=0.9), one_sided[0, 0])
    two_sided = one_sided + log(-fake) - (0.1 * log(fake) + 0.9 * log(-fake))
    torch.testing.assert_close(discriminator_loss(real, fake, "non-saturating", 0.9, 0.1), two_sided[0, 0])


def test_generator_losses_by_hand() -> None:
    fake = torch.tensor([[2.0], [-1.0]])
    torch.testing.assert_close(generator_loss(fake, "minimax"), (1 - fake.sigmoid()).log().mean())
    torch.testing.assert_close(generator_loss(fake, "non-saturating"), -fake.sigmoid().log().mean())


def test_hinge_losses_by_hand() -> None:
    real, fake = torch.tensor([[2.0], [0.5]]), torch.tensor([[0.25], [-3.0]])
    found = discriminator_loss(real, fake, kind="hinge")
    torch.testing.assert_close(found, torch.tensor((0 + 0.5) / 2 + (1.25 + 0) / 2))
    torch.testing.assert_close(generator_loss(fake, "hinge"), torch.tensor(2.75 / 2))


@pytest.mark.parametrize("network", ["dcgan", "spectral", "pixelshuffle", "conv-small", "mlp"])
def test_networks_have_the_shapes_of_the_reference(network: str) -> None:
    generator, discriminator = networks(Train(network=network), (1, 28, 28))  # type: ignore[arg-type]
    images = generator(torch.randn(5, 64))
    assert images.shape == (5, 1, 28, 28) and discriminator(images).shape == (5, 1)
    whites = generator.scale(torch.full((1, 1, 28, 28), 255, dtype=torch.uint8))
    blacks = generator.scale(torch.zeros(1, 1, 28, 28, dtype=torch.uint8))
    assert float(whites.max()) == pytest.approx(1) and float(blacks.min()) == generator.low
    pixels = generator.pixels(torch.randn(3, 64))
    assert float(pixels.min()) >= 0 and float(pixels.max()) <= 1 and generator.training


def test_conv_small_has_the_parameters_of_the_reference() -> None:
    generator, discriminator = networks(Train(network="conv-small"), (1, 28, 28))
    g = 65 * 1568 + (32 * 9 + 1) * 16 + (16 * 9 + 1) * 8 + (8 * 9 + 1)
    d = (9 + 1) * 2 + (2 * 9 + 1) * 4 + (4 * 9 + 1) * 8 + (8 * 25 + 1)
    assert sum(p.numel() for p in generator.parameters()) == g
    assert sum(p.numel() for p in discriminator.parameters()) == d


def test_each_published_experiment_is_a_preset_of_its_own() -> None:
    options = {name: preset.options for name, preset in CARD.presets.items()}
    assert len({o.model_dump_json() for o in options.values()}) == len(options)
    assert options["minimax"].loss == "minimax" and options["always-4"].discriminator_steps == "4"  # type: ignore[attr-defined]


def test_the_discriminator_of_spectral_is_lipschitz() -> None:
    _, discriminator = networks(Train(network="spectral", width=8), (1, 28, 28))
    layers = [layer for layer in discriminator.modules() if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d)]
    assert len(layers) == 5 and all(torch.nn.utils.parametrize.is_parametrized(layer) for layer in layers)


def test_rates_fall_and_the_average_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []

    def noted(adam: torch.optim.Optimizer, rate: float) -> None:
        rates.append(rate)
        set_rate(adam, rate)

    monkeypatch.setattr("zoo_gan.model.set_rate", noted)
    how: dict[str, Any] = {"preset": "spectral", "width": 8, "batch_size": 8, "data_root": SLICES}
    whole = zoo.train("gan", **how, iterations=8, output=tmp_path / "whole")
    assert rates[::2] == pytest.approx([2e-4 * share for share in (1, 1, 1, 1, 1, 0.75, 0.5, 0.25)])
    last = zoo.train("gan", **how, iterations=8, average=0.0, output=tmp_path / "last")
    assert rates[1:16:2] == pytest.approx([2 * rate for rate in rates[:16:2]])
    files = [(done.folder / "model.safetensors").read_bytes() for done in (whole, last)]
    assert files[0] != files[1]
