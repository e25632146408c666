"""Names that an option of a model may not have, since the verbs use them: derived from the verbs themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from .. import api
from ..api.parameters import HELP, VERBS


def reserved(verb: str) -> set[str]:
    """The names that are taken, in Python and on the command line.

    Args:
        verb: ``train``, ``sample`` or ``evaluate``.
    """
    functions: dict[str, Callable[..., object]] = {"train": api.train, "sample": api.sample, "evaluate": api.evaluate}
    parameters = inspect.signature(functions[verb]).parameters.values()
    arguments = {parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD}
    return arguments | {word for flag in (*VERBS[verb], HELP) for word in flag.words()}
