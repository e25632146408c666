"""Options: one pydantic model per verb, in the plugin's torch-free face.

The same class gives the command line its flags, the presets their fields, a run its record and a
weights file its header. Values are checked here, before torch is imported.
"""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as filled
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
)
from pydantic.fields import FieldInfo

from ..errors import PluginError, UsageError, nearest, one_line
from . import paths
from .images import OwnImage
from .spelling import spelled

_O = TypeVar("_O", bound="Options")


SINGLE = (bool, int, float, str, Path, OwnImage)  # types of a value; an Enum of texts, or a Literal, is a str


class Options(BaseModel):
    """Base of all option classes: immutable, no unknown fields, no NaN.

    A field is a bool, int, float, str, `Path`, an Enum or Literal of texts, ``tuple[T, ...]`` of one of these, or
    images of the user's own; each possibly None. A `Path` of a training that leads to a file is kept by content: see
    `paths`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, defer_build=True)

    def said(self, field: str) -> bool:
        """Whether somebody chose the value of a field; else it is the default."""
        return field in self.model_fields_set

    @field_validator("*", mode="before")
    @classmethod
    def _typed(cls, value: object, field: ValidationInfo) -> object:
        """One value where several may be is a list of one, and what stands for a kept file leads to it again."""
        annotation: Any = cls.model_fields[field.field_name or ""].annotation
        kind, choices, many = _plain_type(annotation)
        if many and kind is not OwnImage and not isinstance(value, list | tuple) and value is not None:
            value = (value,)
        if choices or _note(cls.model_fields[field.field_name or ""], "known"):
            value = spelled(value, choices)
        if kind is not Path:
            return value
        return [_path(one) for one in value] if isinstance(value, list | tuple) else _path(value)

    @field_serializer("*", mode="wrap", when_used="json", check_fields=False)
    def _written(self, value: object, handler: SerializerFunctionWrapHandler) -> object:
        """No path of this machine stands in anything that is written down."""
        if isinstance(value, Path):
            return paths.written(value)
        if type(value) is str:
            return paths.plain(value)
        if isinstance(value, list | tuple) and any(isinstance(one, Path) for one in value):
            return [paths.written(one) for one in value]
        return handler(value)


def _note(info: FieldInfo, name: str) -> Any:
    """What `option` was told of a field beyond what pydantic knows."""
    return (info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}).get(name, "")


def _path(value: object) -> object:
    return (paths.place(str(value)) or value) if isinstance(value, str | Path) else value


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
    known: str = "",
    only: Mapping[str, Sequence[object]] | None = None,
) -> Any:
    """One field of an `Options` class.

    Args:
        default: its value when nothing else is said.
        help: what it does, one sentence; shown by ``--help``.
        unit: physical or counting unit of the value.
        ge, gt, le, lt: inclusive and exclusive bounds.
        piped: a text that the command line takes from a pipe or redirected file when no option is given.
        known: what the weights know that a text must be one of: ``classes``, the names of their classes, or a list of
            texts that the training left with `Run.note`. A hook gets one of these, however it was spelled, or None.
        only: other fields, each with those of its values for which this option means something, such as
            ``{"show": ("prior",)}`` or ``{"labelled": (True,)}``; said where it means nothing it is an error.
    """
    extra: dict[str, Any] = {"unit": unit, "piped": piped, "known": known, "only": dict(only or {})}
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
    only: Mapping[str, tuple[str, ...]] = filled(default_factory=dict)

    def when(self) -> str:
        """When it means something: ``--show prior or bernoulli``, ``--labelled``; empty where it always does."""
        return " and ".join(_with(flag_name(other), values) for other, values in self.only.items())


def _with(flag: str, values: tuple[str, ...]) -> str:
    """How an option is typed that has one of some values, as `shown` says them."""
    said = " or ".join(values)
    return {shown(True): flag, shown(False): f"--no-{flag.lstrip('-')}"}.get(said, f"{flag} {said}")


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


def _flag(options: type[Options], name: str, info: FieldInfo) -> Flag:
    annotation: Any = info.annotation
    kind, choices, many = _plain_type(annotation)
    if kind not in SINGLE or (many and kind is bool):
        raise PluginError(
            f"option {options.__name__}.{name} has type {info.annotation}, which no flag can express",
            "use bool, int, float, str, Path, OwnImage, an Enum or Literal of texts, each possibly with None; or "
            "tuple[T, ...] of one of these; or OwnImages",
        )
    return Flag(
        field=name,
        name=flag_name(name),
        type=kind,
        default=info.default,
        help=info.description or "",
        unit=str(_note(info, "unit")),
        choices=choices,
        piped=bool(_note(info, "piped")),
        known=str(_note(info, "known")),
        many=many,
        only={name: tuple(map(shown, values)) for name, values in (_note(info, "only") or {}).items()},
    )


def shown(value: object) -> str:
    """A value as help and tables say it."""
    if value is None or value == ():
        return "none"
    if isinstance(value, list | tuple):
        return " ".join(map(shown, value))
    return str(value.value if isinstance(value, Enum) else paths.written(value) if isinstance(value, Path) else value)


@lru_cache
def _plain_type(annotation: Any) -> tuple[Any, tuple[str, ...], bool]:
    """The type of a value, its choices, and whether there may be several: without ``| None``, of a list that of one."""
    inner = get_args(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [kind for kind in inner if kind is not type(None)]
        return _plain_type(rest[0]) if len(rest) == 1 else (annotation, (), False)
    if get_origin(annotation) is tuple and inner[1:] == (...,):
        kind, choices, several = _plain_type(inner[0])
        return (annotation, (), False) if several else (kind, choices, True)
    if get_origin(annotation) is Literal:
        return (str, inner, False) if all(isinstance(choice, str) for choice in inner) else (annotation, (), False)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        values = tuple(member.value for member in annotation)
        return (str, values, False) if all(isinstance(value, str) for value in values) else (annotation, (), False)
    return annotation, (), False


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
    made = validated(options, values, owner)
    for flag, other in unused(made, _said(options, layers, owner)):
        what = _with(flag_name(other), (shown(getattr(made, other)),))
        raise UsageError(f"{flag.name} is not for {what}", f"leave it out; it is for {flag.when()}")
    return made


def validated(options: type[_O], values: Mapping[str, Any], owner: str = "") -> _O:
    """Options of these values, by the names of their fields.

    Raises:
        UsageError: an unknown name, a wrong type, or a value out of range.
    """
    try:
        return options.model_validate({_field(options, key, owner): value for key, value in values.items()})
    except ValidationError as error:
        raise _usage_error(options, error, owner) from None


def _said(options: type[Options], layers: Sequence[Mapping[str, Any]], owner: str) -> set[str]:
    """The fields of which somebody said something; None says nothing."""
    return {_field(options, key, owner) for layer in layers for key, value in layer.items() if value is not None}


def unused(options: Options, said: Collection[str]) -> list[tuple[Flag, str]]:
    """The fields that were said and mean nothing, each with the other field that makes it so.

    Args:
        said: names of fields.
    """
    asked = [flag for flag in flags(type(options)) if flag.field in said]
    return [(flag, other) for flag in asked for other, values in flag.only.items()
            if shown(getattr(options, other)) not in values]  # fmt: skip


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


def bad_value(flag: Flag, value: Any, reason: str, owner: str) -> UsageError:
    """The error for one wrong value, with the nearest right one where there are choices."""
    if flag.choices:
        what = flag.name.lstrip("-")
        return UsageError(f"{owner or 'the model'} has no {what} '{value}'", nearest(str(value), flag.choices))
    unit = f" ({flag.unit})" if flag.unit else ""
    reason = reason[:1].lower() + reason[1:]
    typed = one_line(shown(value))[:200]
    return UsageError(
        f"{flag.name} {typed}: {reason.replace('input ', '')}{unit}", f"default is {shown(flag.default)}; see --help"
    )
