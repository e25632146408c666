"""Options: layers, wrong values, flags."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import click
import pytest

import zoo_core as zoo
from zoo_core.cards import options
from zoo_core.cli.values import parameter
from zoo_core.errors import PluginError, UsageError
from zoo_core.packages.entries import MODELS, installed
from zoo_core.plugin import registry
from zoo_core.weights.find import todays_options


class Sample(zoo.Options):
    class_: Literal["sandal", "bag"] | None = zoo.option(None, "what to draw")
    batch_size: int = zoo.option(8, "how many", unit="images", ge=1, le=100)
    rate: float = zoo.option(0.5, "how fast", gt=0)


def test_later_layers_win_and_names_are_forgiving() -> None:
    base = Sample(batch_size=3, rate=0.1)
    made = options.resolve(Sample, {"batch-size": 4, "class": "bag"}, {"batch_size": 5}, base=base)
    assert made == Sample(class_="bag", batch_size=5, rate=0.1)


@pytest.mark.parametrize(
    ("values", "what", "hint"),
    [
        ({"class": "sandle"}, "no class 'sandle'", "'sandal'"),
        ({"batch_size": 0}, "--batch-size 0", "default is 8"),
        ({"batch_size": "x"}, "--batch-size x", "default is 8"),
        ({"rate": float("nan")}, "--rate nan", "default"),
        ({"bach_size": 3}, "--bach-size", "'--batch-size'"),
    ],
)
def test_wrong_options_are_named_with_a_remedy(values: dict[str, Any], what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        options.resolve(Sample, values, owner="cgan")
    assert what in caught.value.message and hint in caught.value.hint


def test_options_reflect_into_flags() -> None:
    flags = {flag.name: flag for flag in options.flags(Sample)}
    assert set(flags) == {"--class", "--batch-size", "--rate"}
    assert flags["--class"].choices == ("sandal", "bag") and flags["--batch-size"].unit == "images"

    class Odd(zoo.Options):
        shape: tuple[int, int] = zoo.option((1, 2), "no flag can say this")

    with pytest.raises(PluginError, match=r"Odd\.shape"):
        options.flags(Odd)


def test_of_many_choices_the_first_are_named() -> None:
    names = [f"class {number}" for number in range(130)]
    flag = replace(options.flags(Sample)[0], choices=tuple(names))
    error = options.bad_value(flag, "zzz", "", "cgan")
    assert error.hint.startswith("choose from: class 0, class 1, ") and error.hint.endswith("class 19 and 110 more")
    help_ = parameter(flag, None).make_metavar(click.Context(click.Command("sample")))
    assert help_.endswith("class 19 and 110 more]") and len(help_) < 300
    few = parameter(options.flags(Sample)[0], None).make_metavar(click.Context(click.Command("sample")))
    assert few == "[sandal|bag]"


@pytest.mark.parametrize("name", sorted(installed(MODELS)))
def test_what_a_preset_writes_into_a_file_can_be_read_from_it(name: str) -> None:
    card = registry.load(name).card
    for preset in card.presets.values():
        facts = {"options": preset.options.model_dump(mode="json"), "options_version": card.options_version}
        assert todays_options(card, facts, "a file") == preset.options


def test_an_option_may_depend_on_a_switch() -> None:
    class Train(zoo.Options):
        labelled: bool = zoo.option(True, "with labels")
        weight: float = zoo.option(0.1, "of a loss of labels", only={"labelled": (True,)})
        mix: float = zoo.option(0.1, "without them", only={"labelled": (False,)})

    found = {flag.name: flag.when() for flag in options.flags(Train)}
    assert found == {"--labelled": "", "--weight": "--labelled", "--mix": "--no-labelled"}
    with pytest.raises(UsageError, match="--weight is not for --no-labelled"):
        options.resolve(Train, {"labelled": False, "weight": 1.0})
    assert options.resolve(Train, {"labelled": False, "mix": 1.0}).mix == 1.0
