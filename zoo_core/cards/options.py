"""Options: one pydantic model per verb, in the plugin's torch-free face.

The same class gives the command line its flags, the presets their fields, a run its record and a
weights file its header. Values are checked here, before torch is imported.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from ..errors import PluginError, UsageError, letters, nearest, one_line
from .images import OwnImage

_O = TypeVar("_O", bound="Options")


class Options(BaseModel):
    """Base of all option classes: immutable, no unknown fields, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, defer_build=True)


def option(
    default: Any,
    help: str,
    *,
    unit: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    piped: bool = False,
    known: Literal["", "classes"] = "",
) -> Any:
    """One field of an `Options` class.

    Args:
        default: its value when nothing else is said.
        help: what it does, one sentence; shown by ``--help``.
        unit: physical or counting unit of the value.
        ge, gt, le, lt: inclusive and exclusive bounds.
        piped: a text that the command line takes from a pipe or redirected file when no option is given.
        known: what the weights know that a text must be one of: ``classes``, the names of their classes. A hook gets
            one of these, however it was spelled, or None.
    """
    extra: dict[str, Any] = {"unit": unit, "piped": piped, "known": known}
    return Field(default, description=help, ge=ge, gt=gt, le=le, lt=lt, json_schema_extra=extra)


@dataclass(frozen=True)
class Flag:
    """An option as a command line sees it; `many`: one value or more, as those of `OwnImages`."""

    field: str
    name: str
    type: type
    default: Any
    help: str
    unit: str
    choices: tuple[str, ...]
    piped: bool = False
    known: str = ""
    many: bool = False


def flag_name(field: str) -> str:
    """``class_`` becomes ``--class``, ``batch_size`` becomes ``--batch-size``, ``n`` becomes ``-n``."""
    name = field.rstrip("_").replace("_", "-")
    return f"-{name}" if len(name) == 1 else f"--{name}"


def flags(options: type[Options]) -> list[Flag]:
    """The fields of an options class as command-line flags.

    Raises:
        PluginError: a field has a type that no flag can express.
    """
    return [_flag(options, name, info) for name, info in options.model_fields.items()]


def _flag(options: type[Options], field: str, info: FieldInfo) -> Flag:
    kind, choices = _plain_type(info.annotation)
    if kind not in (bool, int, float, str, Path, OwnImage):
        raise PluginError(
            f"option {options.__name__}.{field} has type {info.annotation}, which no flag can express",
            "use bool, int, float, str, Path OwnImage or Literal of strings, each possibly with None; or OwnImages",
        )
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    return Flag(
        field=field,
        name=flag_name(field),
        type=kind,
        default=info.default,
        help=info.description or "",
        unit=str(extra.get("unit", "")),
        choices=choices,
        piped=bool(extra.get("piped")),
        known=str(extra.get("known", "")),
        many=get_origin(info.annotation) is tuple,
    )


def _plain_type(annotation: Any) -> tuple[Any, tuple[str, ...]]:
    """Strip ``| None``; a Literal of strings becomes str with its choices, a tuple of images the type of one."""
    if annotation == tuple[OwnImage, ...]:
        return OwnImage, ()
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [a for a in get_args(annotation) if a is not type(None)]
        return _plain_type(inner[0]) if len(inner) == 1 else (annotation, ())
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        return (str, choices) if all(isinstance(c, str) for c in choices) else (annotation, ())
    return annotation, ()


def resolve(options: type[_O], *layers: Mapping[str, Any], owner: str = "", base: Options | None = None) -> _O:
    """Combine layers of values into checked options; later layers win.

    Args:
        options: the class to make.
        layers: e.g. the values of a file, then those of the flags.
        owner: names the plugin in error messages.
        base: full options that the layers change, e.g. a preset.
    Raises:
        UsageError: an unknown name, a wrong type, or a value out of range.
    """
    values: dict[str, Any] = base.model_dump() if base is not None else {}
    for layer in layers:
        for key, value in layer.items():
            values[_field(options, key, owner)] = value
    try:
        return options.model_validate(values)
    except ValidationError as error:
        raise _usage_error(options, error, owner) from None


def _field(options: type[Options], key: str, owner: str) -> str:
    """Accept ``class`` for ``class_`` and ``batch-size`` for ``batch_size``."""
    plain = key.replace("-", "_")
    for field in options.model_fields:
        if plain in (field, field.rstrip("_")):
            return field
    known = [flag_name(field) for field in options.model_fields]
    raise UsageError(f"{owner or 'the model'} has no option '{flag_name(plain)}'", nearest(flag_name(plain), known))


def _usage_error(options: type[Options], error: ValidationError, owner: str) -> UsageError:
    """An error of the zoo that says the first of pydantic's complaints."""
    first = error.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ")  # what a plugin's own validator raised
    if not first["loc"]:
        return UsageError(f"{owner}: {message}")
    field = str(first["loc"][0])
    flag = next(flag for flag in flags(options) if flag.field == field)
    return bad_value(flag, first["input"], message, owner)


def needs_classes(options: Options | type[Options]) -> bool:
    """Whether an option has a value that only the weights know, or could have one."""
    kind = options if isinstance(options, type) else type(options)
    asked = [flag for flag in flags(kind) if flag.known == "classes"]
    return any(options is kind or getattr(options, flag.field) is not None for flag in asked)


def known(options: _O, classes: Sequence[str], owner: str) -> _O:
    """Options whose choices only the weights know, checked: a name that is spelled otherwise becomes theirs.

    Args:
        classes: those of the weights.
    Raises:
        UsageError: they have no such class.
    """
    changes = {}
    for flag in flags(type(options)):
        value = getattr(options, flag.field)
        if flag.known == "classes" and value is not None:
            same = [name for name in classes if name == value] or [n for n in classes if letters(n) == letters(value)]
            if len(same) != 1:
                raise bad_value(replace(flag, choices=tuple(classes) or ("",)), value, "", owner)
            changes[flag.field] = same[0]
    return options.model_copy(update=changes) if changes else options


def bad_value(flag: Flag, value: Any, reason: str, owner: str) -> UsageError:
    """The error for one wrong value, with the nearest right one where there are choices."""
    if flag.choices:
        what = flag.name.lstrip("-")
        return UsageError(f"{owner or 'the model'} has no {what} '{value}'", nearest(str(value), flag.choices))
    unit = f" ({flag.unit})" if flag.unit else ""
    reason = reason[:1].lower() + reason[1:]
    shown = one_line(str(value))[:200]
    return UsageError(
        f"{flag.name} {shown}: {reason.replace('input ', '')}{unit}", f"default is {flag.default}; see --help"
    )
