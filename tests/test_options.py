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
