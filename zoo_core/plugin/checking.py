"""Whether a card that a stranger wrote is one: every field of the type it must have, and every text fit for a terminal.

Plain tests, not a schema: cards are checked whenever models are listed, and a schema takes longer to make than to use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, get_args

from ..cards.card import Card, Equation, Metric, Preset
from ..cards.claims import Claim, Kind
from ..cards.images import OwnImage
from ..cards.options import Options, flags
from ..errors import printable
from ..packages.loading import NAME
from ..packages.names import is_plain

LINE, PROSE = 1000, 10_000  # characters at most
DECIMALS = 17  # a double has no more


def check_card(card: Card) -> None:
    """Whether a card is one.

    Raises:
        ValueError: a field is not what it must be; the error names it.
    """
    for field in ("summary", "licence", "task", "install", "holds", "takes", "gives"):
        _check_text(field, getattr(card, field))
    for field in ("idea", "paper"):
        _check_text(field, getattr(card, field), PROSE)
    _check_items("datasets", card.datasets, _check_text)
    _check_items("limits", card.limits, _check_text)
    _check_items("libraries", card.libraries, _check_module)
    _check_items("metrics", card.metrics, _check_metric)
    _check_items("equations", card.equations, _check_equation)
    names = [metric.name for metric in card.metrics]
    _demand(len(set(names)) == len(names), "metrics", f"name one twice: {', '.join(names)}")
    for field, kind in (("presets", card.presets), ("tiny", card.tiny)):
        _demand(isinstance(kind, Mapping), field, f"must be a dictionary, not {_type(kind)}")
    for name, preset in card.presets.items():
        _check_preset(name, preset)
    _demand(card.default_preset in card.presets, "default_preset", f"does not exist: {card.default_preset!r}")
    for name in card.tiny:
        _check_name("tiny", name)
    _demand(_is_count(card.options_version), "options_version", "must be a number above 0")
    _check_comparisons(card)
    for field in ("migrate", "build"):
        function = getattr(card, field)
        _demand(function is None or callable(function), field, f"must be a function, not {_type(function)}")
    _check_options(card)


def _check_comparisons(card: Card) -> None:
    _demand(
        isinstance(card.comparisons, Mapping), "comparisons", f"must be a dictionary, not {_type(card.comparisons)}"
    )
    for name, presets in card.comparisons.items():
        _check_name("comparisons", name)
        _check_items(f"comparisons[{name!r}]", presets, _check_name)
        _demand(len(presets) > 1, f"comparisons[{name!r}]", "must name two presets or more")
        for preset in presets:
            _demand(preset in card.presets, f"comparisons[{name!r}]", f"names no preset: {preset!r}")


def _check_preset(name: object, preset: Any) -> None:
    _check_name("presets", name)
    field = f"presets[{name!r}]"
    _demand(isinstance(preset, Preset), field, f"must be a Preset, not {_type(preset)}")
    _demand(isinstance(preset.options, Options), f"{field}.options", f"must be Options, not {_type(preset.options)}")
    _check_text(f"{field}.summary", preset.summary)
    published, claims = preset.published, preset.claims
    _demand(isinstance(published, Mapping), f"{field}.published", f"must be a dictionary, not {_type(published)}")
    for metric, figure in published.items():
        _check_name(f"{field}.published", metric)
        _demand(_is_finite(figure), f"{field}.published[{metric!r}]", "must be a finite number")
    _demand(isinstance(claims, tuple), f"{field}.claims", f"must be a tuple, not {_type(claims)}")
    for number, claim in enumerate(claims):
        _check_claim(f"{field}.claims[{number}]", claim)


def _check_claim(field: str, claim: Any) -> None:
    _demand(isinstance(claim, Claim), field, f"must be a Claim, not {_type(claim)}")
    _demand(claim.kind in get_args(Kind), f"{field}.kind", f"must be one of {', '.join(get_args(Kind))}")
    for part in ("source", "says", "protocol", "than", "fails", "seen"):
        _check_text(f"{field}.{part}", getattr(claim, part))
    if claim.kind == "picture":
        return _demand(bool(claim.says), f"{field}.says", "must say what the picture shows")
    _check_name(f"{field}.metric", claim.metric)
    for part in ("value", "error"):
        _demand(_is_finite(getattr(claim, part)), f"{field}.{part}", "must be a finite number")
    _demand(claim.error >= 0, f"{field}.error", "must not be negative")
    compares = claim.kind in ("above", "below")
    _demand(bool(claim.than) == compares, f"{field}.than", "must name a preset if, and only if, the kind compares two")


def _check_metric(field: str, metric: Any) -> None:
    _demand(isinstance(metric, Metric), field, f"must be a Metric, not {_type(metric)}")
    _check_name(f"{field}.name", metric.name)
    for part in ("summary", "unit", "asked"):
        _check_text(f"{field}.{part}", getattr(metric, part))
    _demand(metric.better in ("lower", "higher", ""), f"{field}.better", "must be 'lower', 'higher' or empty")
    digits = metric.decimals
    _demand(digits == 0 or (_is_count(digits) and digits <= DECIMALS), f"{field}.decimals", f"must be 0 to {DECIMALS}")


def _check_equation(field: str, equation: Any) -> None:
    _demand(isinstance(equation, Equation), field, f"must be an Equation, not {_type(equation)}")
    for part in ("formula", "source", "code", "test"):
        _check_text(f"{field}.{part}", getattr(equation, part))
    module, colon, name = equation.code.partition(":")
    parts = [part for part in [*module.lstrip(".").split("."), *name.split(".")] if module.strip(".") or part]
    plain = bool(colon and name) and all(part.isidentifier() for part in parts)
    _demand(plain, f"{field}.code", f"{equation.code!r} is not MODULE:FUNCTION or MODULE:CLASS.METHOD")


def _check_options(card: Card) -> None:
    """Whether each verb has a class of options, all presets the same one, and every text of a flag is one."""
    kinds = {"presets": card.train_options, "sample_options": card.sample_options}
    for field, kind in {**kinds, "evaluate_options": card.evaluate_options}.items():
        _demand(isinstance(kind, type) and issubclass(kind, Options), field, "must be a subclass of Options")
        for flag in flags(kind):
            option = f"{field}: option {flag.field!r}"
            _demand(not kind.model_fields[flag.field].is_required(), option, "must have a default")
            _check_text(f"{option}: its help", flag.help, PROSE)
            _check_text(f"{option}: its unit", flag.unit)
            _check_items(f"{option}: its choices", flag.choices, _check_text)
            _demand(flag.type is not OwnImage or field != "presets", option, "is an image, which weights cannot keep")
    switches = {flag.field for flag in flags(card.evaluate_options) if flag.type is bool}
    for metric in card.metrics:
        is_switch = not metric.asked or metric.asked in switches
        _demand(is_switch, f"metrics: {metric.name!r}.asked", f"is no switch of evaluate: {metric.asked!r}")
    for name, preset in card.presets.items():
        same = isinstance(preset.options, card.train_options)
        _demand(same, f"presets[{name!r}].options", f"must be {card.train_options.__name__}, as those of the default")


def _check_items(field: str, items: Any, check: Callable[[str, Any], None]) -> None:
    _demand(isinstance(items, tuple | list), field, f"must be a tuple, not {_type(items)}")
    for number, item in enumerate(items):
        check(f"{field}[{number}]", item)


def _check_text(field: str, text: object, longest: int = LINE) -> None:
    if not isinstance(text, str):
        raise ValueError(f"{field} must be a text, not {_type(text)}")
    _demand(len(text) <= longest, field, f"has more than {longest:,} characters")
    _demand(text == printable(text), field, "has control characters")
    _demand(longest > LINE or "\n" not in text, field, "must be one line")


def _check_name(field: str, name: object) -> None:
    plain = isinstance(name, str) and 0 < len(name) <= NAME and is_plain(name)
    _demand(plain, field, f"{name!r} is no name: letters, digits, '-', '_' and dots inside")


def _check_module(field: str, name: object) -> None:
    plain = isinstance(name, str) and all(part.isidentifier() for part in name.split("."))
    _demand(plain, field, f"{name!r} is no name of a module")


def _is_finite(number: object) -> bool:
    try:
        return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
    except OverflowError:  # an integer that no double holds
        return False


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number > 0


def _type(thing: object) -> str:
    return type(thing).__name__


def _demand(right: bool, field: str, otherwise: str) -> None:
    if not right:
        raise ValueError(f"{field} {otherwise}")
