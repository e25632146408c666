"""Names that an option of a model may not have, since the verbs use them: derived from the verbs themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from ..cards.options import flags
from ..errors import PluginError
from ..plugin.registry import Model
from .evaluation import evaluate
from .parameters import HELP, VERBS
from .sampling import sample
from .training import train

FUNCTIONS: dict[str, Callable[..., object]] = {"train": train, "sample": sample, "evaluate": evaluate}


def reserved(verb: str) -> set[str]:
    """The names that are taken, in Python and on the command line.

    Args:
        verb: ``train``, ``sample`` or ``evaluate``.
    """
    parameters = inspect.signature(FUNCTIONS[verb]).parameters.values()
    arguments = {parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD}
    return arguments | {word for flag in (*VERBS[verb], HELP) for word in flag.words()}


def check_options(model: Model, verb: str) -> None:
    """Whether the options of a model for a verb can stand beside the verb's own.

    Raises:
        PluginError: one has a name that is taken, or two would be one flag.
    """
    card = model.card
    kinds = {"train": card.train_options, "sample": card.sample_options, "evaluate": card.evaluate_options}
    taken = reserved(verb)
    seen: set[str] = set()
    for flag in flags(kinds[verb]):
        if flag.field.rstrip("_") in taken:
            raise PluginError(
                f"option {flag.name} of {model.name} ({model.distribution}) belongs to the core: zoo {verb} has it",
                f"rename the field '{flag.field}' of {kinds[verb].__name__}; report it to the plugin's authors",
            )
        if flag.name in seen:
            raise PluginError(
                f"{model.name} ({model.distribution}) has two options {flag.name}",
                f"rename the field '{flag.field}' of {kinds[verb].__name__}; report it to the plugin's authors",
            )
        seen.add(flag.name)
